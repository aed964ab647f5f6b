"""A text as it is compared: one width, small letters, simplified characters, and where each of them came from. Pure."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

APOSTROPHES = "\u2019\u2018\u02bc`"
HARD_STOPS = ".!?;。！？；…\n"
SOFT_STOPS = ",:，：()（）"
STOPS = HARD_STOPS + SOFT_STOPS
WORD = re.compile(r"[a-z0-9']+")
UNIT = re.compile(r"[a-z0-9']+|[^\x00-\x7f]")


@dataclass(frozen=True)
class Folded:
    """``text`` is what is searched; ``origin[i]`` is the place in the given text where its character i began.

    ``spaces`` are places before which white space between Chinese characters was left out.
    """

    text: str
    origin: tuple[int, ...]
    spaces: frozenset[int]
    length: int

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The same span in the text that was given."""
        after = self.origin[end] if end < len(self.origin) else self.length
        return self.origin[start], max(after, self.origin[end - 1] + 1) if end > start else self.origin[start]


def fold(text: str, written_as: Mapping[str, str]) -> Folded:
    """Fold a text. ``written_as`` gives the simplified character of a traditional one."""
    folded: list[str] = []
    origin: list[int] = []
    spaces: set[int] = set()
    for place, character in enumerate(text):
        for one in _plain(character):
            one = written_as.get(one, one)
            if folded and folded[-1] == " " and not one.isascii() and (len(folded) < 2 or not folded[-2].isascii()):
                folded.pop()
                origin.pop()
                spaces.add(len(folded))
            if one != " " or (folded and folded[-1] != " "):
                folded.append(one)
                origin.append(place)
    return Folded("".join(folded), tuple(origin), frozenset(spaces), len(text))


def units_between(text: str) -> int:
    """How many words and Chinese characters stand in it."""
    return sum(1 for _ in UNIT.finditer(text))


@lru_cache(maxsize=8192)
def _plain(character: str) -> str:
    """One character as it is compared. A line's end stays; any other white space is a space."""
    if character in APOSTROPHES:
        return "'"
    if character in "\r\n":
        return "\n"
    folded = unicodedata.normalize("NFKC", character).casefold()
    return " " if folded.isspace() or folded in "-\u2010\u2011" or not folded else folded
