"""Moving a demo's clock: step by step to each moment at which something is due, so that the outcome equals waiting.

Between the steps nothing could have happened. At each of them those jobs of a worker run that have something to do,
while the ticking thread of this process stands still; at the beginnings of days, and where the clock stops, all of
them do.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from uuid import UUID

from sqlalchemy import func, select, union

from backend import clock, demo_clock
from backend.adverse_events.safety_warnings import next_warning
from backend.agenda.pauses import next_end
from backend.agenda.silence import Due, look_at_all, to_look_at
from backend.conversations.channels import next_fall_back
from backend.conversations.endings import next_ending
from backend.db import Database, Transaction
from backend.errors import InvalidInput
from backend.patients.models import Patient
from backend.patients.new_numbers import SILENCE
from backend.staff.models import Site
from backend.terms import MessageStatus
from backend.triage.escalation import next_instant
from backend.worklist.items import next_pass_on
from notifications.models import Message
from notifications.scheduler import Ticker
from notifications.waiting import next_message_at

# Five past midnight: a local day has begun, reports of the day before have expired, the horizon has moved on.
NEW_DAY = time(0, 5)
FARTHEST = timedelta(days=400)
TOO_FAR = f"The clock moves at most {FARTHEST.days} days at once."
NEVER = datetime.max.replace(tzinfo=UTC)
# In this order, so that at one moment whatever a job brings about is there for those after it.
AT_A_NEW_DAY = (
    "plan",
    "end_pauses",
    "understand",
    "see_to_surveys",
    "fall_back",
    "call",
    "escalate",
    "reconcile",
    "dispatch",
)
AT_EVERY_STEP = frozenset({"understand", "dispatch"})
AT_AN_END = frozenset({"end_pauses", "see_to_surveys", "fall_back"})
# What these have done may be a reason to call a patient no more, or to call a physician at once.
BRING_CALLS = frozenset({"end_pauses", "understand", "see_to_surveys", "fall_back"})
AFTER_THEM = frozenset({"call", "escalate"})
# After a pause, somebody may have been silent for long who was not to be asked.
BRING_SILENCE = frozenset({"end_pauses"})
# A questionnaire that stalls leaves everything else as it was.
CHANGES_NOTHING = frozenset({"surveys_stalled"})


def move_clock_to(db: Database, ticker: Ticker, moment: datetime) -> Counter[str]:
    """Move trial time to ``moment`` and say how many of what was done on the way.

    Raises ``InvalidInput`` when the moment has passed, or is too far ahead to be waited for.
    """
    with ticker.exclusive():
        ahead = moment - clock.now()
        if ahead < timedelta(0):
            raise InvalidInput(fields={"to": ["The clock only moves ahead."]})
        if ahead > FARTHEST:
            raise InvalidInput(fields={"to": [TOO_FAR]})
        return _Way(db, ticker).go_to(moment)


def move_clock_by(db: Database, ticker: Ticker, interval: timedelta) -> Counter[str]:
    """The same by an interval; two who press at once move the clock by both."""
    if interval > FARTHEST:
        raise InvalidInput(fields={"by": [TOO_FAR]})
    with ticker.exclusive():
        return _Way(db, ticker).go_to(clock.now() + interval)


@dataclass(frozen=True)
class Ahead:
    """When something of each kind is due next, after a moment, if nobody does anything before; ``NEVER``: not at all.

    ``end``: of a pause, of a questionnaire by text, of the time in which a message might have been heard.
    ``is_in_doubt``: some message was begun, and nobody knows yet what became of it.
    """

    end: datetime
    handover: datetime
    escalation: datetime
    message: datetime
    is_in_doubt: bool

    @property
    def first(self) -> datetime:
        """Whichever comes first."""
        return min(self.end, self.handover, self.escalation, self.message)

    def due_at(self, moment: datetime) -> frozenset[str]:
        """The jobs with something to do by then."""
        ends = AT_AN_END if self.end <= moment else frozenset()
        further = {
            "call": self.handover <= moment,
            "escalate": self.escalation <= moment,
            "reconcile": self.is_in_doubt,
        }
        return AT_EVERY_STEP | ends | {job for job, is_due in further.items() if is_due}


def look_ahead(db: Database, after: datetime) -> Ahead:
    """What is due after this moment."""
    with db.reading(demo_clock.DEMO) as txn:
        return Ahead(
            end=_earliest(next_end(txn, after), next_fall_back(txn, after), next_ending(txn, after)),
            handover=_earliest(next_pass_on(txn, after)),
            escalation=_earliest(next_instant(txn, after=after), next_warning(txn, after=after)),
            message=_earliest(next_message_at(txn, after=after)),
            is_in_doubt=_is_in_doubt(txn),
        )


class _Silence:
    """When each patient will have been silent for too long, so that somebody is asked to call.

    Who answers meanwhile is looked at in vain at that moment; nobody is looked at too late.
    """

    def __init__(self, db: Database) -> None:
        """Nobody is known yet."""
        self._db = db
        self._until: dict[UUID, datetime] = {}
        self._confirmed_by = NEVER

    def next(self) -> datetime:
        """The first moment of all."""
        return min((self._confirmed_by, *self._until.values()))

    def look_at_everybody(self) -> bool:
        """Whether anything is to be done about somebody's calls now."""
        with self._db.reading(demo_clock.DEMO) as txn:
            found = _looked_at(txn, to_look_at(txn))
            lately = Patient.phone_unconfirmed_since > txn.now - SILENCE
            since = txn.session.scalar(select(func.min(Patient.phone_unconfirmed_since)).where(lately))
        self._until = {one: due.next_at or NEVER for one, due in found.items()}
        self._confirmed_by = since + SILENCE if since else NEVER
        return any(due.is_anything for due in found.values())

    def look_again(self, reached: datetime) -> None:
        """At those whose moment has come; whose record cannot be read waits for the next look at everybody."""
        whose = [one for one, until in self._until.items() if until <= reached]
        if whose:
            with self._db.reading(demo_clock.DEMO) as txn:
                found = _looked_at(txn, whose)
            self._until |= {one: found[one].next_at or NEVER if one in found else NEVER for one in whose}
        if self._confirmed_by <= reached:
            self._confirmed_by = NEVER


class _Way:
    """The way of the clock to a moment."""

    def __init__(self, db: Database, ticker: Ticker) -> None:
        self._db, self._ticker = db, ticker
        self._silence, self._zones = _Silence(db), _zones_in_use(db)
        self._done: Counter[str] = Counter()

    def go_to(self, moment: datetime) -> Counter[str]:
        """Step by step; says how many of what was done."""
        reached = clock.now()
        self._run(AT_A_NEW_DAY)
        self._silence.look_at_everybody()
        while reached < moment:
            ahead, silence = look_ahead(self._db, reached), self._silence.next()
            new_day = min(_next_time(reached, NEW_DAY, zone) for zone in self._zones)
            reached = min(moment, new_day, silence, ahead.first)
            # The steps take real time, which may already have brought the clock past a moment that is close.
            demo_clock.move_to(self._db, max(reached, clock.now()))
            due = ahead.due_at(reached) | ({"call"} if silence <= reached else set())
            if reached == moment:
                due |= set(AT_A_NEW_DAY)
            elif reached == new_day:
                is_quiet = not self._silence.look_at_everybody()
                due |= set(AT_A_NEW_DAY) - ({"call"} if is_quiet else set())
            self._run(due)
            self._silence.look_again(reached)
        return +self._done

    def _run(self, due: Collection[str]) -> None:
        """Those jobs, and those for which there is a reason once they have run."""
        due = set(due)
        for job in AT_A_NEW_DAY:
            if job not in due:
                continue
            counts = self._ticker.run(job)
            self._ticker.still_here()
            self._done.update(counts)
            if job in BRING_CALLS and any(number for what, number in counts.items() if what not in CHANGES_NOTHING):
                due |= AFTER_THEM
            if job in BRING_SILENCE and any(counts.values()):
                self._silence.look_at_everybody()


def _looked_at(txn: Transaction, patient_ids: Sequence[UUID]) -> Mapping[UUID, Due]:
    """By patient, what is due about their calls. Who cannot be looked at is left out: the job says why."""
    try:
        return look_at_all(txn, patient_ids)
    except Exception:
        if len(patient_ids) == 1:
            return {}
    return {one: due for each in patient_ids for one, due in _looked_at(txn, [each]).items()}


def _zones_in_use(db: Database) -> Collection[str]:
    """Where days begin: at the homes of patients and at the sites."""
    with db.reading(demo_clock.DEMO) as txn:
        return set(txn.session.scalars(union(select(Patient.time_zone), select(Site.time_zone)))) or {"UTC"}


def _next_time(after: datetime, hour: time, zone: str) -> datetime:
    """The next instant at which a clock on a wall in ``zone`` shows ``hour``."""
    today = clock.local_day(after, zone)
    begins = clock.at_local(today, hour, zone)
    return begins if begins > after else clock.at_local(today + timedelta(days=1), hour, zone)


def _earliest(*moments: datetime | None) -> datetime:
    return min((moment for moment in moments if moment is not None), default=NEVER)


def _is_in_doubt(txn: Transaction) -> bool:
    begun = select(Message.id).where(Message.status.in_((MessageStatus.SENDING, MessageStatus.IN_DOUBT)))
    return txn.session.scalar(begun.limit(1)) is not None
