"""What a text means. Anything not plainly an answer is for a person to read; words of danger come before all.

Words of danger and of death come first, then a plain answer, then a word we act on (``reading.py``): a list of words
that holds ``120`` must ring, whatever else a number may answer.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

from backend.conversations.deaths_told import may_say_that_a_person_died, says_only_that_a_person_died
from backend.conversations.denied_deaths import tells_of_no_death_now
from backend.conversations.reading import Command, command_in, plain_word, read_choice
from backend.protocol.definition import Words
from backend.triage.words import LISTS_REMEMBERED, holds_any
from notifications.as_seen import as_seen


class Meaning(Enum):
    """What was meant, when it is plain."""

    DEATH = "death"
    DEATH_AND_DANGER = "death_and_danger"
    DANGER = "danger"
    DANGER_PERHAPS_DEATH = "danger_perhaps_death"
    PERHAPS_DEATH = "perhaps_death"
    UNCLEAR = "unclear"


@dataclass(frozen=True)
class Digit:
    """A plain answer: ``2``, ``２``, ``2.`` or ``二``, and nothing else beside it."""

    value: int


EMERGENCIES = frozenset({Meaning.DANGER, Meaning.DANGER_PERHAPS_DEATH, Meaning.DEATH_AND_DANGER})


def read(text: str, words: Words) -> Digit | Command | Meaning:
    """What a patient's or a relative's text means."""
    text = as_seen(text)
    meaning = _of_danger_or_death(text, words)
    if meaning is not Meaning.UNCLEAR:
        return meaning
    choice = read_choice(text)
    return Digit(choice) if choice is not None else command_in(text) or Meaning.UNCLEAR


def holds_danger(text: str, words: Words) -> bool:
    """Whether words of danger stand in it, whatever else does."""
    text = as_seen(text)
    return _holds(text, words.danger) or _is_all_of(text, words.danger_alone)


def _of_danger_or_death(text: str, words: Words) -> Meaning:
    is_death, is_perhaps = _holds(text, words.death), _may_be_a_death(text, words)
    if is_death and tells_of_no_death_now(text, words):
        is_death, is_perhaps = False, True
    if holds_danger(text, words):
        if is_death:
            return Meaning.DEATH_AND_DANGER
        return Meaning.DANGER_PERHAPS_DEATH if is_perhaps else Meaning.DANGER
    if is_death or says_only_that_a_person_died(text, words):
        return Meaning.DEATH
    return Meaning.PERHAPS_DEATH if is_perhaps else Meaning.UNCLEAR


def _may_be_a_death(text: str, words: Words) -> bool:
    is_listed = _holds(text, words.death_after_a_person) or _holds(text, words.perhaps_death)
    return is_listed or may_say_that_a_person_died(text, words)


def _holds(text: str, lists: Mapping[str, tuple[str, ...]]) -> bool:
    """Whichever language it was written in."""
    return any(holds_any(text, listed) for listed in lists.values())


def _is_all_of(text: str, lists: Mapping[str, tuple[str, ...]]) -> bool:
    return any(plain_word(text) in _plain_words(listed) for listed in lists.values())


@lru_cache(maxsize=LISTS_REMEMBERED)
def _plain_words(listed: tuple[str, ...]) -> frozenset[str]:
    return frozenset(plain_word(word) for word in listed)
