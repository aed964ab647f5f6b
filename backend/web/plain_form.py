"""The plain form behind a link: the same questionnaire as the app's, page by page, with no script at all.

Nobody signs in here; whoever holds the link was given it. Looking changes nothing, because what shows a link's preview
looks too. A page that is sent is kept, and the next one is asked for by an address of its own, so that going back and
sending again are ordinary things. A link that opens nothing says so in the same words, whatever the reason.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from flask import Blueprint, Response, current_app, g, redirect, request, url_for
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import HTTPException

from backend import clock, limits
from backend.api.languages import OFFERED
from backend.api.limits import caller_network
from backend.api.requests import database_of
from backend.conversations import drafts, form_filling, form_links
from backend.conversations.answers import Sender
from backend.conversations.form_filling import Filling
from backend.conversations.form_links import Form
from backend.conversations.form_pages import Page
from backend.conversations.form_questions import OTHER
from backend.db import Transaction, system
from backend.errors import FollowupError
from backend.patients.models import Patient
from backend.patients.symptom_report import SymptomReport
from backend.patients.turns import take_turn
from backend.staff.models import Site
from backend.terms import Language, Tier
from backend.triage.advice import advice_for
from backend.triage.candidates import rules_under
from backend.web import form_fields, form_shown, languages
from backend.web.languages import CHOICE, page_language
from backend.web.pages import shown
from notifications.templates import spoken_date

blp = Blueprint("plain_form", __name__, url_prefix="/f")

READER = system("plain form")
AT = "at"
REVIEW, START = "review", "start"
# What was sent and is sent again, because the answer was lost on its way, is answered for so long.
SAID_AGAIN_FOR = timedelta(hours=1)
# Wrong links of one network; who holds a right one is never counted.
GUESSES, GUESSED_WITHIN = 60, timedelta(minutes=1)
HIDDEN_FIELDS = 200


@blp.get("/<token>")
def show(token: str) -> Response:
    """The page asked for, else the next one with something to answer."""
    return _answered(token, _shown)


@blp.post("/<token>")
def take(token: str) -> Response:
    """Keep what one page says, and go on; or file everything, and say what to do."""
    # The whole body first: whoever sends slowly must hold nobody's turn.
    request.get_data(parse_form_data=True)
    return _answered(token, _taken)


@blp.errorhandler(Exception)
def not_received(error: Exception) -> Response:
    """Whoever pressed must not believe that it arrived. The link, and what was sent before, are still good."""
    if isinstance(error, HTTPException):
        return _page("form/failed.html", error.code or 400, again=[])
    current_app.logger.error("a page of the form failed", exc_info=error, extra={"request_id": g.request_id})
    status = 503 if isinstance(error, SQLAlchemyError | FollowupError) else 500
    return _page("form/failed.html", status, again=_sent_again())


def _answered(token: str, how: Callable[[Transaction, Form], Response]) -> Response:
    """Open the link and answer in one transaction, which writes only for who holds a right link and sends a page."""
    db = database_of(current_app)
    with db.reading(READER) as txn:
        form = form_links.form_of(txn, token)
        if form is not None and request.method != "POST":
            return how(txn, form)
    if form is None:
        return _nothing_here()
    with db.transaction(READER, request_id=g.request_id) as txn:
        found = form_links.form_of(txn, token)
        assert found is not None, "Conversations stay."
        return how(txn, found)


def _shown(txn: Transaction, form: Form) -> Response:
    _speak_as(form)
    if not form.is_open:
        return _closed(txn, form)
    filling = form_filling.filling_of(txn, form.conversation)
    asked = request.args.get(AT, "")
    page = next((one for one in filling.pages if one.key == asked), None)
    if page is not None:
        return _question(txn, filling, page)
    if asked == START or (not asked and not filling.has_begun_here):
        return _start(txn, filling)
    page = filling.next_page()
    if page is None or asked == REVIEW:
        return _review(txn, filling)
    return _question(txn, filling, page, is_resumed=bool(filling.answers) and not asked)


def _taken(txn: Transaction, form: Form) -> Response:
    # Whoever was first may have ended it while this page waited, or a death been recorded.
    take_turn(txn, txn.session.get_one(Patient, form.conversation.patient_id))
    drafts.hold(txn, form.conversation)
    form = form_links.again(txn, form)
    _speak_as(form)
    filling = form_filling.filling_of(txn, form.conversation)
    asked = request.args.get(AT, "")
    page = filling.any_page(asked)
    read = form_fields.read_page(page, filling.instrument, request.form) if page else form_fields.Read()
    if not form.is_open:
        return _said_again(txn, form, filling, read) or _closed(txn, form, is_lost=bool(read.given))
    its_own = txn.acting_as(Sender(filling.patient, filling.caregiver).actor)
    if page is not None:
        return _page_taken(its_own, filling, page, read)
    if asked == REVIEW and filling.next_page() is None:
        return _sent(txn, filling.patient, form_filling.send(its_own, filling, page_language()))
    return _on_to(filling.next_page())


def _page_taken(txn: Transaction, filling: Filling, page: Page, read: form_fields.Read) -> Response:
    report = form_filling.keep_page(txn, filling, read.given, page_language())
    if report is not None:
        return _sent(txn, filling.patient, report)
    filled = form_filling.filling_of(txn, filling.conversation)
    if read.complaint is None:
        return _on_to(filled.next_page(after=page.key))
    if page not in filled.pages:
        return _on_to(filled.next_page())
    return _question(txn, filled, page, read=read)


def _on_to(page: Page | None) -> Response:
    where: dict[str, Any] = {AT: page.key if page else REVIEW, **_chosen_language()}
    address = url_for("plain_form.show", token=(request.view_args or {})["token"], **where)
    return _kept_to_ourselves(current_app.make_response(redirect(address, 303)))


def _start(txn: Transaction, filling: Filling) -> Response:
    first = filling.next_page()
    conversation = filling.conversation
    until = (conversation.link_expires_at or clock.wall()) + clock.ahead()
    return _of(
        txn,
        "form/start.html",
        filling.patient,
        at=START,
        minutes=form_shown.minutes_of(filling),
        count=len(filling.pages),
        answered=len(filling.pages) - len(filling.left),
        first=first.key if first else REVIEW,
        until=_spoken(until, filling.patient.time_zone),
        is_about_another=conversation.caregiver_id is not None,
    )


def _question(
    txn: Transaction,
    filling: Filling,
    page: Page,
    *,
    read: form_fields.Read | None = None,
    is_resumed: bool = False,
) -> Response:
    read = read or form_fields.Read()
    values = form_shown.shown_page(filling, page, page_language(), read.given)
    if read.complaint is not None:
        values |= {"typed": request.form.get(form_fields.TYPED, ""), "words": request.form.get(OTHER, "")}
    answer = _of(
        txn, "form/page.html", filling.patient, at=page.key, complaint=read.complaint, is_resumed=is_resumed, **values
    )
    answer.status_code = 200 if read.complaint is None else 422
    return answer


def _review(txn: Transaction, filling: Filling) -> Response:
    lines = form_shown.lines_of(filling, page_language())
    return _of(txn, "form/review.html", filling.patient, at=REVIEW, lines=lines, is_whole=not filling.left)


def _sent(txn: Transaction, patient: Patient, report: SymptomReport, *, is_late: bool = False) -> Response:
    """What to do now, in the language it is read in. ``is_late``: something new came after all was sent."""
    site, rules = txn.session.get_one(Site, report.site_id), rules_under(txn, report.protocol_version_id)
    advice = [advice_for(rules, one["code"], page_language(), site.emergency_phone) for one in report.advice]
    is_emergency = report.tier == Tier.T1
    values = {"advice": advice, "is_emergency": is_emergency, "is_late": is_late, "wants_call": report.wants_call}
    return _of(txn, "form/sent.html", patient, at=request.args.get(AT, REVIEW), **values)


def _said_again(txn: Transaction, form: Form, filling: Filling, read: form_fields.Read) -> Response | None:
    """To who sends a page a second time, what was said the first time; None once that is long ago."""
    conversation = form.conversation
    report = form_filling.report_of(txn, conversation)
    if report is None or not form.is_newest or txn.now > report.received_at + SAID_AGAIN_FOR:
        return None
    is_new = any(not filling.says_already(item, given) for item, given in read.given.items())
    return _sent(txn, filling.patient, report, is_late=is_new)


def _closed(txn: Transaction, form: Form, *, is_lost: bool = False) -> Response:
    patient = txn.session.get_one(Patient, form.conversation.patient_id)
    answer = _of(txn, "form/closed.html", patient, at="", is_lost=is_lost)
    answer.status_code = 410
    return answer


def _nothing_here() -> Response:
    """A guess, or a link that was cut short; many of one network are answered no more for a while."""
    wait = limits.take(
        database_of(current_app), "wrong form links", caller_network(), most=GUESSES, window=GUESSED_WITHIN
    )
    answer = _page("form/unknown.html", 429 if wait else 404)
    if wait:
        answer.headers["Retry-After"] = str(wait)
    return answer


def _of(txn: Transaction, template: str, patient: Patient, *, at: str, **values: Any) -> Response:
    """A page of this patient's hospital: its telephone numbers, and nothing of the patient."""
    site = txn.session.get_one(Site, patient.site_id)
    phones = {"phone": site.emergency_phone, "office_phone": site.office_phone or site.emergency_phone}
    return _page(template, 200, **phones, team=site.name, at=at, **values)


def _page(template: str, status: int, **values: Any) -> Response:
    answer = shown(template, chosen=_chosen_language(), **values)
    answer.status_code = status
    return _kept_to_ourselves(answer)


def _kept_to_ourselves(answer: Response) -> Response:
    answer.headers["X-Robots-Tag"] = "noindex"
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _speak_as(form: Form) -> None:
    """The language the patient chose, unless another is asked for on the page itself."""
    setattr(g, languages.SPOKEN, form.conversation.language)


def _chosen_language() -> dict[str, str]:
    chosen = request.args.get(CHOICE)
    return {CHOICE: chosen} if chosen in OFFERED else {}


def _sent_again() -> list[tuple[str, str]]:
    """What was sent, to be sent again with one button."""
    return list(request.form.items(multi=True))[:HIDDEN_FIELDS] if request.method == "POST" else []


def _spoken(moment: Any, zone: str) -> str:
    there, language = clock.local(moment, zone), Language(page_language())
    day = spoken_date(there.date(), language)
    return f"{day} {there:%H:%M}" if language is Language.CHINESE else f"{there:%H:%M}, {day}"
