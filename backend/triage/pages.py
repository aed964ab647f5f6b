"""Whom an emergency must have reached by now, and when it goes out again. Pure.

The person on call hears at once; while nobody acknowledges, the investigators hear as well, then the principal
investigators, and everybody reached so far hears it again and again. The times are the protocol's.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from backend.terms import PageStep
from backend.triage.clocks import Clocks

SHORTEST_REPEAT = timedelta(minutes=1)


@dataclass(frozen=True)
class Page:
    """A page as it stands. ``opened_at`` is when the first unanswered report came, and no later report moves it.

    ``renewed_at`` is when the latest came, ``rounds`` how often it has gone out, ``next_at`` when it is to go again.
    """

    opened_at: datetime
    renewed_at: datetime
    next_at: datetime
    rounds: int
    is_acknowledged: bool = False


@dataclass(frozen=True)
class Round:
    """One going out: its number (1 is the first), the steps whose people must hear it, and when the next one is."""

    number: int
    steps: tuple[PageStep, ...]
    next_at: datetime


def round_due(page: Page, now: datetime, clocks: Clocks) -> Round | None:
    """What goes out at this moment; None when somebody has acknowledged, or when it is not time yet."""
    if page.is_acknowledged or now < page.next_at:
        return None
    return Round(page.rounds + 1, steps_reached(page.opened_at, now, clocks), _next_at(page, page.next_at, now, clocks))


def round_now(page: Page, now: datetime, clocks: Clocks) -> Round:
    """What goes out because another report has come: at once, and the interval begins anew from here.

    Whom it has reached does not begin anew: that counts from the first report that nobody has answered.
    """
    return Round(page.rounds + 1, steps_reached(page.opened_at, now, clocks), _next_at(page, now, now, clocks))


def steps_reached(opened_at: datetime, now: datetime, clocks: Clocks) -> tuple[PageStep, ...]:
    """Who must have been reached by ``now`` if nobody has acknowledged, in the order in which it went on."""
    return tuple(step for step, at in _marks(opened_at, clocks) if at <= now)


def _next_at(page: Page, went_out_at: datetime, now: datetime, clocks: Clocks) -> datetime:
    """The next repetition after ``now``, or the moment at which it goes on to others if that comes first.

    Counted from when it was due to go out, so that a worker that comes late shifts nothing.
    """
    every = interval(page, now, clocks)
    missed = max(timedelta(0), now - went_out_at) // every
    ahead = [at for _, at in _marks(page.opened_at, clocks) if at > now]
    return min([went_out_at + (missed + 1) * every, *ahead])


def interval(page: Page, now: datetime, clocks: Clocks) -> timedelta:
    """How long after one round the next one follows, unless it goes on to others before."""
    if now - page.renewed_at >= clocks.t1_repeat_slowly_after:
        return clocks.t1_repeat_slowly_every
    return max(clocks.t1_repeat_every, SHORTEST_REPEAT)


def _marks(opened_at: datetime, clocks: Clocks) -> tuple[tuple[PageStep, datetime], ...]:
    return (
        (PageStep.ON_CALL, opened_at),
        (PageStep.INVESTIGATOR, opened_at + clocks.t1_investigator_after),
        (PageStep.PRINCIPAL_INVESTIGATOR, opened_at + clocks.t1_principal_investigator_after),
    )
