"""Sending what is due: claim, let go of the database, decide, speak, settle; several in one breath where it goes well.

One transaction a step, and none open while a provider answers. A message that cannot be prepared moves on by itself
and never holds up the others.
"""

import logging
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from time import monotonic
from uuid import UUID

from backend import clock
from backend.config import Settings
from backend.db import Database
from backend.engines import is_held_by_others
from notifications import breath, leases, outbox, settling, speaking
from notifications.breath import DISPATCHER, Begun, Round
from notifications.channels import Channel
from notifications.deciding import Decision, Later, Release, Send, Suppress, Trial
from notifications.models import Attempt
from notifications.outbox import Claim
from notifications.settling import DeadLetter
from notifications.speaking import settle
from notifications.templates import Template

__all__ = ["Attempt", "Counts", "Decision", "Later", "Release", "Send", "Suppress", "Trial", "dispatch_due", "settle"]

log = logging.getLogger(__name__)

Counts = dict[str, int]
BATCH = 100
# So many seconds for one message are a provider's; so much of a lease may pass with them in one run.
A_WAIT, PART_OF_A_LEASE = 0.1, 0.25
# So long it should take to say a breath. With a provider that takes longer for one message a breath is one message, and
# so one at most is in doubt when a process is killed.
SECONDS_OF_A_BREATH = 0.2
# So long others may wait for patients who are being decided about; on a busy machine not for the sake of a few.
SECONDS_TO_DECIDE, A_FEW = 0.5, 8
# After these the next message by itself shows whether it was this one's fault.
BUSY = "busy"
TROUBLE = frozenset({"refused", "unknown", "too_late", "unsaid", "stumbled"})


class Pace:
    """How many are begun in one breath. One at first: it shows whether the way is open, and how quick it is."""

    def __init__(self, seconds_to_wait: float, at_once: int) -> None:
        """A run ends once its providers have kept it waiting for so long."""
        self.at_once = at_once
        self._left = seconds_to_wait

    @property
    def is_over(self) -> bool:
        """Whether it is the next run's turn."""
        return self._left < 0

    def went(self, begun: int, deciding: float, saying: float, *, well: bool) -> None:
        """Four times as many next time if this went well and quickly; after trouble, one."""
        self._left -= saying if saying > A_WAIT * begun else 0.0
        if not well:
            self.at_once = 1
            return
        decidable = BATCH if deciding < SECONDS_TO_DECIDE else max(self.at_once // 2, A_FEW)
        sayable = int(SECONDS_OF_A_BREATH * begun / max(saying, 1e-6))
        self.at_once = max(1, min(4 * self.at_once, decidable, sayable))


def dispatch_due(
    db: Database,
    channels: Mapping[str, Channel],
    trial: Trial,
    settings: Settings,
    *,
    on_dead_letter: DeadLetter,
    templates: Mapping[str, Template],
    only: Collection[str] | None = None,
    first_breath: int = 1,
) -> Counts:
    """Send everything that is due at this moment, or ``only`` these templates; says how many had which outcome.

    Any number of workers may run this at once. When providers keep it waiting it ends early and leaves the rest to the
    next run: emergencies come first there, and where one thread does everything, other jobs have their turn.
    ``first_breath``: so many are begun before anything shows whether the way is open.
    """
    this = Round(db, channels, trial, on_dead_letter, templates, settings.lease_seconds)
    due_by = clock.now()
    counts: Counter[str] = Counter()
    pace = Pace(this.lease_seconds * PART_OF_A_LEASE, first_breath)
    while not pace.is_over:
        with db.transaction(DISPATCHER) as txn:
            claim = outbox.claim(txn, due_by=due_by, lease_seconds=this.lease_seconds, limit=BATCH, only=only)
        sent = _send(this, claim, pace)
        counts.update(sent)
        if len(claim.message_ids) < BATCH and not sent.get("unsaid"):
            # That was all there was, and what fell due meanwhile is the next run's.
            break
    # What was put back has been said since, or waits for the next run.
    del counts["unsaid"]
    return dict(counts)


def _send(this: Round, claim: Claim, pace: Pace) -> Counts:
    """Breath after breath, all of a claim; or until providers have kept this run waiting for too long."""
    counts: Counter[str] = Counter()
    waiting = list(claim.message_ids)
    while waiting:
        some = _of_different_patients(claim, waiting, pace.at_once)
        chosen = frozenset(some)
        waiting = [one for one in waiting if one not in chosen]
        counts.update(_breathe(this, claim, some, pace))
        if waiting and pace.is_over:
            with this.db.transaction(DISPATCHER) as txn:
                leases.leave(txn, claim.token)
            break
    return counts


def _of_different_patients(claim: Claim, waiting: Sequence[UUID], many: int) -> list[UUID]:
    """The most urgent, one of each patient: what is said to somebody may decide about what else may be.

    A cap on their texts counts what was begun before, and of two that say the same the second is not needed.
    """
    found: dict[UUID, UUID] = {}
    for one in waiting:
        found.setdefault(claim.whose[one] or one, one)
        if len(found) == many:
            break
    return list(found.values())


def _breathe(this: Round, claim: Claim, some: Sequence[UUID], pace: Pace) -> Counts:
    """One breath. If it cannot be begun it is divided, until the one is found that cannot be."""
    began = monotonic()
    try:
        begun = breath.begin(this, claim, some)
    except Exception as error:
        if len(some) == 1 and is_held_by_others(error):
            log.info("what a message needs is held by somebody", extra={"message_id": str(some[0])})
            return {_put_off(this, some[0], claim.token): 1}
        if len(some) == 1:
            log.exception("a message could not be prepared", extra={"message_id": str(some[0])})
            pace.went(1, 0.0, 0.0, well=False)
            return {_stumble(this, some[0], claim.token, type(error).__name__): 1}
        log.info("messages could not be begun together", exc_info=True)
        middle = len(some) // 2
        return _in_turn(this, claim, [some[:middle], some[middle:]], pace)
    counts = Counter(begun.counts) + _say(this, begun, len(some), monotonic() - began, pace)
    counts.update(_in_turn(this, claim, [[one] for one in begun.held_by_others], pace))
    return counts


def _in_turn(this: Round, claim: Claim, parts: Sequence[Sequence[UUID]], pace: Pace) -> Counts:
    counts: Counter[str] = Counter()
    for part in parts:
        counts.update(_breathe(this, claim, part, pace))
    return counts


def _say(this: Round, begun: Begun, many: int, deciding: float, pace: Pace) -> Counter[str]:
    counts, saying = speaking.say(this, begun.spoken)
    pace.went(many, deciding, saying, well=not counts.keys() & TROUBLE)
    return counts


def _put_off(this: Round, message_id: UUID, token: UUID) -> str:
    """It is no fault of the message's, and no try of it: the next run asks again."""
    try:
        with this.db.transaction(DISPATCHER) as txn:
            for message in outbox.take(txn, [message_id], token):
                outbox.postpone(txn, message, txn.now, BUSY)
    except Exception:
        # The claim runs out by itself.
        log.exception("a message could not be put off", extra={"message_id": str(message_id)})
    return BUSY


def _stumble(this: Round, message_id: UUID, token: UUID, error: str) -> str:
    """A message that raises is put behind the others, and after some tries becomes a person's task."""
    try:
        with this.db.transaction(DISPATCHER) as txn:
            for message in outbox.take(txn, [message_id], token):
                settling.stumble(txn, message, error, this.on_dead_letter)
    except Exception:
        # The claim runs out by itself.
        log.exception("a message could not be put back", extra={"message_id": str(message_id)})
    return "stumbled"
