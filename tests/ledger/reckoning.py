"""Two books side by side: our rows and the provider's, matched by attempt id and again by number and words. Pure."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

# Ended, and the row says why; the last two only together with a task for a person.
ENDED_WITH_A_REASON = frozenset({"suppressed", "cancelled"})
FOR_A_PERSON = frozenset({"failed", "in_doubt"})
# What a provider did to an answer so that nobody here could know what became of the call.
ANSWERED = frozenset({"answered"})


@dataclass(frozen=True)
class OurAttempt:
    """One call as we wrote it down."""

    id: str
    status: str
    provider_id: str | None
    to: str
    body_hash: str
    called_at: datetime
    was_looked_for: bool = False


@dataclass(frozen=True)
class OurMessage:
    """One thing that was to be said. ``is_due``: not merely planned for another day or hour."""

    id: str
    status: str
    reason: str | None
    attempts: Sequence[OurAttempt] = ()
    has_task: bool = False
    is_due: bool = True
    # An answer to somebody's own text, which may go where nothing else may.
    is_reply: bool = False
    # Put into the outbox by this ledger, to be sent at once.
    is_wanted: bool = False


@dataclass(frozen=True)
class TheirText:
    """One text as the provider accepted it."""

    sid: str
    attempt: str | None
    to: str
    body_hash: str
    fate: str = "answered"


@dataclass(frozen=True)
class Farewell:
    """From this moment on nothing may be released to this number."""

    to: str
    committed_at: datetime


@dataclass(frozen=True)
class Reckoning:
    """Both books, and what does not agree."""

    ours: Sequence[OurMessage]
    theirs: Sequence[TheirText]
    farewells: Collection[Farewell] = ()
    # How many were put into the outbox to be sent at once.
    wanted: int = 0

    @cached_property
    def lost(self) -> list[str]:
        """Wanted, and neither with the provider nor ended for a reason that somebody can read; or gone altogether."""
        gone = self.wanted - sum(message.is_wanted for message in self.ours)
        waiting = [message for message in self.ours if message.is_due or message.is_wanted]
        return [one.id for one in waiting if not self._is_accounted_for(one)] + ["gone"] * gone

    @cached_property
    def duplicated(self) -> list[str]:
        """Texts the provider has beyond one a message, texts nobody here sent, and words said twice to one number."""
        copies = [sid for texts in self._theirs_by_message.values() for sid in texts[1:]]
        strangers = [text.sid for text in self.theirs if text.attempt not in self._message_of_attempt]
        return copies + strangers + self._said_too_often(set(copies) | set(strangers))

    @cached_property
    def without_id(self) -> list[str]:
        """Attempts we believe accepted without the provider's id for them, or with another's."""
        sid_of = {text.attempt: text.sid for text in self.theirs}
        accepted = [attempt for attempt in self._attempts if attempt.status == "accepted"]
        return [one.id for one in accepted if not one.provider_id or sid_of.get(one.id) != one.provider_id]

    @cached_property
    def after_farewell(self) -> list[str]:
        """Attempts that were begun to a number after it was closed to us."""
        closed = {farewell.to: farewell.committed_at for farewell in self.farewells}
        return [
            one.id
            for message in self.ours
            if not message.is_reply
            for one in message.attempts
            if one.to in closed and one.called_at > closed[one.to]
        ]

    @property
    def is_even(self) -> bool:
        """Nothing lost, nothing twice, nothing nameless, nothing after a farewell."""
        return not (self.lost or self.duplicated or self.without_id or self.after_farewell)

    def lines(self) -> Iterator[str]:
        """One figure a line; the verdict last."""
        due = [message for message in self.ours if message.is_due]
        said = Counter(message.status for message in due)
        ended = Counter(f"{one.status}: {one.reason}" for one in due if one.status in ENDED_WITH_A_REASON)
        unheard = [text for text in self.theirs if text.fate not in ANSWERED]
        looked_for = {attempt.id for attempt in self._attempts if attempt.was_looked_for}
        accepted = {attempt.id for attempt in self._attempts if attempt.status == "accepted"}
        by_callback = {text.attempt for text in unheard} & accepted - looked_for
        yield f"messages due {len(due)}"
        yield f"accepted by the provider {len(self.theirs)}"
        yield f"attempts {len(self._attempts)}"
        yield f"answers withheld by the provider {len(unheard)}"
        yield f"settled after looking in the provider's list {len(looked_for & accepted)}"
        yield f"withheld, and settled by a callback alone {len(by_callback)}"
        absent = [one for one in self._attempts if one.status == "absent"]
        yield f"said again because the provider did not have it {sum(one.was_looked_for for one in absent)}"
        yield f"begun and put back unsaid {sum(not one.was_looked_for for one in absent)}"
        yield f"in doubt, for a person {said['in_doubt']}"
        yield f"dead letters {said['failed']}"
        yield from (f"{why} {count}" for why, count in sorted(ended.items()))
        if self.farewells:
            yield f"farewells {len(self.farewells)}"
            yield f"released after a farewell {len(self.after_farewell)}"
        yield self.verdict

    @property
    def verdict(self) -> str:
        """The last line. What was released after a farewell stands there only if something was."""
        figures = f"lost {len(self.lost)} duplicated {len(self.duplicated)} without_id {len(self.without_id)}"
        return figures + (f" after_farewell {len(self.after_farewell)}" if self.after_farewell else "")

    @cached_property
    def _attempts(self) -> list[OurAttempt]:
        return [attempt for message in self.ours for attempt in message.attempts]

    @cached_property
    def _message_of_attempt(self) -> Mapping[str | None, str]:
        return {attempt.id: message.id for message in self.ours for attempt in message.attempts}

    @cached_property
    def _theirs_by_message(self) -> Mapping[str, list[str]]:
        found: dict[str, list[str]] = {}
        for text in self.theirs:
            message_id = self._message_of_attempt.get(text.attempt)
            if message_id:
                found.setdefault(message_id, []).append(text.sid)
        return found

    def _is_accounted_for(self, message: OurMessage) -> bool:
        is_there = message.id in self._theirs_by_message
        if message.status in ("sent", "delivered"):
            return is_there
        if message.status in FOR_A_PERSON:
            return message.has_task
        if message.is_wanted and not self.farewells:
            # Nobody has given a reason not to send it.
            return False
        return message.status in ENDED_WITH_A_REASON and bool(message.reason) and not is_there

    def _said_too_often(self, known: Collection[str]) -> list[str]:
        """By number and words, without trusting any id: no more copies than there are messages that say so."""
        wanted = Counter(
            key for message in self.ours for key in {(attempt.to, attempt.body_hash) for attempt in message.attempts}
        )
        heard = Counter((text.to, text.body_hash) for text in self.theirs if text.sid not in known)
        excess = {key: count - wanted[key] for key, count in heard.items() if count > wanted[key]}
        return [f"{to}: {count} too many" for (to, _), count in excess.items()]
