"""Messages in doubt: somebody began to say them and never wrote down what came of it.

They are never simply said again. The provider is asked; what it has is settled, what it provably does not have
is queued again under a new attempt, and what nobody can tell waits for a person.
"""

import logging
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from time import monotonic
from uuid import UUID

from sqlalchemy import false, func, or_, select

from backend import clock
from backend.db import Database, Transaction, system
from backend.sealing import unseal
from backend.terms import AttemptStatus, Language, MessageStatus
from notifications import outbox, settling
from notifications.channels import Absent, Accepted, CannotTell, Channel, Envelope, Removed, Sighting, Sought
from notifications.dispatcher import Counts, settle
from notifications.models import Attempt, Message
from notifications.settling import DeadLetter

log = logging.getLogger(__name__)

RECONCILER = system("reconciler")
IN_DOUBT, CANNOT_BE_ASKED = "in_doubt", "cannot_be_asked"
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=10), timedelta(minutes=10)
# With these pauses, after half an hour.
FAILED_LOOKS_A_PERSON_IS_TOLD_OF = 8
A_DAY, AROUND = timedelta(days=1), timedelta(minutes=15)
BATCH = 100
# Then the other jobs have their turn: a provider that hangs may keep us waiting with each question.
SECONDS_IN_ONE_RUN = 20.0


@dataclass(frozen=True)
class _Doubt:
    attempt_id: UUID
    channel: Channel


def reconcile(db: Database, channels: Mapping[str, Channel], *, on_dead_letter: DeadLetter) -> Counts:
    """Find out what became of every message whose sender did not come back; says how many had which outcome."""
    counts: Counter[str] = Counter()
    with db.transaction(RECONCILER) as txn:
        counts["doubted"] = outbox.doubt_the_overdue(txn)
    with db.reading(RECONCILER) as txn:
        doubts = _to_look_for(txn, channels)
    began = monotonic()
    for doubt in doubts:
        counts[_look(db, doubt, on_dead_letter)] += 1
        if monotonic() - began > SECONDS_IN_ONE_RUN:
            break
    return {word: count for word, count in counts.items() if count}


def _to_look_for(txn: Transaction, channels: Mapping[str, Channel]) -> Sequence[_Doubt]:
    """Those looked for longest ago first, so that no number of doubts that wait for their next look hides another."""
    rows = txn.session.scalars(
        select(Attempt)
        .join(Message, Message.id == Attempt.message_id)
        # Any other reason says that a person has it.
        .where(Message.status == MessageStatus.IN_DOUBT)
        .where(or_(Message.reason.is_(None), Message.reason == CANNOT_BE_ASKED))
        .where(Attempt.status == AttemptStatus.IN_DOUBT)
        .order_by(func.coalesce(Attempt.looked_at, Attempt.called_at, Attempt.started_at), Attempt.id)
        .limit(BATCH)
    )
    asked = ((attempt, whoever_knows(attempt, channels)) for attempt in rows)
    return [_Doubt(attempt.id, channel) for attempt, channel in asked if _is_time(attempt, channel)]


def whoever_knows(attempt: Attempt, channels: Mapping[str, Channel]) -> Channel:
    """Who can be asked about an attempt.

    Another provider, or another account, would truly say that it does not have it: that says nothing.
    """
    channel = channels.get(attempt.channel)
    is_it = channel is not None and attempt.gateway in (None, channel.gateway)
    return channel if channel is not None and is_it else Removed()


def _is_time(attempt: Attempt, channel: Channel) -> bool:
    """A look that is still to come, by this clock, was taken before the clock was set back: it is time, too."""
    return not _was_looked_for_lately(attempt, channel) or _is_ahead(attempt)


def _was_looked_for_lately(attempt: Attempt, channel: Channel) -> bool:
    pause = _pause(channel, attempt.failed_looks or 0)
    return attempt.looked_at is not None and attempt.looked_at + pause > clock.wall()


def _is_ahead(attempt: Attempt) -> bool:
    return attempt.looked_at is not None and attempt.looked_at > clock.wall()


def _pause(channel: Channel, failed_looks: int) -> timedelta:
    """A provider that cannot answer is asked ever more seldom."""
    between = timedelta(seconds=channel.seconds_between_looks)
    if not failed_looks:
        return between
    return max(between, min(FIRST_PAUSE * (1 << min(failed_looks - 1, 16)), LONGEST_PAUSE))


def sought_for(txn: Transaction, attempt: Attempt) -> Sought:
    """What a provider is asked about an attempt."""
    message = txn.session.get_one(Message, attempt.message_id)
    return Sought(
        attempt.id, _envelope(txn, message, attempt), attempt.called_at, _known_of_others(txn, message, attempt)
    )


def _known_of_others(txn: Transaction, message: Message, attempt: Attempt) -> Collection[str]:
    """What is known to be another attempt's is not this one's.

    Those to the same person, as far back as a provider is asked; and, as two may share a telephone, all of the time
    around the call, whoever they went to.
    """
    since = attempt.started_at - A_DAY
    persons = [Message.patient_id == message.patient_id] if message.patient_id else []
    if message.staff_id:
        persons.append(Message.staff_id == message.staff_id)
    known = select(Attempt.provider_id).where(Attempt.provider_id.is_not(None), Attempt.id != attempt.id)
    to_them = known.join(Message, Message.id == Attempt.message_id).where(
        or_(false(), Attempt.message_id == message.id, *persons), Attempt.started_at > since
    )
    names = set(txn.session.scalars(to_them))
    if attempt.called_at is not None:
        at_that_time = Attempt.called_at.between(attempt.called_at - AROUND, attempt.called_at + AROUND)
        names |= set(txn.session.scalars(known.where(at_that_time)))
    return frozenset(name for name in names if name)


def _envelope(txn: Transaction, message: Message, attempt: Attempt) -> Envelope:
    return Envelope(
        address=unseal(txn, attempt, "address_sealed") or "",
        text=unseal(txn, attempt, "body_sealed") or "",
        language=Language(attempt.language),
        template=attempt.template,
        values=message.values,
    )


def _look(db: Database, doubt: _Doubt, on_dead_letter: DeadLetter) -> str:
    """Ask with no transaction open, then settle. A question that fails is asked again, and a person is told of it."""
    try:
        with db.reading(RECONCILER) as txn:
            sought = sought_for(txn, txn.session.get_one(Attempt, doubt.attempt_id))
        sighting = doubt.channel.find(sought)
        with db.transaction(RECONCILER) as txn:
            return _conclude(txn, doubt, sighting, on_dead_letter)
    except Exception:
        log.exception("an attempt in doubt could not be looked for", extra={"attempt_id": str(doubt.attempt_id)})
        return _note_failed_look(db, doubt, on_dead_letter)


def _note_failed_look(db: Database, doubt: _Doubt, on_dead_letter: DeadLetter) -> str:
    """After some, a person is told. It is still looked for: the provider may answer again, or send a receipt."""
    try:
        with db.transaction(RECONCILER) as txn:
            message, attempt = settling.hold_attempt(txn, doubt.attempt_id)
            if not _is_in_doubt(message, attempt):
                return "settled_meanwhile"
            attempt.looked_at = clock.wall()
            attempt.failed_looks = (attempt.failed_looks or 0) + 1
            if attempt.failed_looks == FAILED_LOOKS_A_PERSON_IS_TOLD_OF:
                message.reason = CANNOT_BE_ASKED
                on_dead_letter(txn, message, attempt)
    except Exception:
        log.exception("a look that failed could not be noted", extra={"attempt_id": str(doubt.attempt_id)})
    return "look_failed"


def _is_in_doubt(message: Message, attempt: Attempt) -> bool:
    return attempt.is_open and message.status == MessageStatus.IN_DOUBT


def _conclude(txn: Transaction, doubt: _Doubt, sighting: Sighting, on_dead_letter: DeadLetter) -> str:
    message, attempt = settling.hold_attempt(txn, doubt.attempt_id)
    if not _is_in_doubt(message, attempt):
        return "settled_meanwhile"
    counts = not _was_looked_for_lately(attempt, doubt.channel)
    attempt.looked_at = clock.wall()
    if isinstance(sighting, Accepted) and _is_anothers(txn, attempt, sighting.provider_id):
        # Sent while we asked, in the same words to a telephone that two share. The next look knows whose it is.
        return "of_another"
    match sighting:
        case Accepted() as answer:
            settle(txn, attempt.id, answer, on_dead_letter)
            return "found"
        case Absent():
            return _absent(txn, doubt, message, attempt, counts=counts)
        case CannotTell():
            message.reason = IN_DOUBT
            on_dead_letter(txn, message, attempt)
            return "for_a_person"


def _is_anothers(txn: Transaction, attempt: Attempt, provider_id: str) -> bool:
    taken = select(Attempt.id).where(Attempt.provider_id == provider_id, Attempt.id != attempt.id)
    return txn.session.scalars(taken.limit(1)).first() is not None


def _absent(txn: Transaction, doubt: _Doubt, message: Message, attempt: Attempt, *, counts: bool) -> str:
    """Said again only once the provider was asked often enough, and far enough apart, to be believed."""
    attempt.looks += counts
    if attempt.looks < doubt.channel.looks_to_be_sure:
        return "absent_so_far"
    attempt.status = AttemptStatus.ABSENT
    attempt.settled_at = txn.now
    outbox.postpone(txn, message, txn.now, "never_arrived")
    return "absent"
