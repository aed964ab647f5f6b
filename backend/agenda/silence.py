"""Tasks to telephone a patient who is silent: opened when a day ends without an answer, closed when one comes.

Any number of workers may do this at once, and as often as they like: a task's key is there once, and acts about
one patient take turns. Nobody is asked to telephone the dead, the withdrawn, or a family that told of a death.
"""

import logging
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import or_, select

from backend import audit
from backend.agenda.calendar import agenda, by_key
from backend.agenda.calls import UNANSWERED, Callers, WantedCall, calls_about, speaks_of, until_the_next, wanted_now
from backend.agenda.course import AgendaItem, Course
from backend.agenda.history import courses_of, protocol_for
from backend.agenda.pauses import was_paused_at
from backend.agenda.planning import everyone
from backend.agenda.searches import searches_for, to_search_for
from backend.among import among
from backend.db import Database, Transaction, system
from backend.patients import contact
from backend.patients.models import Patient
from backend.patients.turns import take_turn
from backend.protocol.definition import Protocol
from backend.sealing import is_forgotten
from backend.staff.roster import on_call_at
from backend.terms import NO_LONGER_FOLLOWED, AgendaKind, AgendaState, Duty, WorkReason
from backend.worklist.items import (
    Handover,
    closed_by_itself,
    find_item,
    open_again,
    open_item,
    pass_on,
    resolve,
    to_pass_on,
)
from backend.worklist.models import WorkItem

ANSWERED = "answered"
RECORDED = "recorded"
NO_LONGER_NEEDED = "no longer needed"
# Before the day on which nobody knew whether the patient lives: the key of the task to find out.
UNKNOWN = "survival-unknown@"


log = logging.getLogger(__name__)

CALLER = system("caller")

_ABOUT_NO_ITEM = (WorkReason.CALL_ABOUT_MOVED_DATE, WorkReason.SURVIVAL_CHECK_UNANSWERED)
_IS_CALL = or_(WorkItem.agenda_key.is_not(None), WorkItem.reason.in_(_ABOUT_NO_ITEM))
_OPEN_CALLS = (
    select(WorkItem)
    .where(among(WorkItem.patient_id, "whose"), _IS_CALL, WorkItem.resolved_at.is_(None))
    .order_by(WorkItem.due_at, WorkItem.id)
)
_PATIENTS = select(Patient).where(among(Patient.id, "whose")).order_by(Patient.id)
LOOKED_AT_TOGETHER = 50


def ask_for_calls(db: Database) -> Counter[str]:
    """Open and close what is due, one patient a transaction, and pass on what has waited too long."""
    done: Counter[str] = Counter()
    with db.reading(CALLER) as txn:
        everybody = to_look_at(txn)
        together = (everybody[at : at + LOOKED_AT_TOGETHER] for at in range(0, len(everybody), LOOKED_AT_TOGETHER))
        patient_ids = [one for some in together for one in _who_may_be_due(txn, some)]
    for patient_id in patient_ids:
        try:
            with db.transaction(CALLER) as txn:
                done.update(attend_to(txn, patient_id).counts)
        except Exception:
            # One record that cannot be read must not silence the calls for all others.
            log.exception("a patient's calls could not be looked at", extra={"patient_id": str(patient_id)})
            done["calls_failed"] += 1
    with db.reading(CALLER) as txn:
        task_ids = to_pass_on(txn)
    for task_id in task_ids:
        try:
            with db.transaction(CALLER) as txn:
                done["calls_passed_on"] += pass_on(txn, task_id)
        except Exception:
            # Nor must one task that cannot be passed on keep back all that wait behind it.
            log.exception("a call could not be passed on", extra={"work_item_id": str(task_id)})
            done["calls_failed"] += 1
    return done


def _who_may_be_due(txn: Transaction, some: Sequence[UUID]) -> Sequence[UUID]:
    """Who cannot be looked at here is tried again in a transaction of their own, and what is wrong is logged there."""
    try:
        found = look_at_all(txn, some)
        return [one for one in some if found[one].is_anything and not is_forgotten(txn, one)]
    except Exception:
        if len(some) == 1:
            return some
    return [one for patient_id in some for one in _who_may_be_due(txn, [patient_id])]


@dataclass(frozen=True)
class _Wanted:
    """A call to ask for, and the task about it that had closed by itself, if there was one."""

    call: WantedCall
    closed: WorkItem | None


@dataclass(frozen=True)
class Due:
    """What is to be done about one patient's calls: those to ask for, the tasks to close and what came of each."""

    to_open: Sequence[_Wanted]
    to_close: Sequence[tuple[WorkItem, str]]
    # When more would be due if the patient stayed silent; None: never.
    next_at: datetime | None

    @property
    def is_anything(self) -> bool:
        """Whether anything is to be done now."""
        return bool(self.to_open or self.to_close)


def to_look_at(txn: Transaction) -> Sequence[UUID]:
    """Everybody who is still followed or whose records may be searched, and all about whom a call still stands."""
    about = select(WorkItem.patient_id).where(_IS_CALL, WorkItem.resolved_at.is_(None))
    standing = {patient_id for patient_id in txn.session.scalars(about) if patient_id}
    return sorted(standing.union(everyone(txn), to_search_for(txn)))


@dataclass(frozen=True)
class _Known:
    """What decides about one patient's calls. Of whoever has left, no course."""

    course: Course | None
    is_held: bool
    open_tasks: Sequence[WorkItem]


def look_at_all(txn: Transaction, patient_ids: Collection[UUID]) -> Mapping[UUID, Due]:
    """By patient, what is due about their calls, in as few statements as for one. Changes nothing."""
    patients = txn.session.scalars(_PATIENTS, {"whose": patient_ids}).all()
    known = _known_of(txn, patients)
    return {patient.id: _due(txn, patient, known[patient.id]) for patient in patients}


def look_at(txn: Transaction, patient_id: UUID) -> Due:
    """The same about one patient."""
    return look_at_all(txn, [patient_id])[patient_id]


@dataclass(frozen=True)
class Attended:
    """How many of a patient's calls were opened and closed, and when more are due if the patient stays silent."""

    opened: int
    closed: int
    next_at: datetime | None

    @property
    def counts(self) -> dict[str, int]:
        """As a job says it."""
        return {"calls_opened": self.opened, "calls_closed": self.closed}


def attend_to(txn: Transaction, patient_id: UUID) -> Attended:
    """Open and close this patient's calls as is due now."""
    return _attend_to(txn, [txn.session.get_one(Patient, patient_id)])[patient_id]


def attend_to_all(txn: Transaction, patient_ids: Collection[UUID]) -> Mapping[UUID, Attended]:
    """The same for several patients, in few statements: for whoever keeps nobody waiting meanwhile."""
    return _attend_to(txn, txn.session.scalars(_PATIENTS, {"whose": patient_ids}).all())


def _attend_to(txn: Transaction, patients: Sequence[Patient]) -> Mapping[UUID, Attended]:
    for patient in patients:
        take_turn(txn, patient)
    known = _known_of(txn, patients)
    with audit.together(txn):
        return {patient.id: _done_about(txn, patient, _due(txn, patient, known[patient.id])) for patient in patients}


def _done_about(txn: Transaction, patient: Patient, due: Due) -> Attended:
    for task, outcome in due.to_close:
        resolve(txn, task, outcome)
    opened = [wanted for wanted in due.to_open if _open(txn, patient, wanted)]
    return Attended(len(opened), len(due.to_close), due.next_at)


def _known_of(txn: Transaction, patients: Sequence[Patient]) -> Mapping[UUID, _Known]:
    ids = [patient.id for patient in patients]
    courses = courses_of(txn, [patient for patient in patients if patient.status not in NO_LONGER_FOLLOWED])
    held, tasks = contact.whose_contact_is_held(txn, ids), _open_tasks(txn, patients)
    return {one: _Known(courses.get(one), one in held, tasks[one]) for one in ids}


def _due(txn: Transaction, patient: Patient, known: _Known) -> Due:
    items, calls = _calls(txn, patient, known)
    standing = {call.key: call for call in calls}
    outcomes = [(task, _outcome(task, known.course, items, standing)) for task in known.open_tasks]
    to_close = [(task, outcome) for task, outcome in outcomes if outcome is not None]
    called = [standing[task.key] for task in known.open_tasks if task.key in standing]
    asked = (_asked_for(txn, patient, call, called) for call in wanted_now(calls, txn.now))
    to_open = [one for one in asked if one is not None]
    next_at = min((call.opens_at for call in calls if call.opens_at > txn.now), default=None)
    return Due(to_open, to_close, next_at)


def _calls(txn: Transaction, patient: Patient, known: _Known) -> tuple[Sequence[AgendaItem], Sequence[WantedCall]]:
    """The agenda, and the calls about it up to the next; while nobody may telephone, only what is to be recorded."""
    course = known.course
    if course is None:
        return searches_for(txn, patient)
    protocol = protocol_for(txn, patient)
    items = [item for item in agenda(protocol, course, txn.now) if not _is_stopped(protocol, course, item)]
    if known.is_held:
        items = [item for item in items if item.kind is AgendaKind.INFUSION]
    calls = calls_about(items, course.reported, Callers(course.site_zone, protocol.country))
    return items, until_the_next(calls, txn.now)


def _is_stopped(protocol: Protocol, course: Course, item: AgendaItem) -> bool:
    """Also what was missed before somebody stopped reporting is nobody's business any more."""
    return course.withdrawn_from_reporting_on is not None and item.kind in protocol.stops.withdrawn_from_reporting


def _open_tasks(txn: Transaction, patients: Sequence[Patient]) -> Mapping[UUID, Sequence[WorkItem]]:
    """Calls about silence or to find out who lives; and about dates, of which nobody is told once they have left."""
    found: dict[UUID, list[WorkItem]] = {patient.id: [] for patient in patients}
    has_left = {patient.id for patient in patients if patient.status in NO_LONGER_FOLLOWED}
    for task in txn.session.scalars(_OPEN_CALLS, {"whose": list(found)}):
        is_of_any = task.agenda_key is not None or task.key.startswith(UNKNOWN)
        if task.patient_id and (is_of_any or task.patient_id in has_left):
            found[task.patient_id].append(task)
    return found


def _outcome(
    task: WorkItem, course: Course | None, items: Sequence[AgendaItem], standing: Collection[str]
) -> str | None:
    """Why nobody wants a call any more: an answer came, or what it was about has gone, has moved, or was stopped.

    None while it is wanted. Whether somebody lives is asked until they are known to have lived on the day or later.
    """
    if course is not None and task.key.startswith(UNKNOWN):
        nobody_knew_on = date.fromisoformat(task.key.removeprefix(UNKNOWN))
        return ANSWERED if max(course.alive_as_of, default=date.min) >= nobody_knew_on else None
    if task.key in standing:
        return None
    item = by_key(items).get(task.agenda_key or "")
    if item is None or item.state is AgendaState.CANCELLED or not speaks_of(task.key, item.due_on):
        return NO_LONGER_NEEDED
    if task.reason == WorkReason.SEARCH_RECORDS and item.state in UNANSWERED:
        # The patient has not left after all.
        return NO_LONGER_NEEDED
    return RECORDED if item.kind is AgendaKind.INFUSION else ANSWERED


def _asked_for(txn: Transaction, patient: Patient, call: WantedCall, called: Sequence[WantedCall]) -> _Wanted | None:
    """The call, if no task with its key was there before, and none that is open speaks for the same silence.

    Whoever was not to be asked has not been silent: what passed during a pause is not called about after it. A call
    that a pause took off the list is asked for again while it can still be answered: a survival check always can.
    """
    if any(one.is_same_silence(call) for one in called):
        return None
    if call.is_over and was_paused_at(txn, patient, call.opens_at):
        return None
    known = find_item(txn, patient.id, call.key)
    is_news = known is None or (not call.is_over and closed_by_itself(known))
    return _Wanted(call, known) if is_news else None


def _open(txn: Transaction, patient: Patient, wanted: _Wanted) -> bool:
    """On a day off somebody must be on call for it; where nobody is, it goes on at once."""
    call = wanted.call
    if wanted.closed is not None:
        return open_again(txn, wanted.closed)
    is_held = call.duty is not Duty.ON_CALL or bool(on_call_at(txn, patient.site_id, call.due_at))
    opened = open_item(
        txn,
        reason=call.reason,
        key=call.key,
        site_id=patient.site_id,
        patient_id=patient.id,
        due_at=call.due_at,
        agenda_key=call.agenda_key,
        handover=Handover(call.duty, call.passes_on_at, call.passes_on_to) if is_held else Handover(call.passes_on_to),
    )
    return opened is not None
