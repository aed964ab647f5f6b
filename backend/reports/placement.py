"""Where a report belongs on the agenda. A well-formed report is never refused for its place, only kept unscheduled."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from backend.agenda.calendar import AgendaItem, by_key
from backend.agenda.history import agenda_of, protocol_for
from backend.db import Transaction
from backend.errors import InvalidInput
from backend.patients.models import Patient
from backend.terms import AgendaKind, AgendaState, PatientStatus, Standing

TAKING_REPORTS = frozenset({AgendaState.OPEN, AgendaState.OVERDUE})
DONE = frozenset({AgendaState.COMPLETED, AgendaState.COMPLETED_LATE})


@dataclass(frozen=True)
class Place:
    """The item a report answers, or why it stands by itself."""

    key: str | None
    standing: Standing
    because: str | None = None


def place_report(
    txn: Transaction, patient: Patient, *, instrument: str, asked_key: str | None, completed_at: datetime
) -> Place:
    """Find the item this report completes, as the agenda stood when it was completed.

    A key of another instrument is a mistake of the client's and refused, unless the instrument contains the
    item's questions; everything else is kept. Without a key the report completes the one open or overdue item
    of its instrument.
    """
    items = [
        item
        for item in agenda_of(txn, patient, at=completed_at)
        if item.kind is AgendaKind.ASSESSMENT and item.instrument
    ]
    named = by_key(items).get(asked_key) if asked_key else None
    if named is not None and not _takes(txn, patient, named, instrument):
        raise InvalidInput(fields={"agenda_key": [f"{named.key} asks for {named.instrument}, not {instrument}."]})
    if patient.status == PatientStatus.DIED:
        return Place(None, Standing.UNSCHEDULED, "after_death")
    if patient.status in (PatientStatus.WITHDRAWN, PatientStatus.WITHDRAWN_FROM_REPORTING):
        return Place(None, Standing.UNSCHEDULED, "withdrawn")
    if asked_key is None:
        return _the_only_open_one(items, instrument)
    if named is None:
        return Place(None, Standing.UNSCHEDULED, "no_such_item")
    return _at(named)


def _takes(txn: Transaction, patient: Patient, item: AgendaItem, instrument: str) -> bool:
    rule = protocol_for(txn, patient).rules_by_name[item.rule]
    return instrument == item.instrument or instrument in rule.covered_by


def _the_only_open_one(items: Sequence[AgendaItem], instrument: str) -> Place:
    waiting = [item for item in items if item.instrument == instrument and item.state in TAKING_REPORTS]
    if len(waiting) == 1:
        return _at(waiting[0])
    return Place(None, Standing.UNSCHEDULED, "several_open" if waiting else "none_open")


def _at(item: AgendaItem) -> Place:
    if item.state is AgendaState.OPEN:
        return Place(item.key, Standing.ON_TIME)
    if item.state is AgendaState.OVERDUE:
        return Place(item.key, Standing.LATE)
    if item.state in DONE:
        return Place(None, Standing.UNSCHEDULED, "already_completed")
    return Place(None, Standing.UNSCHEDULED, item.state.value)
