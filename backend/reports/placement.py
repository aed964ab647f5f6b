"""Where a report belongs on the agenda. A well-formed report is never refused for its place, only kept unscheduled."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from backend.agenda.calendar import AgendaItem, Part, agenda, by_key
from backend.agenda.course import Course
from backend.agenda.history import course_of, course_to_judge, protocol_for
from backend.db import Transaction
from backend.errors import InvalidInput
from backend.patients.models import Patient
from backend.protocol.rules import Rule
from backend.terms import AgendaKind, AgendaState, PatientStatus, Standing

TAKING_REPORTS = frozenset({AgendaState.OPEN, AgendaState.OVERDUE})
DONE = frozenset({AgendaState.COMPLETED, AgendaState.COMPLETED_LATE})


@dataclass(frozen=True)
class Place:
    """The item a report answers, or why it stands by itself."""

    key: str | None
    standing: Standing
    because: str | None = None


@dataclass(frozen=True)
class Label:
    """What a report says of itself: which questionnaire it is, and maybe which item of the agenda it answers.

    ``is_superseded``: when it was completed, another version of the questionnaire had taken this one's place.
    """

    instrument: str
    asked_key: str | None
    is_superseded: bool = False

    def may_name(self, rule: Rule) -> bool:
        """Whether the report may belong to an item of this row of the agenda, by its questionnaire or by its key."""
        if rule.kind is not AgendaKind.ASSESSMENT:
            return False
        is_named = self.asked_key is not None and self.asked_key.startswith(rule.key.partition("{")[0])
        return is_named or self.instrument in (rule.instrument, rule.longer_instrument)


def course_to_place(txn: Transaction, patient: Patient, label: Label) -> Course:
    """As much of the patient's course as it takes to place a report."""
    meant = (rule for rule in protocol_for(txn, patient).rules if label.may_name(rule))
    if any(rule.covered_by for rule in meant):
        return course_of(txn, patient)
    return course_to_judge(txn, patient, label.asked_key)


def place_report(txn: Transaction, patient: Patient, course: Course, label: Label, *, completed_at: datetime) -> Place:
    """Find the item this report completes, as the agenda stood when it was completed.

    A key of another instrument is a mistake of the client's and refused, unless the instrument contains the
    item's questions; everything else is kept. Without a key the report completes the one open or overdue item
    of its instrument.
    """
    instrument, asked_key = label.instrument, label.asked_key
    asked_about = agenda(protocol_for(txn, patient), course, completed_at, only=Part(label.may_name, asked_key))
    items = [item for item in asked_about if item.instrument]
    named = by_key(items).get(asked_key) if asked_key else None
    if named is not None and not _takes(named, instrument):
        raise InvalidInput(fields={"agenda_key": [f"{named.key} asks for {named.instrument}, not {instrument}."]})
    if patient.status == PatientStatus.DIED:
        return Place(None, Standing.UNSCHEDULED, "after_death")
    if patient.status in (PatientStatus.WITHDRAWN, PatientStatus.WITHDRAWN_FROM_REPORTING):
        return Place(None, Standing.UNSCHEDULED, "withdrawn")
    if label.is_superseded:
        return Place(None, Standing.UNSCHEDULED, "superseded_version")
    if asked_key is None:
        return _the_only_open_one(items, instrument)
    if named is None:
        return Place(None, Standing.UNSCHEDULED, "no_such_item")
    return _at(named)


def _takes(item: AgendaItem, instrument: str) -> bool:
    return instrument == item.instrument or instrument in item.row.covered_by


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
