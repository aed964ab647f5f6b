"""The form of a serious event, for the printer: a page, made for whoever asks, in their language."""

from collections.abc import Iterator
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from flask import Response, g, make_response, render_template
from flask.views import MethodView

from backend import access
from backend.access import Verb
from backend.adverse_events.models import AdverseEvent
from backend.adverse_events.safety import seconds_overdue
from backend.adverse_events.safety_form import Heard, SafetyForm, at_hospital, form_of
from backend.api import languages
from backend.api.bodies import ApiBlueprint
from backend.api.requests import afterwards
from backend.patients.identifiers import note_reading
from backend.reports.listing import own_words
from backend.staff.members import name_of
from backend.staff.models import StaffMember
from notifications.inbound import text_of
from notifications.models import InboundMessage
from schemas.safety import SafetyFormQuery

blp = ApiBlueprint("safety_form", __name__, url_prefix="/api/v1/adverse-events", description="The form for the printer")

Said = tuple[datetime, str]


@blp.route("/<uuid:event_id>/safety-form")
class PrintedForm(MethodView):
    """A serious event on paper."""

    @blp.reads(languages.ACCEPT_LANGUAGE)
    @blp.arguments(SafetyFormQuery, location="query")
    @blp.alt_response(409, "CONFLICT")
    @blp.response(200, {"type": "string"}, content_type="text/html", headers=languages.IN_ANSWERS)
    def get(self, query: dict[str, Any], event_id: UUID) -> Response:
        """Print the form: HTML with a style for paper. Words are for who may read identifiers, and that is noted."""
        event = access.record(g.txn, AdverseEvent, event_id, Verb.READ_SAFETY_REPORTS)
        language = query["language"] or languages.accepted_language()
        with_words = access.may(g.txn, event.site_id, Verb.READ_IDENTIFIERS)
        form = form_of(g.txn, event, may_read_words=with_words)
        page = make_response(_printed(form, language, with_words=with_words))
        page.headers["Content-Language"] = language
        page.vary.add("Accept-Language")
        return page


def _printed(form: SafetyForm, language: str, *, with_words: bool) -> str:
    words = list(_words(form)) if with_words else []
    if with_words and (words or form.judged.note or form.judged.specify or form.recipients_are_shown):
        afterwards(partial(note_reading, patient_id=form.patient.id))
    return render_template(
        "safety_form.html",
        form=form,
        language=language,
        words_shown=with_words,
        patients_words=words,
        signer=_signer(form),
        is_late=seconds_overdue(form.event, g.txn.now) > 0,
        now=g.txn.now,
        at_hospital=partial(at_hospital, site=form.site),
    )


def _words(form: SafetyForm) -> Iterator[Said]:
    for heard in form.heard:
        yield from ((heard.received_at, text) for text in _written(heard))


def _written(heard: Heard) -> Iterator[str]:
    if heard.version is not None:
        yield from (one["text"] for one in own_words(g.txn, heard.version))
    elif heard.inbound_message_id is not None:
        text = text_of(g.txn, g.txn.session.get_one(InboundMessage, heard.inbound_message_id))
        if text:
            yield text


def _signer(form: SafetyForm) -> str | None:
    """The physician's name, for those who may know names of staff."""
    if form.signature is None or not access.may(g.txn, form.site.id, Verb.READ_STAFF_NAMES):
        return None
    return name_of(g.txn, g.txn.session.get_one(StaffMember, form.signature.signed_by))
