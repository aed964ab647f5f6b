"""What the cycles say: the infusion days, the daily checks that hang on them, and the anchors they set.

Until an actual start is recorded the confirmed date counts as the start. A planned date counts for nothing yet,
because patients hear of confirmed dates only. A cycle whose release failed leaves its cancelled pair, and so does one
whose collection was entered by mistake.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from backend import clock
from backend.agenda.course import Course, CycleCourse
from backend.agenda.days import start_of
from backend.protocol.definition import Protocol
from backend.terms import AgendaState, Attendance, CycleStatus

ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class InfusionDate:
    """One infusion day of one attempt."""

    number: int
    attempt: int
    day: int
    due_on: date
    state: AgendaState
    started_at: datetime | None
    was_announced: bool

    @property
    def counts(self) -> bool:
        """Whether clocks start from it: given, or confirmed and not recorded otherwise."""
        return self.state in (AgendaState.COMPLETED, AgendaState.CONFIRMED)


@dataclass(frozen=True)
class Given:
    """A cycle's infusions as far as clocks run from them."""

    number: int
    last_on: date
    last_started_at: datetime | None
    first_started_at: datetime | None
    between: tuple[date, ...]
    cancelled_before: date | None
    is_finished: bool


@dataclass(frozen=True)
class Infusions:
    """All infusion days, the cycles that count, and the two dates other things wait for."""

    dates: tuple[InfusionDate, ...]
    given: tuple[Given, ...]
    last_on: date | None
    over_on: date | None


def infusions_of(protocol: Protocol, course: Course) -> Infusions:
    """Read the cycles of a course, in the order of their numbers and attempts."""
    if protocol.cells is None or not protocol.arms[course.arm].receives_cells:
        return Infusions((), (), None, None)
    dates: list[InfusionDate] = []
    given: dict[int, Given] = {}
    for cycle in sorted(course.cycles, key=lambda one: (one.number, one.attempt)):
        days = _days_of(course, cycle, _infusion_days(protocol, course, cycle))
        dates.extend(days)
        counted = _given(course, cycle, days)
        if counted:
            given[cycle.number] = counted
    last_on = max((one.last_on for one in given.values()), default=None)
    over_on = _over_on(course, given.values(), protocol.cells.cycles)
    return Infusions(tuple(dates), tuple(given.values()), last_on, over_on)


def _infusion_days(protocol: Protocol, course: Course, cycle: CycleCourse) -> int:
    """A cycle that was begun has as many days as the version it was begun under says."""
    cells = course.under(protocol, cycle.day_1_started_at).cells
    return cells.infusion_days if cells else 0


def _over_on(course: Course, given: Iterable[Given], cycles: int) -> date | None:
    """When the cells were over: the last cycle given, or else stopped; None while more are to come."""
    finished = (one.last_on for one in given if one.number == cycles and one.is_finished)
    return next(finished, course.cells_discontinued_on)


def _days_of(course: Course, cycle: CycleCourse, infusion_days: int) -> list[InfusionDate]:
    planned = [(1, cycle.day_1_on, cycle.day_1_started_at), (2, cycle.day_2_on, cycle.day_2_started_at)]
    return [
        _infusion_date(course, cycle, day, due_on, started_at)
        for day, due_on, started_at in planned[:infusion_days]
        if due_on is not None
    ]


def _infusion_date(
    course: Course, cycle: CycleCourse, day: int, due_on: date, started_at: datetime | None
) -> InfusionDate:
    state = _state_of(course, cycle, day, due_on, started_at)
    if started_at:
        due_on = clock.local_day(started_at, course.site_zone)
    announced = cycle.was_confirmed if state is AgendaState.CANCELLED else state is not AgendaState.PLANNED
    return InfusionDate(cycle.number, cycle.attempt, day, due_on, state, started_at, announced)


def _state_of(course: Course, cycle: CycleCourse, day: int, due_on: date, started_at: datetime | None) -> AgendaState:
    if started_at or course.attended.get(key_of(cycle, day), (None, due_on))[0] is Attendance.ATTENDED:
        return AgendaState.COMPLETED
    if _is_missed(course, cycle, day, due_on) or (day == 2 and cycle.day_2_missed):
        return AgendaState.EXPIRED
    if cycle.is_reversed or cycle.status is CycleStatus.RELEASE_FAILED or _is_discontinued(course, due_on):
        return AgendaState.CANCELLED
    if day > 1 and _is_without_its_first(course, cycle):
        return AgendaState.CANCELLED
    return AgendaState.PLANNED if cycle.status is CycleStatus.PLANNED else AgendaState.CONFIRMED


def _is_missed(course: Course, cycle: CycleCourse, day: int, due_on: date) -> bool:
    """Recorded so, and of a first day for the day it is on: a pair that was moved since lies ahead again."""
    said, on = course.attended.get(key_of(cycle, day), (None, due_on))
    return said is Attendance.MISSED and (day > 1 or on >= due_on)


def _is_without_its_first(course: Course, cycle: CycleCourse) -> bool:
    """Nobody is called in for a later day while the first one was missed; moving the pair makes both stand again."""
    return cycle.day_1_started_at is None and _is_missed(course, cycle, 1, cycle.day_1_on)


def _is_discontinued(course: Course, due_on: date) -> bool:
    return course.cells_discontinued_on is not None and due_on >= course.cells_discontinued_on


def key_of(cycle: CycleCourse, day: int) -> str:
    """The agenda key of an infusion day."""
    return infusion_key(cycle.number, cycle.attempt, day)


def infusion_key(number: int, attempt: int, day: int) -> str:
    """The agenda key of a day of the attempt at a cycle; the second attempt of cycle 1 is ``cycle-1.2``."""
    return f"cycle-{number}{'' if attempt == 1 else f'.{attempt}'}.day-{day}"


def _given(course: Course, cycle: CycleCourse, days: list[InfusionDate]) -> Given | None:
    """None when nothing of this attempt was given or is confirmed."""
    counting = [one for one in days if one.counts]
    if not counting:
        return None
    first, last, final = days[0], counting[-1], days[-1]
    stopped_on = None if last is final else _known_on(course, cycle, final)
    return Given(
        number=cycle.number,
        last_on=last.due_on,
        last_started_at=last.started_at,
        first_started_at=first.started_at,
        between=_between(course, first, final, stopped_on) if first is not final else (),
        cancelled_before=stopped_on,
        is_finished=final.state is not AgendaState.PLANNED,
    )


def _known_on(course: Course, cycle: CycleCourse, final: InfusionDate) -> date:
    """The day on which it became known that the last infusion would not be given."""
    if cycle.day_2_missed_at:
        return clock.local_day(cycle.day_2_missed_at, course.site_zone)
    if final.state is AgendaState.CANCELLED and course.cells_discontinued_on:
        return course.cells_discontinued_on
    return course.attended.get(key_of(cycle, final.day), (None, final.due_on))[1]


def _between(course: Course, first: InfusionDate, final: InfusionDate, stopped_on: date | None) -> tuple[date, ...]:
    """The days from the actual start of the first infusion to before the last, or until it was known to fail.

    A miss recorded late adds no days: those after the confirmed date were asked for as days after the infusion.
    """
    if first.started_at is None:
        return ()
    end = final.due_on if stopped_on is None else min(stopped_on, final.due_on)
    end = max(end, first.due_on + ONE_DAY) if final.due_on > first.due_on else end
    return tuple(first.due_on + ONE_DAY * n for n in range((end - first.due_on).days))


def rest_until(started_at: datetime | None, due_on: date, zone: str, hours: int) -> datetime | None:
    """Until when a patient is left in peace after an infusion that started on ``due_on`` or before."""
    if started_at is None or not hours:
        return None
    until = started_at + timedelta(hours=hours)
    return until if until > start_of(due_on, zone) else None
