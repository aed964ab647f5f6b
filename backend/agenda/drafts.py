"""The rows of the protocol unfolded for one patient: keys and due dates, before any state is known."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

from backend.agenda.days import plus_months
from backend.agenda.infusions import InfusionDate, Infusions, rest_until
from backend.protocol.definition import Protocol
from backend.protocol.rules import (
    AfterInfusion,
    BetweenInfusions,
    EveryDays,
    InfusionDay,
    Months,
    OnAnchor,
    Rule,
)


class Patient(NamedTuple):
    """What of a patient the days of a calendar are counted from, beside the cells."""

    arm: str
    randomised_on: date
    zone: str


class Draft(NamedTuple):
    """An item as far as dates go. ``infusion`` is set for infusion days; ``is_dropped`` for days that a
    missed infusion leaves behind."""

    rule: Rule
    n: int
    key: str
    titles: Mapping[str, str]
    due_on: date
    infusion: InfusionDate | None = None
    not_before: datetime | None = None
    is_dropped: bool = False


def drafts_of(
    protocol: Protocol,
    patient: Patient,
    infusions: Infusions,
    horizon: date,
    rules: Sequence[Rule],
    answered: Collection[str],
) -> tuple[list[Draft], set[str]]:
    """Every item that these rows of the protocol make for the patient up to ``horizon``, and what was answered beside.

    With the drafts come the keys of the weeks that are left out, and would not be if they had been ``answered``.
    """
    unfolding = _Unfolding(protocol, patient, infusions, horizon, answered)
    drafts = [draft for rule in rules if patient.arm in rule.arms for draft in unfolding.of(rule)]
    return drafts, unfolding.left_out


class _Unfolding:
    """One patient's anchors, and how each kind of due rule unfolds from them."""

    def __init__(
        self, protocol: Protocol, patient: Patient, infusions: Infusions, horizon: date, answered: Collection[str]
    ) -> None:
        self.patient = patient
        self.answered = answered
        self.left_out: set[str] = set()
        self.infusions = infusions
        self.horizon = horizon
        self.anchors: dict[str, date | None] = {
            "randomisation": patient.randomised_on,
            "last_infusion": infusions.last_on,
            "cells_over": infusions.over_on,
            "final_infusion": infusions.last_on if infusions.over_on else None,
        }
        self.ends = {
            name: horizon
            if obligation.then_every_months
            else min(horizon, plus_months(patient.randomised_on, obligation.until_month))
            for name, obligation in protocol.obligations.items()
        }
        self.turning_points = {name: self._reached(protocol, name) for name in protocol.turning_points}
        self.gaps = {name: self._gaps(protocol, name) for name in protocol.turning_points}

    def _reached(self, protocol: Protocol, name: str) -> date | None:
        """The turning point, or the end of the obligation whose rows it would have ended, if that comes first.

        Else what takes over would leave a gap: weekly reports end with month 12 even while cells are to come, and
        the watch for the patient's safety must begin there.
        """
        latest = self._turning_point(protocol, name)
        ended = (
            self.ends[rule.obligation]
            for rule in protocol.rules
            if rule.obligation and isinstance(rule.due, EveryDays) and rule.due.until == name
        )
        return latest if latest is None else min((latest, *ended))

    def _gaps(self, protocol: Protocol, name: str) -> tuple[tuple[date, date], ...]:
        """The days that no infusion reaches yet or any longer, and on which nobody could know of the next.

        A turning point so many days after the last infusion leaps ahead with the next one; what hangs on it begins
        again there, and asks for nothing in the months that lie between.
        """
        moments = [moment for moment in protocol.turning_points[name] if self.patient.arm in moment.arms]
        if not moments or any(moment.anchor != "last_infusion" for moment in moments):
            return ()
        reach = timedelta(days=max(moment.plus_days for moment in moments))
        given = sorted(one.last_on for one in self.infusions.given)
        ahead = ((date.min, first) for first in given[:1])
        between = ((last + reach, following) for last, following in pairwise(given) if last + reach < following)
        return (*ahead, *between)

    def _turning_point(self, protocol: Protocol, name: str) -> date | None:
        """The latest of its dates; None when none of them counts."""
        latest: date | None = None
        for moment in protocol.turning_points[name]:
            if self.patient.arm not in moment.arms:
                continue
            anchor = self.anchors[moment.anchor]
            if anchor is None and moment.never_while_unknown:
                return date.max
            if anchor is not None:
                reached = anchor + timedelta(days=moment.plus_days)
                latest = reached if latest is None else max(latest, reached)
        return latest

    def of(self, rule: Rule) -> Iterator[Draft]:
        """The drafts of one row that fall due before its obligation ends."""
        end = self.ends[rule.obligation] if rule.obligation else date.max
        match rule.due:
            case OnAnchor():
                return self._on_anchor(rule, rule.due, end)
            case Months():
                return self._months(rule, rule.due, end)
            case EveryDays():
                return self._every_days(rule, rule.due, end)
            case InfusionDay():
                return self._infusion_days(rule, rule.due)
            case BetweenInfusions():
                return self._between(rule, end)
            case AfterInfusion():
                return self._after(rule, rule.due, end)

    def _on_anchor(self, rule: Rule, due: OnAnchor, end: date) -> Iterator[Draft]:
        anchor = self.anchors[due.anchor]
        if anchor is None:
            return
        due_on = anchor + timedelta(days=due.plus_days)
        if due_on <= end:
            yield Draft(rule, 0, *rule.naming(), due_on)

    def _months(self, rule: Rule, due: Months, end: date) -> Iterator[Draft]:
        anchor = self.anchors[due.anchor]
        if anchor is None:
            return
        for month in _months_of(due):
            due_on = plus_months(anchor, month)
            if due_on > end:
                return
            yield Draft(rule, month, *rule.naming(month), due_on)

    def _every_days(self, rule: Rule, due: EveryDays, end: date) -> Iterator[Draft]:
        """Weeks between two turning points. One answered stays, even if it has since become another's week."""
        anchor = self.anchors[due.anchor]
        if anchor is None:
            return
        after = self.turning_points[due.after] if due.after else anchor
        until = self.turning_points[due.until] if due.until else end
        gaps = self.gaps[due.until] if due.until else ()
        step = due.only_multiples_of
        for n in range(step, (end - anchor).days // due.days + 1, step):
            due_on = anchor + timedelta(days=due.days * n)
            naming = rule.naming(n)
            is_within = after is not None and until is not None and after < due_on <= until
            is_within = is_within and not any(start < due_on <= end for start, end in gaps)
            if is_within or naming[0] in self.answered:
                yield Draft(rule, n, *naming, due_on)
            else:
                self.left_out.add(naming[0])

    def _infusion_days(self, rule: Rule, due: InfusionDay) -> Iterator[Draft]:
        for one in self.infusions.dates:
            if one.day == due.day:
                yield Draft(rule, 0, *rule.naming(0, one.number, one.attempt), one.due_on, one)

    def _between(self, rule: Rule, end: date) -> Iterator[Draft]:
        for given in self.infusions.given:
            for n, due_on in enumerate(given.between):
                if due_on <= end:
                    naming = rule.naming(n, given.number)
                    yield Draft(rule, n, *naming, due_on, None, self._rest(rule, given.first_started_at, due_on))

    def _after(self, rule: Rule, due: AfterInfusion, end: date) -> Iterator[Draft]:
        for given in self.infusions.given:
            for n in range(due.first, due.last + 1):
                due_on = given.last_on + timedelta(days=n)
                if due_on > end:
                    break
                dropped = given.cancelled_before is not None and due_on < given.cancelled_before
                rest = self._rest(rule, given.last_started_at, due_on)
                yield Draft(rule, n, *rule.naming(n, given.number), due_on, None, rest, dropped)

    def _rest(self, rule: Rule, started_at: datetime | None, due_on: date) -> datetime | None:
        return rest_until(started_at, due_on, self.patient.zone, rule.hours_after_start)


def _months_of(due: Months) -> Iterator[int]:
    yield from due.at
    if due.every is None:
        return
    month = due.at[-1] + due.every
    while due.last is None or month <= due.last:
        yield month
        month += due.every
