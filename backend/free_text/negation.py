"""Whether what stands in a text is said to be so or denied, in both languages. Pure.

A word that denies reaches what follows it in its clause: up to a stop, or a word that turns ("but", 但是). Two of them
cancel out. Some deny what stood before ("is gone", 好了), and some say nothing at all ("not only", 不停).
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from backend.free_text.folding import HARD_STOPS, SOFT_STOPS, Folded, units_between
from backend.free_text.matches import Match

OR = re.compile(r"\bor\b|\bnor\b|[或、]")


class Kind(Enum):
    """What a word does to what stands beside it; the list of a lexicon that names it."""

    DENIES = "denies"
    DENIES_A_LIST = "denies_a_list"
    DENIES_ANEW = "denies_anew"
    NEAR = "near"
    DENIES_BEFORE = "denies_what_stood_before"
    SAYS_NOTHING = "says_nothing"
    ENDS = "ends"
    SUPPOSES = "supposes"


DENYING = frozenset({Kind.DENIES, Kind.DENIES_A_LIST, Kind.DENIES_ANEW, Kind.NEAR})
# How many words or characters a denial reaches over, forward and back.
FARTHEST, NEAREST, BACK, TO_THE_NEXT = 7, 2, 5, 3


@dataclass(frozen=True)
class Cue:
    """A word that does something, and where it stands."""

    kind: Kind
    start: int
    end: int


@dataclass(frozen=True)
class Judged:
    """A match, whether it is denied, and whether it is only supposed ("if I have a fever")."""

    match: Match
    is_denied: bool
    is_supposed: bool


@dataclass(frozen=True)
class _Reach:
    """Where the clause and the sentence begin in which a match stands, and where its clause ends."""

    clause: int
    sentence: int
    end: int


class Negations:
    """The words of a lexicon that deny, ready to be found."""

    def __init__(self, listed: Iterable[Mapping[str, Iterable[str]]]) -> None:
        """Later kinds win where a word has two: what ends a clause or says nothing is not a denial."""
        self._kinds: dict[str, Kind] = {}
        for words in listed:
            for kind in Kind:
                self._kinds.update(dict.fromkeys(words.get(kind.value, ()), kind))
        longest_first = sorted(self._kinds, key=lambda word: (-len(word), word))
        patterns = [
            rf"(?<![a-z0-9']){re.escape(w)}(?![a-z0-9'])" if w.isascii() else re.escape(w) for w in longest_first
        ]
        self._pattern = re.compile("|".join(patterns) or "(?!)")

    def judge(self, folded: Folded, matches: Sequence[Match]) -> list[Judged]:
        """What is said of each match. ``matches`` in the order in which they stand."""
        reading = _Reading(folded, self._cues(folded.text, matches), matches)
        judged: list[Judged] = []
        before: tuple[Match, Kind] | None = None
        for match in matches:
            is_denied, kind = reading.is_denied(match, before)
            judged.append(Judged(match, is_denied or reading.is_over(match), reading.is_supposed(match)))
            before = (match, kind) if is_denied and kind else None
        return judged

    def _cues(self, text: str, matches: Iterable[Match]) -> list[Cue]:
        """The cues that are not part of what is said: 没 in 没胃口 denies nothing."""
        taken = frozenset(place for match in matches if match.is_exact for place in match.letters)
        found = (Cue(self._kinds[one.group()], one.start(), one.end()) for one in self._pattern.finditer(text))
        return [cue for cue in found if taken.isdisjoint(range(cue.start, cue.end))]


class _Reading:
    """One text with its cues, matches and stops."""

    def __init__(self, folded: Folded, cues: list[Cue], matches: Sequence[Match]) -> None:
        self.folded = folded
        self.text = folded.text
        self.cues = cues
        self.cue_starts = [cue.start for cue in cues]
        self.starts = [match.start for match in matches]
        self.ends = sorted(match.end for match in matches)
        turns = [cue for cue in cues if cue.kind is Kind.ENDS]
        anew = [cue.start for cue in cues if cue.kind is Kind.DENIES_ANEW]
        hard = [place + 1 for place in self._stops(HARD_STOPS)] + [cue.end for cue in turns]
        self.hard = sorted(hard + anew)
        self.any = sorted(self.hard + [place + 1 for place in self._stops(SOFT_STOPS)])

    def _stops(self, signs: str) -> list[int]:
        """A point between two figures (38.5) stops nothing."""
        return [
            found.start()
            for found in re.finditer(f"[{re.escape(signs)}]", self.text)
            if not re.match(r"\d.\d", self.text[max(found.start() - 1, 0) : found.start() + 2])
        ]

    def _reach(self, match: Match) -> _Reach:
        clause = self.any[bisect_right(self.any, match.start) - 1] if self.any and self.any[0] <= match.start else 0
        sentence = (
            self.hard[bisect_right(self.hard, match.start) - 1] if self.hard and self.hard[0] <= match.start else 0
        )
        after = bisect_right(self.any, match.end)
        return _Reach(clause, sentence, self.any[after] - 1 if after < len(self.any) else len(self.text))

    def _cues_between(self, start: int, end: int) -> list[Cue]:
        return self.cues[bisect_left(self.cue_starts, start) : bisect_left(self.cue_starts, end)]

    def _last_end_before(self, place: int) -> int:
        ended = bisect_right(self.ends, place)
        return self.ends[ended - 1] if ended else 0

    def is_denied(self, match: Match, before: tuple[Match, Kind] | None) -> tuple[bool, Kind | None]:
        """Whether an odd number of denials reaches it; or the one before it was denied and it is named with it."""
        reach = self._reach(match)
        last = self._last_end_before(match.start)
        near = self._cues_between(min(reach.sentence, reach.clause), match.end)
        own = [cue for cue in near if cue.kind in DENYING and self._reaches(cue, match, reach, last)]
        if own:
            return len(own) % 2 == 1, own[0].kind
        if before and self._is_named_with(match, before, reach):
            return True, before[1]
        return False, None

    def _reaches(self, cue: Cue, match: Match, reach: _Reach, last: int) -> bool:
        if any(start <= cue.start < end for start, end in match.pieces):
            return False
        if cue.start > match.start:
            # 大便不黑没有血: what is denied of something else that ends in between is not denied of this.
            return cue.start >= self._last_end_before(match.pieces[-1][0])
        begins = reach.sentence if cue.kind is Kind.DENIES_A_LIST else reach.clause
        far = units_between(self.text[cue.end : match.start])
        return cue.start >= max(begins, last) and far <= (NEAREST if cue.kind is Kind.NEAR else FARTHEST)

    def _is_named_with(self, match: Match, before: tuple[Match, Kind], reach: _Reach) -> bool:
        """``no nausea or vomiting``, 没有发烧咳嗽; over a comma only in a list that says it is one."""
        named, kind = before
        between = self.text[named.end : match.start]
        if kind is Kind.NEAR or named.end < reach.sentence or units_between(between) > TO_THE_NEXT:
            return False
        if any(named.end < space <= match.start for space in self.folded.spaces):
            return False
        if named.end >= reach.clause or kind is Kind.DENIES_A_LIST:
            return True
        return not units_between(between) and OR.search(self.text, match.end, reach.end) is not None

    def is_over(self, match: Match) -> bool:
        """Whether it is said to be gone, with nothing else named and nothing denied before that is said."""
        reach = self._reach(match)
        coming = bisect_left(self.starts, match.end)
        following = self.starts[coming] if coming < len(self.starts) else len(self.text)
        for cue in self._cues_between(match.end, min(reach.end, following)):
            if cue.kind is Kind.DENIES_BEFORE:
                return units_between(self.text[match.end : cue.start]) <= BACK
            if cue.kind in DENYING or cue.kind is Kind.SAYS_NOTHING:
                return False
        return False

    def is_supposed(self, match: Match) -> bool:
        """Whether it is asked or supposed and not told."""
        clause = self._reach(match).clause
        return any(cue.kind is Kind.SUPPOSES for cue in self._cues_between(clause, match.start))
