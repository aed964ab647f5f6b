"""Messages: their life for staff, and the patient's own conversation with the site."""

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID, uuid4

from flask import g
from flask.views import MethodView
from sqlalchemy import select

from backend import access, audit
from backend.access import Verb
from backend.api.bodies import ApiBlueprint
from backend.api.keeping import KeepingView
from backend.api.requests import afterwards
from backend.conversations.channels import note_opened, unopened
from backend.conversations.handle import understand
from backend.db import Transaction
from backend.patients.listing import subject_numbers
from backend.patients.models import Patient
from backend.terms import ChannelKind, Direction
from backend.triage.questions import carried_by
from notifications import inbound, ledger
from notifications.conversation import Line, conversation_with
from notifications.inbound import ReceivedText
from notifications.models import Attempt, InboundMessage, Message
from schemas.messages import (
    AttemptOut,
    LineOut,
    LinePageOut,
    MessageOut,
    MessagePageOut,
    MessageQuery,
    OwnMessageIn,
)
from schemas.paging import PageQuery, make_cursor, read_cursor

blp = ApiBlueprint("messages", __name__, url_prefix="/api/v1", description="Messages")

AS_IT_IS = tuple(name for name in MessageOut().fields if name not in ("patient", "site", "attempts"))
OF_ATTEMPT = tuple(AttemptOut().fields)
OF_LINE = tuple(name for name in LineOut().fields if name != "question_id")
# What orders a conversation, and therefore what its cursors hold.
OF_CONVERSATION = (datetime, UUID)

log = logging.getLogger(__name__)


@blp.route("/messages")
class Messages(MethodView):
    """What was, is and will be said, and what was not and why."""

    @blp.arguments(MessageQuery, location="query")
    @blp.response(200, MessagePageOut)
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """List messages, the latest planned first, without words and addresses."""
        visible = access.visible(g.txn, Message.site_id, Verb.READ_MESSAGES)
        after = read_cursor(query["cursor"], *ledger.KEY)
        chosen = {"patient_id": query["patient"], "status": query["status"], "limit": query["limit"]}
        page = ledger.messages(g.txn, visible, after=after, **chosen)
        return {"items": _messages(page.items), "next_cursor": make_cursor(page.after)}


@blp.route("/me/messages")
class MyMessages(KeepingView):
    """The patient's conversation with the site, both ways."""

    words_in = "text"

    @blp.arguments(PageQuery, location="query")
    @blp.response(200, LinePageOut)
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """Read one's own conversation, the newest text first."""
        patient = access.own_patient(g.txn)
        lines, limit = _conversation(patient, query), query["limit"]
        _note_opened(lines[:limit])
        more = (lines[limit - 1].at, lines[limit - 1].id) if len(lines) > limit else None
        return {"items": _lines(lines[:limit]), "next_cursor": make_cursor(more)}

    @blp.arguments(OwnMessageIn)
    @blp.response(201, LineOut)
    def post(self, body: dict[str, Any]) -> dict[str, Any]:
        """Write to the site. The text is kept first and understood afterwards, so it cannot get lost."""
        patient = access.own_patient(g.txn)
        kept = _keep(patient, body)
        afterwards(partial(_understand, inbound_id=kept.id))
        line = Line(kept.id, Direction.INBOUND, ChannelKind.IN_APP, inbound.text_of(g.txn, kept), kept.received_at)
        return _lines([line])[0]


def _messages(listed: Sequence[Message]) -> list[dict[str, Any]]:
    codes = access.site_codes(g.txn)
    tries = ledger.attempts_at(g.txn, {one.id for one in listed})
    numbers = subject_numbers(g.txn, {one.patient_id for one in listed if one.patient_id})
    return [
        {name: getattr(one, name) for name in AS_IT_IS}
        | _whose(one, codes, numbers)
        | {"attempts": [_attempt(each) for each in tries.get(one.id, ())]}
        for one in listed
    ]


def _attempt(attempt: Attempt) -> dict[str, Any]:
    return {name: getattr(attempt, name) for name in OF_ATTEMPT}


def _whose(row: Message, codes: Mapping[UUID, str], numbers: Mapping[UUID, str]) -> dict[str, Any]:
    patient = {"id": row.patient_id, "subject_number": numbers[row.patient_id]} if row.patient_id else None
    return {"patient": patient, "site": codes[row.site_id] if row.site_id else None}


def _conversation(patient: Patient, query: dict[str, Any]) -> list[Line]:
    """One line more than was asked for, which tells whether there are more."""
    before = read_cursor(query["cursor"], *OF_CONVERSATION)
    own = {None, patient.phone_index}
    return conversation_with(g.txn, patient.id, limit=query["limit"] + 1, before=before, only_from=own)


def _note_opened(lines: Sequence[Line]) -> None:
    """What the app shows for the first time need not be said another way."""
    shown = {line.message_id for line in lines if line.message_id and line.channel is ChannelKind.IN_APP}
    new = unopened(g.txn, shown) if shown else ()
    if new:
        afterwards(partial(note_opened, message_ids=new))


def _lines(said: Sequence[Line]) -> list[dict[str, Any]]:
    """Texts as the app shows them; one that asks something says which question it is, so that it can be answered."""
    asked = carried_by(g.txn, {line.message_id for line in said if line.message_id})
    return [
        {name: getattr(line, name) for name in OF_LINE}
        | {"question_id": asked.get(line.message_id) if line.message_id else None}
        for line in said
    ]


def _keep(patient: Patient, body: dict[str, Any]) -> InboundMessage:
    """The text, committed with this request. One that the phone sends again is the one that is here."""
    provider_id = f"in-app-{patient.id}-{body['id'] or uuid4()}"
    received = ReceivedText(
        provider_id,
        "",
        "",
        body["text"],
        channel=ChannelKind.IN_APP,
        patient_id=patient.id,
        in_reply_to=body["in_reply_to"],
    )
    kept = inbound.keep(g.txn, received)
    if kept is None:
        return _stored(g.txn, provider_id)
    # Where it will be read, also when nothing comes to understand it.
    kept.site_id = patient.site_id
    audit.note(g.txn, "message.written", kept)
    return kept


def _stored(txn: Transaction, provider_id: str) -> InboundMessage:
    return txn.session.scalars(select(InboundMessage).where(InboundMessage.provider_id == provider_id)).one()


def _understand(txn: Transaction, inbound_id: UUID) -> None:
    """Read the text now rather than at the worker's next look, which is not far off if this fails."""
    try:
        understand(txn.database, inbound_id)
    except Exception:
        log.exception("a kept text could not be read yet", extra={"inbound_id": str(inbound_id)})
