"""An act on what the calendar is computed from, carried out whole: the act, the new plan, the news, what it did."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from sqlalchemy import Table, bindparam, update

import notifications
from backend import audit
from backend.agenda.calendar import by_key
from backend.agenda.course import AgendaItem
from backend.agenda.history import Seen, see
from backend.agenda.news import tell_of_infusions
from backend.agenda.planning import replan
from backend.agenda.under_another import difference
from backend.db import Transaction
from backend.patients.models import Patient
from backend.terms import AgendaKind, AgendaState

Made = TypeVar("Made")


# Past the session: it is no change of the record that somebody may be reading, so its version stays.
_ROW = Patient.__table__
assert isinstance(_ROW, Table)
_ONE_MORE = (
    update(_ROW)
    .where(_ROW.c.id == bindparam("whose"))
    .values(agenda_revision=_ROW.c.agenda_revision + 1, agenda_changed_at=bindparam("at"))
)


@dataclass(frozen=True)
class Diff:
    """What an act did to the agenda, by key, and how many stored messages it recalled.

    ``after`` has every item by key as it then stands.
    """

    added: tuple[str, ...]
    moved: tuple[str, ...]
    cancelled: tuple[str, ...]
    kept: tuple[str, ...]
    messages_recalled: int
    after: Mapping[str, AgendaItem] = field(default_factory=dict, compare=False, repr=False)


def carry_out(
    txn: Transaction, patient: Patient, act: Callable[[], Made], *, seen: Seen | None = None
) -> tuple[Made, Diff]:
    """Do it, make the outbox hold what the agenda now asks for, tell the patient of infusions, and say what changed.

    The caller has taken the patient's turn, and may have ``seen`` the agenda since. For a preview the door does all
    this and keeps nothing of it.
    """
    before = by_key((seen or see(txn, patient)).items)
    with audit.together(txn):
        made = act()
        changed = see(txn, patient)
        after = by_key(changed.items)
        recalled = _recall_what_spoke_of_old_days(txn, patient, before, after) + replan(txn, patient, changed).recalled
        tell_of_infusions(txn, patient, before, after)
    txn.connection.execute(_ONE_MORE, {"whose": patient.id, "at": txn.now})
    return made, _diff(before, after, recalled)


def _recall_what_spoke_of_old_days(
    txn: Transaction, patient: Patient, before: Mapping[str, AgendaItem], after: Mapping[str, AgendaItem]
) -> int:
    """Reminders and news alike: nothing unsent may speak of a day that is no longer the day."""
    return sum(
        notifications.cancel(txn, patient.id, key_prefix=f"{key}@{item.due_on.isoformat()}:", reason="moved")
        for key, item in before.items()
        if item.kind is AgendaKind.INFUSION and _is_about_another_day(item, after.get(key))
    )


def _is_about_another_day(before: AgendaItem, after: AgendaItem | None) -> bool:
    """Or that the day was off, and now it is not."""
    if after is None or after.due_on != before.due_on:
        return True
    return _was_cancelled(before, after) or _was_cancelled(after, before)


def _diff(before: Mapping[str, AgendaItem], after: Mapping[str, AgendaItem], recalled: int) -> Diff:
    found = difference(before, after)
    return Diff(
        added=tuple(item.key for item in found.gained),
        moved=tuple(one.before.key for one in found.moved),
        cancelled=tuple(item.key for item in found.lost),
        kept=tuple(item.key for item in found.kept),
        messages_recalled=recalled,
        after=after,
    )


def _was_cancelled(before: AgendaItem, after: AgendaItem) -> bool:
    return after.state is AgendaState.CANCELLED and before.state is not AgendaState.CANCELLED
