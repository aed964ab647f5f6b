"""Is one of these words in a text a person typed? Pure.

Said once for reports and text messages alike, so that the same words raise the same alarm on every way in.
A negation ("no bleeding") is not understood: a needless call is the cheaper mistake.

People bend words and put others between them, so a word may be written with three signs, which ``docs/conditions.md``
tells to whoever writes a phone: ``vomit*`` is the word with a plain English ending, ``black ~ stool`` lets two words
stand between, ``吐[了出]血`` lets four of these characters stand between.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable
from functools import lru_cache

from backend.instruments.search import APOSTROPHES

STRAIGHT = str.maketrans(dict.fromkeys(APOSTROPHES, APOSTROPHES[0]))
SPACES_AMONG_CHINESE = re.compile(r"(?<=[^\x00-\x7f])\s+(?=[^\x00-\x7f])")

BETWEEN = "~"
ENDING = "*"
ENDINGS = "(?:s|es|d|ed|ing)?"
UP_TO_TWO_WORDS = "(?:[ -]+[a-z0-9']+){0,2}[ -]+"
AMONG_CHARACTERS = re.compile(r"\[([^\[\]]+)\]")
MOST_CHARACTERS_BETWEEN = 4
# A protocol's lists are few and stay the same; a test suite reads some more.
LISTS_REMEMBERED = 64


def holds_any(text: str, words: Iterable[str]) -> bool:
    """Whether any word stands in the text.

    Chinese runs words together, so a word is found anywhere, also across spaces. A word in Latin letters must
    not stand inside a longer one (``died`` in ``studied``); full width, capitals and curly apostrophes are equal.
    """
    # A tuple is a protocol's own list and is prepared once. Anything else may hold a name, which is not remembered.
    prepared = _prepared_once(words) if isinstance(words, tuple) else _prepared(words)
    return prepared.search(_plain(text)) is not None


def folded(text: str) -> str:
    """Full and half width, capital and small letters, and every apostrophe, are the same to us."""
    return unicodedata.normalize("NFKC", text.translate(STRAIGHT)).casefold()


def _plain(text: str) -> str:
    return " ".join(SPACES_AMONG_CHINESE.sub("", folded(text)).split())


def _prepared(words: Iterable[str]) -> re.Pattern[str]:
    """One pattern for all the words. What cannot begin any of them is passed over after one look."""
    listed = [_plain(word) for word in words]
    latin = _one_of([word for word in listed if word.isascii()], _phrase)
    chinese = _one_of([word for word in listed if not word.isascii()], _characters)
    return re.compile(f"(?<![a-z0-9]){latin}(?![a-z0-9])|{chinese}")


_prepared_once = lru_cache(maxsize=LISTS_REMEMBERED)(_prepared)


def _one_of(words: list[str], as_pattern: Callable[[str], str]) -> str:
    """Any of them; nothing when there are none."""
    said = [word for word in words if word]
    if not said:
        return "(?!)"
    beginnings = "".join(sorted({re.escape(word[0]) for word in said}))
    return f"(?=[{beginnings}])(?:{'|'.join(as_pattern(word) for word in said)})"


def _phrase(word: str) -> str:
    """Words with spaces between them: ``vomit* ~ blood``."""
    parts = word.split(f" {BETWEEN} ")
    return UP_TO_TWO_WORDS.join(" ".join(_with_endings(one) for one in part.split(" ")) for part in parts)


def _with_endings(word: str) -> str:
    plain = word.removesuffix(ENDING)
    return re.escape(plain) + (ENDINGS if word != plain else "")


def _characters(word: str) -> str:
    """Characters that run on: ``吐[了出]血``. A bracket without its other half is a bracket."""
    pieces = AMONG_CHARACTERS.split(word)
    return "".join(
        f"[{re.escape(piece)}]{{0,{MOST_CHARACTERS_BETWEEN}}}" if place % 2 else re.escape(piece)
        for place, piece in enumerate(pieces)
    )
