"""What the trial says of a message that is due, within what the mailroom itself must keep: expiry, and STOP."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeGuard
from uuid import UUID

from backend.db import Transaction
from backend.terms import ChannelKind, Language
from notifications import numbers, opt_outs, outbox
from notifications.against import Against, InTheWay, in_the_way
from notifications.models import Message
from notifications.settling import DeadLetter
from notifications.templates import Template

EXPIRED = outbox.EXPIRED
# What is held back for these reasons, somebody can put right.
FOR_A_PERSON = frozenset({numbers.OF_NO_USE, numbers.MALFORMED})


@dataclass(frozen=True)
class Send:
    """Say it now, this way. ``values`` are the template's placeholders; dates and times as ISO 8601."""

    channel: str
    address: str
    language: Language
    values: Mapping[str, str] = field(default_factory=dict)
    # Other words than the message's own, where by this way there are better ones.
    template: str | None = None


@dataclass(frozen=True)
class Later:
    """Not before ``at``."""

    at: datetime
    reason: str


@dataclass(frozen=True)
class Suppress:
    """Not at all."""

    reason: str


STOPPED = Suppress(opt_outs.OPTED_OUT)

Decision = Send | Later | Suppress
# None: somebody acts about the patient at this moment. Only of several messages, as one alone waits for that.
Release = Callable[[Transaction, Message], Decision | None]
# Asked first, with all the patients whose messages are about to be begun. It holds still, until this transaction ends,
# whatever its answers rest on, and gives what decides about each.
Trial = Callable[[Transaction, Collection[UUID]], Release]


@dataclass(frozen=True)
class Decided:
    """Of each message that can be decided about now, whether it is said now, later or not at all.

    ``shut``: the ways by which nothing goes just now.
    """

    messages: Sequence[tuple[Message, Decision]]
    shut: Collection[str]


@dataclass(frozen=True)
class _OfNumbers:
    """What is known against the numbers of one breath. Nobody says or takes back anything of them meanwhile."""

    stops: Mapping[str, Against]
    of_no_use: Mapping[str, Against]


def decide(
    txn: Transaction,
    release: Release,
    messages: Sequence[Message],
    templates: Mapping[str, Template],
    *,
    again: Callable[[], Release],
) -> Decided:
    """What becomes of each. ``again``: a ``release`` that looks anew."""
    answers = [(message, _as_the_trial_says(txn, release, message)) for message in messages]
    decided = [(message, said) for message, said in answers if said is not None]
    found = _held(txn, [said for _, said in decided if isinstance(said, Send)])
    known = _of_numbers(found)
    hindered = [_why_not(message, said, known, templates) for message, said in decided]
    if STOPPED in hindered:
        release = again()
    going = [
        (message, _with_another_way(txn, release, message, no) if no == STOPPED else no or said)
        for (message, said), no in zip(decided, hindered, strict=True)
    ]
    return Decided(going, found.shut)


def keep_back(txn: Transaction, message: Message, said: Later | Suppress, on_dead_letter: DeadLetter) -> str:
    """Not now, or not at all; one word for which."""
    if isinstance(said, Later):
        outbox.postpone(txn, message, said.at, said.reason)
        return "later"
    outbox.suppress(txn, message, said.reason)
    if said.reason in FOR_A_PERSON:
        on_dead_letter(txn, message, None)
    return "expired" if said.reason == EXPIRED else "suppressed"


def _as_the_trial_says(txn: Transaction, release: Release, message: Message) -> Decision | None:
    if _is_past(message, txn.now):
        return Suppress(EXPIRED)
    said = release(txn, message)
    return Suppress(EXPIRED) if isinstance(said, Later) and _is_past(message, said.at) else said


def _why_not(message: Message, said: Decision, known: _OfNumbers, templates: Mapping[str, Template]) -> Suppress | None:
    return _why_not_to(said.address, templates[said.template or message.template], known) if _is_text(said) else None


def _with_another_way(txn: Transaction, release: Release, message: Message, against: Suppress) -> Decision:
    """A STOP was kept since the trial looked at the number. It cannot change any more: is there another way?"""
    again = _as_the_trial_says(txn, release, message)
    return against if again is None or _is_text(again) else again


def _is_text(said: Decision) -> TypeGuard[Send]:
    return isinstance(said, Send) and said.channel == ChannelKind.SMS


def _held(txn: Transaction, going: Collection[Send]) -> InTheWay:
    """What stands in their way, once the numbers are held."""
    addresses = {said.address for said in going if _is_text(said)}
    possible = [number for number in addresses if not numbers.is_malformed(number)]
    if possible:
        opt_outs.hold(txn, possible)
    return in_the_way(txn, possible) if going else InTheWay()


def _of_numbers(found: InTheWay) -> _OfNumbers:
    return _OfNumbers(
        {one.number: one for one in found.numbers if one.why == opt_outs.OPTED_OUT},
        {one.number: one for one in found.numbers if one.why == numbers.OF_NO_USE},
    )


def _why_not_to(number: str, template: Template, known: _OfNumbers) -> Suppress | None:
    """What holds for the number, whoever's it is and whatever the trial thinks of it."""
    if numbers.is_malformed(number):
        return Suppress(numbers.MALFORMED)
    stopped = known.stops.get(number)
    # The carrier would not even let the answer to a STOP through.
    if stopped and (stopped.is_the_carriers or not template.answers_after_stop):
        return STOPPED
    wrong = known.of_no_use.get(number)
    # Where a person's word has stopped it, a text arrives: an apology, or the emergency number, may still be needed.
    is_let_through = wrong is not None and wrong.is_by_word and template.answers_after_stop
    return Suppress(numbers.OF_NO_USE) if wrong is not None and not is_let_through else None


def _is_past(message: Message, moment: datetime) -> bool:
    return message.expires_at is not None and moment >= message.expires_at
