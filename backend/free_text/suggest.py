"""Which CTCAE terms a patient's own words may mean: at most three, likeliest first. Never a code: a person decides."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from backend.free_text.chinese import MOST_OF_ONE, find_gapped, find_written
from backend.free_text.english import find_english
from backend.free_text.folding import Folded, fold
from backend.free_text.lexicon import Lexicon
from backend.free_text.matches import Match, Phrase, clearest
from backend.free_text.negation import Judged
from backend.free_text.sounds import find_spoken

MOST = 3
LEAST_SCORE = 0.5
SUPPOSED = 0.5
LONGEST = 4000


@dataclass(frozen=True)
class Suggestion:
    """A term that may be meant. ``score`` is 0 to 1 and no probability; ``start`` and ``end`` count the characters
    of the text as given; ``matched`` is what stands there; ``negated``: the patient seems to say it is *not* so.
    """

    term_code: str
    name: str
    score: float
    matched: str
    start: int
    end: int
    language: str
    negated: bool


def suggest(text: str, lexicon: Lexicon, *, most: int = MOST) -> list[Suggestion]:
    """The terms that may be meant, those that seem denied last. Any text has an answer; most have a short one.

    What stands beyond the first 4,000 characters is not read.
    """
    folded = fold(text[:LONGEST], lexicon.written_as)
    found = clearest(_matches(folded, lexicon))
    judged = lexicon.negations.judge(folded, found)
    best: dict[str, Judged] = {}
    for one in judged:
        code = one.match.phrase.term_code
        if code not in best or _rank(one) > _rank(best[code]):
            best[code] = one
    ranked = sorted(best.values(), key=_rank, reverse=True)
    return [_suggestion(text, folded, one, lexicon) for one in ranked if _score(one) >= LEAST_SCORE][:most]


def suggest_from(texts: Iterable[str], lexicon: Lexicon, *, most: int = MOST) -> list[Suggestion]:
    """As ``suggest`` for several texts of one report; a term that any of them tells of is not denied."""
    best: dict[str, Suggestion] = {}
    for found in (one for text in texts for one in suggest(text, lexicon, most=most)):
        known = best.get(found.term_code)
        if known is None or (not found.negated, found.score) > (not known.negated, known.score):
            best[found.term_code] = found
    return sorted(best.values(), key=lambda one: (one.negated, -round(one.score, 1)))[:most]


def _matches(folded: Folded, lexicon: Lexicon) -> list[Match]:
    text = folded.text
    void = frozenset(
        place
        for word in lexicon.meaningless
        for start in _places(text, word)
        for place in range(start, start + len(word))
    )
    found = [
        *find_written(text, lexicon.written),
        *find_gapped(text, lexicon.gapped),
        *find_english(text, lexicon.english),
        *find_spoken(text, lexicon.spoken),
    ]
    return _some_of_each(match for match in found if void.isdisjoint(match.letters))


def _some_of_each(found: Iterable[Match]) -> list[Match]:
    """The same phrase a hundred times says no more than a few times."""
    seen: Counter[Phrase] = Counter()
    some = []
    for match in found:
        seen[match.phrase] += 1
        if seen[match.phrase] <= MOST_OF_ONE:
            some.append(match)
    return some


def _places(text: str, word: str) -> list[int]:
    places = []
    place = text.find(word)
    while place >= 0:
        places.append(place)
        place = text.find(word, place + len(word))
    return places


def _score(one: Judged) -> float:
    return one.match.score * (SUPPOSED if one.is_supposed else 1.0)


def _rank(one: Judged) -> tuple[bool, float, int, int, int]:
    """Told before denied; of nearly equal scores what is said first, and of those whichever says more."""
    match = one.match
    return not one.is_denied, round(_score(one), 1), -match.start, len(match.letters), match.end - match.start


def _suggestion(text: str, folded: Folded, one: Judged, lexicon: Lexicon) -> Suggestion:
    phrase = one.match.phrase
    start, end = folded.span(one.match.start, one.match.end)
    return Suggestion(
        term_code=phrase.term_code,
        name=lexicon.names[phrase.term_code],
        score=round(max(0.0, min(1.0, _score(one))), 2),
        matched=text[start:end],
        start=start,
        end=end,
        language=phrase.language,
        negated=one.is_denied,
    )
