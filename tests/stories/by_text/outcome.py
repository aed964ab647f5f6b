"""What a life has left in the record, in lines that two lives can be compared by.

Ids differ from one life to the other and are written as what they are the id of; instants differ by minutes and are
written as days. Everything else must be the same.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any
from uuid import UUID

from sqlalchemy import select

from backend import clock
from backend.conversations.models import Conversation, FormerNumber
from backend.db import Database, Transaction, system
from backend.patients.models import ContactHold, EvidenceOfLife, Patient
from backend.patients.symptom_report import SymptomReport
from backend.sealing import unseal
from backend.survival.models import DeathReport
from backend.terms import Recipient
from backend.triage.models import CandidateEvent, StaffPage
from backend.worklist.models import WorkItem
from notifications.inbound import text_of
from notifications.models import Attempt, InboundMessage, Message, OptOut

AN_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
AN_INSTANT = re.compile(r"(\d{4}-\d\d-\d\d)T[\d:.]+(?:\+00:00|Z)")
Outcome = Mapping[str, Sequence[str]]


@dataclass
class Names:
    """What each id is the id of."""

    of: dict[str, str]
    zone: str

    def plain(self, said: object) -> str:
        """The same without ids, and with days for instants."""
        named = AN_ID.sub(lambda found: self.of.get(found.group(), "somebody"), str(said))
        return AN_INSTANT.sub(r"\1", named)

    def day(self, moment: datetime | None) -> str:
        """The day where the patient lives."""
        return clock.local_day(moment, self.zone).isoformat() if moment else "-"


def outcome_of(db: Database, patient_id: UUID) -> Outcome:
    """Everything that was kept about one patient."""
    with db.reading(system("test")) as txn:
        names = _names(txn, txn.session.get_one(Patient, patient_id))
        return {title: list(told(txn, patient_id, names)) for title, told in CHAPTERS.items()}


def differences(one: Outcome, other: Outcome) -> list[str]:
    """What the one has and the other has not, a line each; nothing when they are the same in the same order."""
    found: list[str] = []
    for title in CHAPTERS:
        mine, yours = list(one[title]), list(other[title])
        if mine == yours:
            continue
        only = [f"{title}: only the first: {line}" for line in _less(mine, yours)]
        only += [f"{title}: only the second: {line}" for line in _less(yours, mine)]
        place = next((n for n, pair in enumerate(zip(mine, yours, strict=False)) if pair[0] != pair[1]), 0)
        found += only or [f"{title}: in another order from line {place}: {mine[place]} / {yours[place]}"]
    return found


def _less(some: list[str], others: list[str]) -> list[str]:
    left = list(others)
    return [line for line in some if line not in left or left.remove(line)]  # type: ignore[func-returns-value]


def _names(txn: Transaction, patient: Patient) -> Names:
    """Texts and reports are named by their place, candidates by what they are about."""
    of: dict[str, str] = {str(patient.id): "the patient"}
    for number, text in enumerate(_texts(txn), 1):
        of[str(text.id)] = f"text {number}"
    reports = select(SymptomReport).order_by(SymptomReport.received_at, SymptomReport.id)
    for number, report in enumerate(txn.session.scalars(reports), 1):
        of[str(report.id)] = f"report {number}"
    for event in txn.session.scalars(select(CandidateEvent)):
        of[str(event.id)] = f"candidate {AN_ID.sub(lambda found: of.get(found.group(), found.group()), event.subject)}"
    return Names(of, patient.time_zone)


def _texts(txn: Transaction) -> Sequence[InboundMessage]:
    return txn.session.scalars(select(InboundMessage).order_by(InboundMessage.received_at, InboundMessage.id)).all()


def _reports(txn: Transaction, patient_id: UUID, names: Names) -> Iterator[str]:
    found = select(SymptomReport).where(SymptomReport.patient_id == patient_id)
    for one in txn.session.scalars(found.order_by(SymptomReport.received_at, SymptomReport.id)):
        came = {item: (how["channel"], how.get("value")) for item, how in (one.provenance or {}).items()}
        yield (
            f"{names.day(one.completed_at)} {one.instrument} {one.agenda_key} {one.standing} {one.unscheduled_because} "
            f"{one.mode} {one.respondent} {one.language} {one.tier} {sorted(one.caveats or [])} {_json(one.answers)} "
            f"{_json(one.measurements)} {unseal(txn, one, 'other_symptoms_sealed')} {one.wants_call} {_json(came)}"
        )


def _conversations(txn: Transaction, patient_id: UUID, names: Names) -> Iterator[str]:
    found = select(Conversation).where(Conversation.patient_id == patient_id)
    for one in txn.session.scalars(found.order_by(Conversation.opened_at, Conversation.id)):
        days = " ".join(names.day(at) for at in (one.opened_at, one.first_answer_at, one.ended_at))
        yield f"{days} {one.instrument} {one.agenda_key} {one.extent} {one.status} {one.caregiver_id is not None}"


def _candidates(txn: Transaction, patient_id: UUID, names: Names) -> Iterator[str]:
    found = select(CandidateEvent).where(CandidateEvent.patient_id == patient_id)
    yield from sorted(
        f"{names.plain(one.subject)} {one.term_code} {one.tier} {one.status} {one.rule_id} {one.onset_on} "
        f"{one.report_count} {one.trend} {one.provisional_grade} {names.day(one.opened_at)}"
        for one in txn.session.scalars(found)
    )


def _evidence(txn: Transaction, patient_id: UUID, names: Names) -> Iterator[str]:
    found = select(EvidenceOfLife).where(EvidenceOfLife.patient_id == patient_id)
    yield from sorted(f"{one.as_of} {one.source} {names.plain(one.reference)}" for one in txn.session.scalars(found))


def _work(txn: Transaction, patient_id: UUID, names: Names) -> Iterator[str]:
    found = select(WorkItem).where((WorkItem.patient_id == patient_id) | WorkItem.patient_id.is_(None))
    yield from sorted(
        f"{one.reason} {names.plain(one.key)} {one.for_role} {one.agenda_key} due {names.day(one.due_at)} "
        f"closed {names.day(one.resolved_at)}"
        for one in txn.session.scalars(found)
    )


def _lines(txn: Transaction, patient_id: UUID, names: Names) -> Iterator[str]:
    """Both ways, in order. What left together, before anybody answered, has no order of its own."""
    said = select(Attempt).where(Attempt.patient_id == patient_id)
    ours = [
        (one.started_at, f"{names.day(one.started_at)} < {unseal(txn, one, 'body_sealed')}")
        for one in txn.session.scalars(said)
    ]
    theirs = [(one.received_at, f"{names.day(one.received_at)} > {text_of(txn, one)}") for one in _texts(txn)]
    lines = [line for _, line in sorted(ours + theirs)]
    for _, together in groupby(lines, key=lambda line: (line[:12], ">" in line[:12])):
        yield from sorted(together)


def _inbox(txn: Transaction, patient_id: UUID, names: Names) -> Iterator[str]:
    for one in _texts(txn):
        yield f"{text_of(txn, one)}: {one.handled_how} {one.keyword} {one.patient_id == patient_id}"


def _messages(txn: Transaction, patient_id: UUID, names: Names) -> Iterator[str]:
    found = select(Message).where(Message.patient_id == patient_id, Message.recipient != Recipient.STAFF)
    yield from sorted(
        f"{one.recipient} {one.template} {names.plain(one.key)} {one.status} {one.reason} {one.channel} {one.language}"
        for one in txn.session.scalars(found)
    )


def _to_staff(txn: Transaction, patient_id: UUID, names: Names) -> Iterator[str]:
    found = select(Message).where(Message.recipient == Recipient.STAFF)
    yield from sorted(
        f"{one.template} {names.plain(one.key)} {one.status} {one.reason}" for one in txn.session.scalars(found)
    )


def _alarms(txn: Transaction, patient_id: UUID, names: Names) -> Iterator[str]:
    found = select(StaffPage).where(StaffPage.patient_id == patient_id).order_by(StaffPage.opened_at)
    for one in txn.session.scalars(found):
        about = names.plain(one.report_id or one.inbound_message_id)
        yield f"{about} {names.day(one.opened_at)} {one.rounds} seen {names.day(one.acknowledged_at)}"


def _standing(txn: Transaction, patient_id: UUID, names: Names) -> Iterator[str]:
    """How contact stands: holds, words of STOP and START, former numbers, what was said of a death."""
    holds = select(ContactHold).where(ContactHold.patient_id == patient_id).order_by(ContactHold.held_at)
    for hold in txn.session.scalars(holds):
        yield f"held {hold.reason} {names.day(hold.held_at)} until {names.day(hold.until)} {names.day(hold.lifted_at)}"
    for stop in txn.session.scalars(select(OptOut).order_by(OptOut.stopped_at)):
        yield f"stopped {names.plain(stop.stopped_by)} started {names.plain(stop.started_by)}"
    for _ in txn.session.scalars(select(FormerNumber).where(FormerNumber.patient_id == patient_id)):
        yield "has had another number"
    for death in txn.session.scalars(select(DeathReport).where(DeathReport.patient_id == patient_id)):
        informant = names.plain(unseal(txn, death, "informant_sealed"))
        yield f"death {death.status} {death.died_on} {informant} {names.day(death.reported_at)}"


def _json(said: Any) -> str:
    return json.dumps(said, sort_keys=True, ensure_ascii=False)


CHAPTERS: Mapping[str, Callable[[Transaction, UUID, Names], Iterator[str]]] = {
    "reports": _reports,
    "questionnaires by text": _conversations,
    "candidates": _candidates,
    "alarms": _alarms,
    "evidence of life": _evidence,
    "tasks": _work,
    "lines": _lines,
    "texts that came in": _inbox,
    "messages": _messages,
    "messages to staff": _to_staff,
    "standing": _standing,
}
