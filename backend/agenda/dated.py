"""The days of a calendar and the instants that follow from them, before it is asked what was done.

They change when an infusion moves and with nothing a patient answers, and they are most of the work of a calendar. So
they are remembered: every report, every reminder and every look at who is silent asks for them again.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

from backend.agenda.course import AgendaItem, Course
from backend.agenda.days import start_of
from backend.agenda.drafts import Draft, Patient, drafts_of
from backend.agenda.infusions import Infusions, infusions_of
from backend.protocol.definition import Protocol
from backend.protocol.rules import ForDays, NeverOverdue, Rule, UntilNext
from backend.terms import AgendaKind, AgendaState, Reply

AT_THE_SITE = frozenset({AgendaKind.VISIT, AgendaKind.INFUSION})
# Calendars of so many patients, or parts of them; a whole one is some forty kilobytes.
CALENDARS_KEPT = 512


class Dated(NamedTuple):
    """A draft with its window, its item as long as it lies ``ahead``, and every item that was ``made`` of it so far.

    An item never changes, and of one draft there are few: whoever asks again is given the same one.
    """

    draft: Draft
    zone: str
    opens_at: datetime
    closes_at: datetime
    expires_at: datetime | None
    ahead: AgendaItem
    made: dict[tuple[AgendaState, Reply | None, datetime | None], AgendaItem]


@dataclass(frozen=True)
class Days:
    """The dated items by due date and key, and the keys of weeks that were left out because nobody answered them."""

    items: tuple[Dated, ...]
    left_out: frozenset[str]
    # What is asked for under a key, where it is a questionnaire.
    instruments: Mapping[str, str]


def days_of(protocol: Protocol, course: Course, horizon: date, rules: Sequence[Rule]) -> Days:
    """What these rows of the protocol make of the patient's anchors and cycles, up to ``horizon``."""
    said = (
        protocol,
        Patient(course.arm, course.randomised_on, course.patient_zone),
        course.site_zone,
        infusions_of(protocol, course),
        horizon,
        tuple(rules),
    )
    days = unfolded(*said, frozenset())
    beside = days.left_out.intersection(course.answered)
    return unfolded(*said, beside) if beside else days


@lru_cache(maxsize=CALENDARS_KEPT)
def unfolded(
    protocol: Protocol,
    patient: Patient,
    site_zone: str,
    infusions: Infusions,
    horizon: date,
    rules: tuple[Rule, ...],
    answered: frozenset[str],
) -> Days:
    """The same from plain values, by which it is remembered; of what was left out, the weeks that were ``answered``."""
    drafts, left_out = drafts_of(protocol, patient, infusions, horizon, rules, answered)
    drafts.sort(key=lambda draft: (draft.due_on, draft.key))
    windows = [_window(draft, site_zone if draft.rule.kind in AT_THE_SITE else patient.zone) for draft in drafts]
    openings = _openings(drafts, windows)
    return Days(
        tuple(_dated(draft, window, openings) for draft, window in zip(drafts, windows, strict=True)),
        frozenset(left_out),
        {draft.key: draft.rule.instrument_of(draft.n) or "" for draft in drafts},
    )


def _window(draft: Draft, zone: str) -> tuple[str, datetime, datetime]:
    """Zone, opening and closing: from 00:00 of the first day to 00:00 of the day after the last."""
    rule, due_on = draft.rule, draft.due_on
    opens_at = start_of(due_on + timedelta(days=rule.opens), zone)
    return zone, opens_at, start_of(due_on + timedelta(days=rule.closes + 1), zone)


def _openings(
    drafts: Sequence[Draft], windows: Sequence[tuple[str, datetime, datetime]]
) -> Mapping[str, list[datetime]]:
    """When the items of each family open, in order."""
    openings: dict[str, list[datetime]] = {}
    for draft, window in zip(drafts, windows, strict=True):
        openings.setdefault(draft.rule.family, []).append(window[1])
    for instants in openings.values():
        instants.sort()
    return openings


def _dated(draft: Draft, window: tuple[str, datetime, datetime], openings: Mapping[str, list[datetime]]) -> Dated:
    rule = draft.rule
    zone, opens_at, closes_at = window
    expires_at = _expiry(draft, zone, opens_at, closes_at, openings)
    ahead = AgendaItem(
        key=draft.key,
        family=rule.family,
        kind=rule.kind,
        instrument=rule.instrument_of(draft.n),
        due_on=draft.due_on,
        opens_at=opens_at,
        closes_at=closes_at,
        expires_at=expires_at,
        zone=zone,
        state=AgendaState.NOT_YET_OPEN,
        reply=None,
        completed_at=None,
        titles=draft.titles,
        rule=rule.name,
        row=rule,
        not_before=draft.not_before,
        was_announced=draft.infusion.was_announced if draft.infusion else True,
    )
    return Dated(draft, zone, opens_at, closes_at, expires_at, ahead, {})


def _expiry(
    draft: Draft, zone: str, opens_at: datetime, closes_at: datetime, openings: Mapping[str, list[datetime]]
) -> datetime | None:
    """Until when it is worth doing late; None for what waits for ever."""
    match draft.rule.overdue:
        case NeverOverdue():
            return closes_at
        case ForDays(days):
            return start_of(draft.due_on + timedelta(days=draft.rule.closes + 1 + days), zone)
        case UntilNext(families, else_days):
            nexts = [_next_after(opens_at, openings.get(family, ())) for family in families]
            following = min((instant for instant in nexts if instant), default=None)
            if following is None:
                return start_of(draft.due_on + timedelta(days=draft.rule.closes + 1 + else_days), zone)
            return max(closes_at, following)
    return None


def _next_after(moment: datetime, instants: Sequence[datetime]) -> datetime | None:
    place = bisect_right(instants, moment)
    return instants[place] if place < len(instants) else None
