"""The inbox: each text that a person must read, with what they need to know to answer it, and what came of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

from flask import g
from flask.views import MethodView

from backend import access, audit
from backend.access import Verb
from backend.api.bodies import ApiBlueprint
from backend.api.requests import afterwards
from backend.conversation_terms import InboxOutcome, WhyHere
from backend.conversations import given_texts
from backend.conversations.circumstances import Circumstances, circumstances_of
from backend.conversations.who_wrote import People, Writer, WriterKind, people_behind
from backend.db import Transaction
from backend.errors import InvalidInput, NotFound, NotPermitted
from backend.instruments.definition import CtcaeTerm, terminology
from backend.patients.models import Patient
from backend.sealing import unseal
from notifications import inbound, inbox, opt_outs
from notifications.conversation import Line
from notifications.last_said import Place, last_said, place_of
from notifications.models import InboundMessage
from schemas.inbox import (
    InboxHoldOut,
    InboxLineOut,
    InboxNextItemOut,
    InboxPageOut,
    InboxQuestionOut,
    InboxReopeningIn,
    InboxReopeningOut,
    InboxReportOut,
    InboxResolutionIn,
    InboxResolutionOut,
    InboxSurveyOut,
    InboxTextOut,
)
from schemas.paging import PageQuery, make_cursor, read_cursor

blp = ApiBlueprint("inbox", __name__, url_prefix="/api/v1/inbox", description="Texts that a person must read")

AS_IT_IS = ("id", "received_at", "channel")
OF_LINE, OF_SURVEY = tuple(InboxLineOut().fields), tuple(InboxSurveyOut().fields)
OF_QUESTION = tuple(name for name in InboxQuestionOut().fields if name != "asked_at")
OF_REPORT, OF_ITEM, OF_HOLD = (
    tuple(InboxReportOut().fields),
    tuple(InboxNextItemOut().fields),
    tuple(InboxHoldOut().fields),
)
# In a list enough of what was said to know what it is about; of a loop everything, as it is the one mark of many texts.
FEW_LINES = 6
# What is known of a number now says more than that nobody could tell then.
BY_NUMBER: Mapping[WriterKind, WhyHere] = {
    WriterKind.SEVERAL: WhyHere.SHARED_NUMBER,
    WriterKind.STAFF: WhyHere.STAFF_NUMBER,
    WriterKind.FORMER_NUMBER: WhyHere.FORMER_NUMBER,
    WriterKind.UNKNOWN: WhyHere.UNKNOWN_NUMBER,
}
OF_NOBODY_CERTAIN = frozenset({inbound.INBOX, *BY_NUMBER.values()})


@blp.route("")
class Inbox(MethodView):
    """Texts that a person must read."""

    @blp.arguments(PageQuery, location="query")
    @blp.response(200, InboxPageOut)
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """List texts that nobody has dealt with, the urgent first, then the oldest; the reading of each is noted."""
        after = read_cursor(query["cursor"], *inbox.KEY)
        page = inbox.waiting(g.txn, access.inbox(g.txn, Verb.READ_INBOX), after=after, limit=query["limit"])
        return {"items": _shown(page.items), "next_cursor": make_cursor(page.after)}


@blp.route("/<uuid:inbound_id>")
class InboxText(MethodView):
    """One text."""

    @blp.response(200, InboxTextOut)
    def get(self, inbound_id: UUID) -> dict[str, Any]:
        """Read a text with its number, more of the conversation, and, once dealt with, what came of it."""
        received = access.inbound(g.txn, inbound_id, Verb.READ_INBOX)
        return _shown([received], alone=True)[0] | {"dealt_with": _dealt_with(received)}


@blp.route("/<uuid:inbound_id>/resolutions")
class InboxResolutions(MethodView):
    """What came of a text."""

    @blp.arguments(InboxResolutionIn)
    @blp.response(201, InboxResolutionOut)
    def post(self, body: dict[str, Any], inbound_id: UUID) -> dict[str, Any]:
        """Close a text, and say whose it is where nobody could tell. Who comes second is told who was first."""
        received = access.inbound(g.txn, inbound_id, Verb.READ_INBOX)
        patient = _patient(received, body["patient"]) if body["patient"] else None
        resolved = given_texts.resolve(g.txn, received, body["outcome"], body["note"], patient)
        word = body["outcome"] if body["outcome"] in set(InboxOutcome) else InboxOutcome.OTHER
        return {"id": resolved.id, "resolved_at": resolved.handled_at, "outcome": word}


@blp.route("/<uuid:inbound_id>/reopenings")
class InboxReopenings(MethodView):
    """A text that was closed by mistake."""

    @blp.arguments(InboxReopeningIn)
    @blp.response(201, InboxReopeningOut)
    def post(self, body: dict[str, Any], inbound_id: UUID) -> dict[str, Any]:
        """Put a text back that a person has closed; one that they gave to a patient is nobody's again."""
        received = access.inbound(g.txn, inbound_id, Verb.READ_INBOX)
        return {"id": inbox.reopen(g.txn, received, body["reason"]).id, "why": WhyHere.REOPENED}


@dataclass(frozen=True)
class _Known:
    """What is shown beside the texts of a page, read once for all of them."""

    codes: Mapping[UUID, str]
    people: People
    lines: Mapping[Place, Sequence[Line]]
    circumstances: Mapping[UUID, Circumstances]
    terms: Mapping[str, CtcaeTerm]
    stopped: frozenset[str]

    def patient(self, one: Patient) -> dict[str, Any]:
        """Without anything that names them."""
        site = self.codes[one.site_id]
        return {"id": one.id, "subject_number": one.subject_number, "site": site, "status": one.status}


def _patient(received: InboundMessage, patient_id: UUID) -> Patient:
    """An unknown patient, one of another site, and one whose site has nothing to do with the text: one complaint."""
    try:
        patient = access.patient(g.txn, patient_id, Verb.READ_INBOX)
    except (NotFound, NotPermitted):
        patient = None
    if patient is None or received.site_id not in (None, patient.site_id):
        raise InvalidInput(fields={"patient": ["There is no such patient."]})
    return patient


def _shown(texts: Sequence[InboundMessage], *, alone: bool = False) -> list[dict[str, Any]]:
    if not texts:
        return []
    afterwards(partial(_note_reading, inbound_ids=[one.id for one in texts]))
    known = _known(texts)
    return [_text(one, known, alone=alone) for one in texts]


def _note_reading(txn: Transaction, inbound_ids: Sequence[UUID]) -> None:
    """Whose words a person has seen, one entry a text: free text can name anybody."""
    for inbound_id in inbound_ids:
        audit.note(txn, "inbound_message.read", txn.session.get_one(InboundMessage, inbound_id))


def _known(texts: Sequence[InboundMessage]) -> _Known:
    """The same number of statements for one text as for many."""
    people = people_behind(g.txn, texts, lambda site_id: access.may(g.txn, site_id, Verb.READ_INBOX))
    indexes = {one.number_index for one in texts if one.number_index}
    return _Known(
        access.site_codes(g.txn),
        people,
        last_said(g.txn, texts, people.patients.keys()),
        circumstances_of(g.txn, people.patients.values()),
        terminology(g.txn).terms,
        opt_outs.stopped_among(g.txn, indexes),
    )


def _text(received: InboundMessage, known: _Known, *, alone: bool) -> dict[str, Any]:
    patient = known.people.patients.get(received.patient_id) if received.patient_id else None
    possible, formerly = known.people.possible(received), known.people.formerly(received)
    writer = known.people.whose(received).writer_of(received)
    about = [patient] if patient else [*possible, *formerly]
    lines = known.lines.get(place_of(received) or "", ())
    is_whole = alone or received.handled_how == WhyHere.LOOP
    return {name: getattr(received, name) for name in AS_IT_IS} | {
        "why": _why(received, writer),
        "text": inbound.text_of(g.txn, received),
        "number": inbound.number_of(g.txn, received) if alone or received.patient_id is None else None,
        "patient": known.patient(patient) if patient else None,
        "site": known.codes[received.site_id] if received.site_id else None,
        "writer": _writer(writer),
        "possible_patients": [known.patient(one) for one in possible],
        "possible_elsewhere": known.people.are_more_elsewhere(received),
        "former_number_of": [known.patient(one) for one in formerly],
        "conversation": [_as_named(one, OF_LINE) for one in (lines if is_whole else lines[-FEW_LINES:])],
        "number_has_stopped": received.number_index in known.stopped,
        "circumstances": [_circumstances(known.circumstances[one.id], known) for one in about],
    }


def _why(received: InboundMessage, writer: Writer) -> str | None:
    """In words that stay; what older rows say is told in the same ones."""
    if received.patient_id is None and received.handled_how in OF_NOBODY_CERTAIN:
        return BY_NUMBER.get(writer.kind, WhyHere.NOT_UNDERSTOOD)
    if received.handled_how != inbound.INBOX:
        return received.handled_how
    named = writer.caregiver
    is_let = named is None or named.may_report or named.may_confirm_survival
    return WhyHere.NOT_UNDERSTOOD if is_let else WhyHere.NOT_PERMITTED


def _writer(writer: Writer) -> dict[str, Any]:
    named = writer.caregiver
    return {
        "kind": writer.kind,
        "caregiver_id": named.id if named else None,
        "may_report": named.may_report if named else None,
        "may_confirm_survival": named.may_confirm_survival if named else None,
    }


def _circumstances(now: Circumstances, known: _Known) -> dict[str, Any]:
    return {
        "patient": known.patient(now.patient),
        "open_questions": [_as_named(one, OF_QUESTION) | {"asked_at": one.settled_at} for one in now.open_questions],
        "surveys": [_as_named(one, OF_SURVEY) for one in now.surveys],
        "open_candidates": [
            {"id": one.id, "tier": one.tier, "term": known.terms.get(one.term_code or ""), "status": one.status}
            for one in now.candidates
        ],
        "last_report": _as_named(now.last_report, OF_REPORT) if now.last_report is not None else None,
        "next_item": _as_named(now.next_item, OF_ITEM) if now.next_item is not None else None,
        "contact_holds": [_as_named(one, OF_HOLD) for one in now.holds],
    }


def _dealt_with(received: InboundMessage) -> dict[str, Any] | None:
    if received.handled_at is None:
        return None
    outcome = (
        unseal(g.txn, received, "outcome_sealed") if received.handled_how == inbox.RESOLVED else received.handled_how
    )
    note = unseal(g.txn, received, "note_sealed")
    return {"at": received.handled_at, "by": received.resolved_by, "outcome": outcome, "note": note}


def _as_named(row: Any, names: Sequence[str]) -> dict[str, Any]:
    return {name: getattr(row, name) for name in names}
