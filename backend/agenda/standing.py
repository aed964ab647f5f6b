"""How each item of an agenda stands at a moment: done, ahead, open, overdue, too late, or stopped."""

from bisect import bisect_left
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from functools import cached_property

from backend.agenda.course import Course
from backend.agenda.days import start_of
from backend.agenda.drafts import Draft
from backend.protocol.definition import Protocol
from backend.terms import AgendaKind, AgendaState, Attendance

Standing = tuple[AgendaState, datetime | None]


class Standings:
    """One patient's facts, arranged so that each item finds its own."""

    def __init__(self, protocol: Protocol, course: Course, instruments: Mapping[str, str], now: datetime) -> None:
        """``instruments`` are what is asked for under each key of the calendar."""
        self.course = course
        self.now = now
        self.alive_as_of = sorted(course.alive_as_of)
        self.stopped_at = _stops(protocol, course)
        self.instruments = instruments

    @cached_property
    def reports(self) -> list[tuple[datetime, str]]:
        """Every report known, with its instrument, in order of time: asked for where one form covers another."""
        answered = ((at, self.instruments[key]) for key, at in self.course.answered.items() if key in self.instruments)
        return sorted([*((one.completed_at, one.instrument) for one in self.course.reported), *answered])

    def of(self, draft: Draft, opens_at: datetime, closes_at: datetime, expires_at: datetime | None) -> Standing:
        """The item's state, and when it was completed."""
        if draft.infusion:
            return self._infusion(draft, opens_at, closes_at)
        completed_at = self._completion(draft, opens_at, closes_at)
        if completed_at:
            is_late = completed_at >= closes_at and self._is_judged(draft)
            return (AgendaState.COMPLETED_LATE if is_late else AgendaState.COMPLETED), completed_at
        if draft.is_dropped or self._is_stopped(draft, closes_at, expires_at):
            return AgendaState.CANCELLED, None
        return self._unanswered(draft, opens_at, closes_at, expires_at), None

    def _unanswered(
        self, draft: Draft, opens_at: datetime, closes_at: datetime, expires_at: datetime | None
    ) -> AgendaState:
        if self.course.attended.get(draft.key, (None, None))[0] is Attendance.MISSED:
            return AgendaState.EXPIRED
        if self.now < opens_at:
            return AgendaState.NOT_YET_OPEN
        if self.now < closes_at:
            return AgendaState.OPEN
        is_worth_doing = expires_at is None or self.now < expires_at
        return AgendaState.OVERDUE if is_worth_doing and not self._stop(draft) else AgendaState.EXPIRED

    def _infusion(self, draft: Draft, opens_at: datetime, closes_at: datetime) -> Standing:
        """What the site recorded. A day nobody recorded stays as it was announced until somebody does."""
        assert draft.infusion is not None
        state = draft.infusion.state
        if state is AgendaState.COMPLETED:
            return state, draft.infusion.started_at or opens_at
        if state in (AgendaState.PLANNED, AgendaState.CONFIRMED) and self._is_stopped(draft, closes_at, closes_at):
            return AgendaState.CANCELLED, None
        return state, None

    def _completion(self, draft: Draft, opens_at: datetime, closes_at: datetime) -> datetime | None:
        match draft.rule.kind:
            case AgendaKind.ASSESSMENT:
                return self._report(draft, opens_at, closes_at)
            case AgendaKind.SURVIVAL_CHECK:
                return self._evidence(draft, opens_at)
        status, on = self.course.attended.get(draft.key, (None, draft.due_on))
        return start_of(on, self.course.site_zone) if status is Attendance.ATTENDED else None

    def _report(self, draft: Draft, opens_at: datetime, closes_at: datetime) -> datetime | None:
        """The report that answered it, or the first one of its window that contains the same questions."""
        answered = self.course.answered.get(draft.key)
        covered_by = draft.rule.covered_by
        # A daily check answered before its day has come spoke of another day: the infusion has moved since.
        if answered and (answered >= opens_at or not covered_by):
            return answered
        if not covered_by:
            return None
        # An answer from before the cells were given, or just after, says nothing of how they are borne.
        place = bisect_left(self.reports, (max(opens_at, draft.not_before or opens_at), ""))
        for completed_at, instrument in self.reports[place:]:
            if completed_at >= closes_at:
                return None
            if instrument in covered_by:
                return completed_at
        return None

    def _evidence(self, draft: Draft, opens_at: datetime) -> datetime | None:
        """Evidence of life on or after a check's opening closes it; the first such date says when."""
        answered = self.course.answered.get(draft.key)
        place = bisect_left(self.alive_as_of, draft.due_on + timedelta(days=draft.rule.opens))
        if place == len(self.alive_as_of) or self.now < opens_at:
            return answered
        alive = start_of(self.alive_as_of[place], self.course.patient_zone)
        return min(alive, answered) if answered else alive

    def _is_judged(self, draft: Draft) -> bool:
        """Whether lateness means anything: not for a visit, nor for a day that a missed infusion left behind."""
        return draft.rule.kind in (AgendaKind.ASSESSMENT, AgendaKind.SURVIVAL_CHECK) and not draft.is_dropped

    def _is_stopped(self, draft: Draft, closes_at: datetime, expires_at: datetime | None) -> bool:
        """Whether a stop came before its window had closed, or while it was still waiting for ever."""
        stopped_at = self._stop(draft)
        return stopped_at is not None and (expires_at is None or closes_at > stopped_at)

    def _stop(self, draft: Draft) -> datetime | None:
        return self.stopped_at.get(draft.rule.kind)


def _stops(protocol: Protocol, course: Course) -> dict[AgendaKind, datetime]:
    """When each kind of item was stopped, at the earliest. A stop counts from the start of its day."""
    stops: dict[AgendaKind, datetime] = {}
    happened: tuple[tuple[date | None, frozenset[AgendaKind]], ...] = (
        (course.died_on, protocol.stops.death),
        (course.withdrawn_from_study_on, protocol.stops.withdrawn_from_study),
        (course.withdrawn_from_reporting_on, protocol.stops.withdrawn_from_reporting),
    )
    for on, kinds in happened:
        if on is None:
            continue
        at = start_of(on, course.patient_zone)
        for kind in kinds:
            stops[kind] = min(at, stops.get(kind, at))
    return stops
