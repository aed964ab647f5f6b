"""Chinese that was typed by sound: characters that sound alike (肚子腾), and pinyin (``duzi teng``). Pure.

How a character sounds comes from pypinyin's table, without tones. Sounds that many speakers do not tell apart are
one: zh/z, ch/c, sh/s, -ng/-n, n-/l-.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

from backend.free_text.folding import WORD
from backend.free_text.matches import Match, Phrase

LONGEST_SYLLABLE = 6
LONGEST_TYPED = 30
# What may follow a word without belonging to it: fashaole.
AND_DONE = ("le",)
TWO_CHARACTERS, MORE_CHARACTERS, TYPED = 0.75, 0.85, 0.85
LOST_BY_ACCENT = 0.05
UNIT = re.compile(rf"{WORD.pattern}|[^\x00-\x7f]|\n|[^\sa-z0-9']")


@dataclass(frozen=True)
class Sound:
    """One syllable of a text. ``merged`` is the sound as those say it who do not tell some sounds apart.

    ``written`` is the character, or nothing when it was typed as pinyin; ``begins`` and ``ends``: it is no part of the
    word before or after it.
    """

    plain: str
    merged: str
    start: int
    end: int
    written: str
    begins: bool
    ends: bool


@dataclass(frozen=True)
class Spoken:
    """A phrase by its sound."""

    phrase: Phrase
    characters: str
    plain: tuple[str, ...]
    merged: tuple[str, ...]


Index = Mapping[tuple[str, str], Sequence[Spoken]]


def spoken_index(phrases: Iterable[Phrase]) -> Index:
    """The phrases of two characters and more by their first two sounds. One character alone sounds like too many."""
    index: dict[tuple[str, str], list[Spoken]] = {}
    for phrase in phrases:
        sounds = [_sound_of(character) for character in phrase.words]
        if len(sounds) < 2 or not all(sounds):
            continue
        plain = tuple(sound for sound in sounds if sound)
        spoken = Spoken(phrase, phrase.words, plain, tuple(_merged(sound) for sound in plain))
        index.setdefault((spoken.merged[0], spoken.merged[1]), []).append(spoken)
    return index


def find_spoken(text: str, index: Index) -> Iterator[Match]:
    """Where a phrase stands by its sound and is not written so."""
    sounds = _sounds_in(text)
    for place in range(len(sounds) - 1):
        one, other = sounds[place], sounds[place + 1]
        if one is None or other is None:
            continue
        for spoken in index.get((one.merged, other.merged), ()):
            heard = sounds[place : place + len(spoken.merged)]
            score = _closeness(heard, spoken)
            if score:
                pieces = tuple((sound.start, sound.end) for sound in heard if sound)
                yield Match(spoken.phrase, score * spoken.phrase.worth, pieces, is_exact=False)


def _closeness(heard: Sequence[Sound | None], spoken: Spoken) -> float:
    """0 unless it sounds the same and, where characters were typed, at least one of them is the right one."""
    said = [sound for sound in heard if sound is not None]
    if len(said) < len(spoken.merged) or tuple(sound.merged for sound in said) != spoken.merged:
        return 0.0
    written = "".join(sound.written for sound in said)
    right = sum(1 for sound, character in zip(said, spoken.characters, strict=True) if sound.written == character)
    if written == spoken.characters or (written and not right) or not (said[0].begins and said[-1].ends):
        return 0.0
    score = TYPED if not written else TWO_CHARACTERS if len(said) == 2 else MORE_CHARACTERS
    return score if tuple(sound.plain for sound in said) == spoken.plain else score - LOST_BY_ACCENT


def _sounds_in(text: str) -> list[Sound | None]:
    """The syllables of a text in order; None stands for whatever is none and cannot stand inside a phrase."""
    sounds: list[Sound | None] = []
    for unit in UNIT.finditer(text):
        said = unit.group()
        if not said[0].isascii():
            plain = _sound_of(said)
            sounds.append(Sound(plain, _merged(plain), unit.start(), unit.end(), said, True, True) if plain else None)
        else:
            sounds.extend(_typed(said, unit.start()))
    return sounds


def _typed(word: str, start: int) -> Iterator[Sound | None]:
    syllables = _syllables(word)
    if not syllables:
        yield None
        return
    place = start
    for number, plain in enumerate(syllables):
        is_last = syllables[number + 1 :] in ((), AND_DONE)
        yield Sound(plain, _merged(plain), place, place + len(plain), "", number == 0, is_last)
        place += len(plain)


@lru_cache(maxsize=4096)
def _syllables(word: str) -> tuple[str, ...]:
    """The pinyin syllables a word is made of, the longest first; nothing when it is not made of them."""
    if not word or len(word) > LONGEST_TYPED:
        return ()
    for length in range(min(len(word), LONGEST_SYLLABLE), 0, -1):
        first, rest = word[:length], word[length:]
        if first in _all_syllables() and (not rest or _syllables(rest)):
            return (first, *_syllables(rest))
    return ()


@cache
def _all_syllables() -> frozenset[str]:
    """Every syllable that a common character has."""
    sounds = {_sound_of(chr(code)) for code in range(ord("\u4e00"), ord("\u9fa6"))}
    return frozenset(sound for sound in sounds if sound.isascii() and sound)


@lru_cache(maxsize=32768)
def _sound_of(character: str) -> str:
    """Its most usual reading without the tone; nothing when it has none."""
    read = _readings().get(ord(character), "") if len(character) == 1 else ""
    apart = unicodedata.normalize("NFD", read.partition(",")[0]).replace("u\u0308", "v")
    return "".join(letter for letter in apart if not unicodedata.combining(letter))


@cache
def _readings() -> Mapping[int, str]:
    """How every character is read, with tone marks, the most usual first."""
    # Reading the package in costs a fifth of a second, which most processes never need.
    from pypinyin.pinyin_dict import pinyin_dict

    return pinyin_dict


@lru_cache(maxsize=2048)
def _merged(sound: str) -> str:
    if sound[:2] in ("zh", "ch", "sh"):
        sound = sound[0] + sound[2:]
    if sound.endswith("ng"):
        sound = sound[:-1]
    return "l" + sound[1:] if sound.startswith("n") and len(sound) > 1 else sound
