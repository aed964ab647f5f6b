"""Moving a demo's clock: step by step to each moment at which something is due, so that the outcome equals waiting.

Between the steps nothing could have happened. At each of them the same jobs run that a worker runs, while the
ticking thread of this process stands still.
"""

from collections import Counter
from collections.abc import Collection, Iterator
from datetime import datetime, time, timedelta
from itertools import product

from sqlalchemy import func, select, union

from backend import clock, demo_clock
from backend.adverse_events.safety_warnings import next_warning
from backend.agenda.pauses import next_end
from backend.conversations.channels import next_fall_back
from backend.conversations.endings import next_ending
from backend.db import Database
from backend.errors import InvalidInput
from backend.patients.acts import ProtocolMove
from backend.patients.models import Patient
from backend.protocol.load import protocol_of
from backend.staff.models import Site
from backend.terms import MessageStatus
from backend.triage.escalation import next_instant
from backend.worklist.items import next_pass_on
from notifications.models import Message
from notifications.scheduler import Ticker

# Five past midnight: a local day has begun, reports of the day before have expired, the horizon has moved on.
NEW_DAY = time(0, 5)
FARTHEST = timedelta(days=400)
TOO_FAR = f"The clock moves at most {FARTHEST.days} days at once."
AT_EVERY_STEP = ("understand", "escalate", "reconcile", "dispatch")
AT_A_CALL = ("end_pauses", "see_to_surveys", "fall_back", "call", *AT_EVERY_STEP)
AT_A_NEW_DAY = ("plan", *AT_A_CALL)


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
        return _step_to(db, ticker, moment)


def move_clock_by(db: Database, ticker: Ticker, interval: timedelta) -> Counter[str]:
    """The same by an interval; two who press at once move the clock by both."""
    if interval > FARTHEST:
        raise InvalidInput(fields={"by": [TOO_FAR]})
    with ticker.exclusive():
        return _step_to(db, ticker, clock.now() + interval)


def _step_to(db: Database, ticker: Ticker, moment: datetime) -> Counter[str]:
    reached = clock.now()
    zones, evenings = _zones_in_use(db), _hours_of_looking(db)
    done = _run(ticker, AT_A_NEW_DAY)
    while reached < moment:
        new_day = min(_next_time(reached, NEW_DAY, zone) for zone in zones)
        handed_on = min(_looked_ahead(db, reached, moment))
        call = min(handed_on, *_next_looks(reached, evenings, zones), moment)
        sent = min(_next_message(db, after=reached) or moment, _next_escalation(db, after=reached) or moment)
        reached = min(moment, new_day, call, sent)
        # The steps take real time, which may already have brought the clock past a moment that is close.
        demo_clock.move_to(db, max(reached, clock.now()))
        jobs = AT_A_NEW_DAY if reached in (new_day, moment) else AT_A_CALL if reached == call else AT_EVERY_STEP
        done += _run(ticker, jobs)
    return done


def _run(ticker: Ticker, jobs: Collection[str]) -> Counter[str]:
    done: Counter[str] = Counter()
    for job in jobs:
        done.update(ticker.run(job))
    return done


def _zones_in_use(db: Database) -> Collection[str]:
    """Where days begin: at the homes of patients and at the sites."""
    with db.reading(demo_clock.DEMO) as txn:
        return set(txn.session.scalars(union(select(Patient.time_zone), select(Site.time_zone)))) or {"UTC"}


def _hours_of_looking(db: Database) -> Collection[time]:
    """At which times of a patient's day it is seen that nobody has answered, also under versions moved away from."""
    with db.reading(demo_clock.DEMO) as txn:
        under = union(select(Patient.protocol_version_id), select(ProtocolMove.from_version_id))
        versions = txn.session.scalars(under).all()
        return {hour for version in versions for hour in protocol_of(txn, version).hours_of_looking}


def _next_looks(after: datetime, hours: Collection[time], zones: Collection[str]) -> Iterator[datetime]:
    for hour, zone in product(hours, zones):
        yield _next_time(after, hour, zone)


def _next_time(after: datetime, hour: time, zone: str) -> datetime:
    """The next instant at which a clock on a wall in ``zone`` shows ``hour``."""
    today = clock.local_day(after, zone)
    begins = clock.at_local(today, hour, zone)
    return begins if begins > after else clock.at_local(today + timedelta(days=1), hour, zone)


def _looked_ahead(db: Database, after: datetime, moment: datetime) -> Iterator[datetime]:
    """When a task is passed on, a pause or a questionnaire by text ends, or a message was not heard for too long."""
    with db.reading(demo_clock.DEMO) as txn:
        looks = (next_pass_on, next_end, next_fall_back, next_ending)
        for at in (look(txn, after) for look in looks):
            yield at or moment


def _next_message(db: Database, *, after: datetime) -> datetime | None:
    waiting = select(func.min(Message.next_try_at)).where(
        Message.status == MessageStatus.QUEUED, Message.next_try_at > after
    )
    with db.reading(demo_clock.DEMO) as txn:
        return txn.session.scalar(waiting)


def _next_escalation(db: Database, *, after: datetime) -> datetime | None:
    with db.reading(demo_clock.DEMO) as txn:
        moments = (next_instant(txn, after=after), next_warning(txn, after=after))
        return min((moment for moment in moments if moment is not None), default=None)
