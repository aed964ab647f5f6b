"""What a text means. Anything not plainly an answer is for a person to read; words of danger come before all."""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from backend.triage.words import holds_any
from notifications.opt_outs import AROUND_A_WORD


class Meaning(Enum):
    """What was meant, when it is plain."""

    DEATH = "death"
    DANGER = "danger"
    HELP = "help"
    UNCLEAR = "unclear"


@dataclass(frozen=True)
class Digit:
    """A plain answer: ``2``, ``２`` or ``2.``, and nothing else beside it."""

    value: int


HELP_WORDS = frozenset({"help", "info", "帮助", "幫助"})


def read(
    text: str, *, danger_words: Mapping[str, tuple[str, ...]], death_words: Mapping[str, tuple[str, ...]]
) -> Digit | Meaning:
    """What a patient's or a relative's text means.

    Words of death win over words of danger: emergency advice must never reach a family in mourning.
    """
    word = unicodedata.normalize("NFKC", text).casefold().strip(AROUND_A_WORD)
    if len(word) == 1 and word.isdecimal():
        return Digit(int(word))
    if word in HELP_WORDS:
        return Meaning.HELP
    if _holds(text, death_words):
        return Meaning.DEATH
    if _holds(text, danger_words):
        return Meaning.DANGER
    return Meaning.UNCLEAR


def _holds(text: str, words: Mapping[str, tuple[str, ...]]) -> bool:
    """Whichever language it was written in."""
    return any(holds_any(text, listed) for listed in words.values())
