"""Which offered symptoms a typed word may mean, in either language, typing slips included. Pure.

What is typed is held against each symptom's names and search words. From the closest to the farthest: the same; the
beginning of one; a sentence that holds one; a part of one; one with a slip in it; a word in common with one.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from backend.instruments.definition import Instrument, Symptom

MOST_FOUND = 12
# Words that stand in many phrases and mean no symptom.
SAY_NOTHING = frozenset({"have", "with", "from", "when", "more", "than", "feel", "does", "very", "that", "this"})
SAME, BEGINS, HOLDS, WITHIN, SLIPPED, SHARES = 600.0, 500.0, 400.0, 300.0, 200.0, 100.0
# Whatever a keyboard or a phone makes of an apostrophe; the first is the one that the others stand for.
APOSTROPHES = "'\u2019\u2018\u02bc`"
WITHOUT_APOSTROPHES = str.maketrans("", "", APOSTROPHES)
NOT_A_WORD = re.compile(r"[\W_]+")
AMONG_CHINESE = re.compile(r"(?<=[^\x00-\x7f]) | (?=[^\x00-\x7f])")


@dataclass(frozen=True)
class Found:
    """A symptom that may be meant, and the name or word of it that came closest."""

    symptom: Symptom
    by: str


def find_symptoms(instrument: Instrument, typed: str, *, most: int = MOST_FOUND) -> list[Found]:
    """The offered symptoms that may be meant, the likeliest first; all of them when nothing was typed.

    Of equals, the one asked about first comes first.
    """
    wanted = plain(typed)
    if not wanted:
        return [Found(symptom, "") for symptom in instrument.offered]
    ranked = []
    for place, symptom in enumerate(instrument.offered):
        near = ((closeness(wanted, plain(phrase)), phrase) for phrase in instrument.phrases_of(symptom))
        best, phrase = max(near, key=lambda one: one[0], default=(0.0, ""))
        if best > 0:
            ranked.append((-best, place, Found(symptom, phrase)))
    return [found for _, _, found in sorted(ranked, key=lambda one: one[:2])][:most]


@lru_cache(maxsize=4096)
def plain(text: str) -> str:
    """Full and half width, capitals and marks are the same to us; spaces stand between Latin words only."""
    folded = unicodedata.normalize("NFKC", text).translate(WITHOUT_APOSTROPHES).casefold()
    return AMONG_CHINESE.sub("", NOT_A_WORD.sub(" ", folded).strip())


def closeness(typed: str, phrase: str) -> float:
    """How near two plain texts are: 0 is not at all; one kind of nearness never outweighs the next."""
    if typed == phrase:
        return SAME
    if phrase.startswith(typed):
        return BEGINS - len(phrase)
    if _stands_in(typed, phrase):
        return HOLDS + len(phrase)
    if _begins_a_word_of(phrase, typed):
        return WITHIN - len(phrase)
    return _with_slips(typed, phrase) or _shared(typed, phrase)


def _stands_in(sentence: str, phrase: str) -> bool:
    """Chinese runs words together; a Latin word must not be part of a longer one."""
    if not phrase.isascii():
        return phrase in sentence
    return f" {phrase} " in f" {_latin(sentence)} "


def _latin(text: str) -> str:
    """Spaces around what is written in Latin letters among Chinese."""
    return " ".join(re.findall(r"[a-z0-9]+", text))


def _begins_a_word_of(phrase: str, typed: str) -> bool:
    return typed in phrase if not typed.isascii() else f" {typed}" in f" {phrase}"


def _with_slips(typed: str, phrase: str) -> float:
    """A whole word with slips, or the beginning of one, as long as it is typed to the letter where it begins."""
    slips = _slips_between(typed, phrase)
    if slips is None and len(phrase) > len(typed):
        slips = _slips_between(typed, phrase[: len(typed)])
        return 0.0 if slips is None else SLIPPED - 50 - 10 * slips
    return 0.0 if slips is None else SLIPPED - 10 * slips


def _shared(typed: str, phrase: str) -> float:
    """Words in common, slips included, by how much of the phrase they are; of two Chinese characters, one."""
    if not phrase.isascii():
        return 1.0 if len(typed) == len(phrase) == 2 and slips_between(typed, phrase) == 1 else 0.0
    theirs = list(_words(phrase))
    shared = sum(len(word) for word in theirs if any(_is_nearly(word, mine) for mine in _words(typed)))
    return SHARES * shared / (len(phrase) + 1)


def _words(text: str) -> Iterator[str]:
    return (word for word in text.split() if len(word) >= 4 and word not in SAY_NOTHING)


def _is_nearly(word: str, other: str) -> bool:
    return word == other or _slips_between(word, other) is not None


def _slips_between(typed: str, word: str) -> int | None:
    """How many slips turn one into the other, or None when they are more than its length allows."""
    allowed = _allowance(min(typed, word, key=len))
    if not allowed or abs(len(typed) - len(word)) > allowed:
        return None
    # One slip changes at most two letters of all that occur, which is quicker to see than to count slips.
    if len(set(typed) ^ set(word)) > 2 * allowed:
        return None
    slips = slips_between(typed, word)
    return slips if slips <= allowed else None


def _allowance(word: str) -> int:
    """Two Chinese characters differ from most others by one, and so do three letters."""
    if not word.isascii():
        return 1 if len(word) >= 3 else 0
    return 0 if len(word) < 4 else 1 if len(word) < 8 else 2


def slips_between(one: str, other: str) -> int:
    """Letters left out, put in, exchanged for another or with the next, whichever way needs fewest of them."""
    before: list[int] = []
    last = list(range(len(other) + 1))
    for row, letter in enumerate(one, 1):
        this = [row]
        for column, theirs in enumerate(other, 1):
            fewest = min(last[column] + 1, this[-1] + 1, last[column - 1] + (letter != theirs))
            if row > 1 and column > 1 and letter == other[column - 2] and one[row - 2] == theirs:
                fewest = min(fewest, before[column - 2] + 1)
            this.append(fewest)
        before, last = last, this
    return last[-1]
