"""English phrases in a text: endings, small words in between, and slips of the finger are understood. Pure."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from rapidfuzz.distance import OSA

from backend.free_text.chinese import GAP
from backend.free_text.folding import STOPS, WORD
from backend.free_text.matches import Match, Phrase

WIDEST_GAP = 4
MOST_FILLERS = 3
SHORTEST_WITH_A_SLIP, SHORTEST_WITH_TWO = 5, 8
LOST_BY_A_SLIP = 0.12
LOST_BY_A_GAP = 0.04
# A text of thousands of unknown words is no report, and a slip in its end may stay unread.
MOST_BENT = 200
STOP_BETWEEN = re.compile(rf"(?<!\d)[{re.escape(STOPS)}]|[{re.escape(STOPS)}](?!\d)")


@dataclass(frozen=True)
class Word:
    """A word of a text: its place, and whether it may follow the one before without a stop between."""

    text: str
    start: int
    end: int
    follows: bool


@dataclass(frozen=True)
class Wording:
    """An English phrase: its words without endings, and whether other words may stand before each."""

    phrase: Phrase
    stems: tuple[str, ...]
    after_a_gap: tuple[bool, ...]


@dataclass(frozen=True)
class EnglishIndex:
    """Phrases by their first word, and what is known of words."""

    wordings: Mapping[str, Sequence[Wording]]
    by_letter: Mapping[str, Sequence[str]]
    stems: frozenset[str]
    fillers: frozenset[str]
    never_bent: frozenset[str]


def english_index(phrases: Iterable[Phrase], fillers: Iterable[str], never_bent: Iterable[str]) -> EnglishIndex:
    """Prepare the phrases once."""
    wordings: dict[str, list[Wording]] = {}
    words: set[str] = set()
    for phrase in phrases:
        wording = _wording(phrase)
        wordings.setdefault(wording.stems[0], []).append(wording)
        words.update(WORD.findall(phrase.words))
    by_letter: dict[str, list[str]] = {}
    for word in sorted(words):
        if len(word) >= SHORTEST_WITH_A_SLIP:
            by_letter.setdefault(word[0], []).append(word)
    stems = frozenset(stem(word) for word in words)
    return EnglishIndex(wordings, by_letter, stems, frozenset(fillers), frozenset(never_bent))


def _wording(phrase: Phrase) -> Wording:
    stems: list[str] = []
    gaps: list[bool] = []
    for half in phrase.words.replace("-", " ").split(GAP):
        for number, word in enumerate(WORD.findall(half)):
            stems.append(stem(word))
            gaps.append(number == 0 and bool(stems[:-1]))
    return Wording(phrase, tuple(stems), tuple(gaps))


def find_english(text: str, index: EnglishIndex) -> Iterator[Match]:
    """Where the words of each phrase stand in order, with nothing or only small words between them."""
    words = _words_of(text)
    meanings = _meanings(words, index)
    for place, meant in enumerate(meanings):
        for first in meant:
            for wording in index.wordings.get(first, ()):
                match = _match(wording, place, words, meanings, index)
                if match:
                    yield match


def _words_of(text: str) -> list[Word]:
    words: list[Word] = []
    before = 0
    for found in WORD.finditer(text):
        follows = bool(words) and not STOP_BETWEEN.search(text, before, found.start())
        words.append(Word(found.group(), found.start(), found.end(), follows))
        before = found.end()
    return words


def _meanings(words: Sequence[Word], index: EnglishIndex) -> list[dict[str, int]]:
    """For each word, the known ones it may be, with the slips that takes."""
    bent = 0
    meanings = []
    for word in words:
        meant = {stem(word.text): 0}
        if not meant.keys() & index.stems and bent < MOST_BENT and _may_be_bent(word.text, index):
            bent += 1
            meant |= _bent(word.text, index)
        meanings.append(meant)
    return meanings


def _may_be_bent(word: str, index: EnglishIndex) -> bool:
    return len(word) >= SHORTEST_WITH_A_SLIP and word not in index.never_bent and word not in index.fillers


def _bent(word: str, index: EnglishIndex) -> dict[str, int]:
    """Words with the same first letter that a slip or, in long ones, two turn into this one."""
    allowed = _allowed(word)
    found: dict[str, int] = {}
    for known in index.by_letter.get(word[0], ()):
        most = min(allowed, _allowed(known))
        slips = OSA.distance(word, known, score_cutoff=most)
        if slips <= most:
            found[stem(known)] = min(slips, found.get(stem(known), slips))
    fewest = min(found.values(), default=0)
    return {known: slips for known, slips in found.items() if slips == fewest}


def _allowed(word: str) -> int:
    """Endings do not count: brushing is not bruising."""
    return 1 if len(stem(word)) < SHORTEST_WITH_TWO else 2


def _match(
    wording: Wording, place: int, words: Sequence[Word], meanings: Sequence[dict[str, int]], index: EnglishIndex
) -> Match | None:
    slips = meanings[place][wording.stems[0]]
    gap = 0
    pieces = [(words[place].start, words[place].end)]
    for wanted, after_a_gap in zip(wording.stems[1:], wording.after_a_gap[1:], strict=True):
        following = _following(wanted, place, words, meanings, None if after_a_gap else index.fillers)
        if following is None:
            return None
        gap += following - place - 1
        place = following
        slips += meanings[place][wanted]
        pieces.append((words[place].start, words[place].end))
    lost = LOST_BY_A_SLIP * slips + (LOST_BY_A_GAP if gap else 0)
    return Match(wording.phrase, wording.phrase.worth - lost, tuple(pieces), is_exact=not slips)


def _following(
    wanted: str,
    place: int,
    words: Sequence[Word],
    meanings: Sequence[dict[str, int]],
    fillers: frozenset[str] | None,
) -> int | None:
    """Where the wanted word comes next, past ``fillers`` or, with None, past any words; None when it does not."""
    most = WIDEST_GAP if fillers is None else MOST_FILLERS
    for following in range(place + 1, min(place + most + 2, len(words))):
        if not words[following].follows:
            return None
        if wanted in meanings[following]:
            return following
        if fillers is not None and words[following].text not in fillers:
            return None
    return None


@lru_cache(maxsize=16384)
def stem(word: str) -> str:
    """A word without its plainest endings. Both sides are cut alike, so it need not be a word any more."""
    for ending in ("ing", "ed", "es", "s"):
        base = word.removesuffix(ending)
        if base != word and len(base) >= 3 and not (ending == "s" and base.endswith("s")):
            doubled = ending in ("ing", "ed") and base[-1] == base[-2] and base[-1] not in "sl"
            return _without_e(base[:-1] if doubled else base)
    return _without_e(word)


def _without_e(word: str) -> str:
    return word[:-1] if word.endswith("e") and len(word) >= 4 else word
