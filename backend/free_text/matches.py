"""One place of a text that sounds like a term. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True)
class Phrase:
    """One way of saying a term. ``is_weak``: it says little by itself, so whatever says more goes before it."""

    term_code: str
    language: str
    words: str
    is_weak: bool

    @property
    def worth(self) -> float:
        """What it scores when it stands there to the letter."""
        return 0.6 if self.is_weak else 1.0


@dataclass(frozen=True)
class Match:
    """A phrase that stands in a folded text, piece by piece. ``is_exact``: to the letter, however far apart."""

    phrase: Phrase
    score: float
    pieces: tuple[tuple[int, int], ...]
    is_exact: bool

    @property
    def start(self) -> int:
        """Where its first piece begins."""
        return self.pieces[0][0]

    @property
    def end(self) -> int:
        """Where its last piece ends."""
        return self.pieces[-1][1]

    @cached_property
    def letters(self) -> frozenset[int]:
        """The places it takes up, without what stands between its pieces."""
        return frozenset(place for start, end in self.pieces for place in range(start, end))


def clearest(matches: Iterable[Match]) -> list[Match]:
    """Without those that stand inside another ("pain" in "bone pain"), and guesses where something stands plainly."""
    listed = sorted(matches, key=lambda one: (-len(one.letters), not one.is_exact, -one.score, one.start))
    kept: list[Match] = []
    by_place: dict[int, list[Match]] = {}
    for one in listed:
        if not any(_gives_way(one, other) for other in by_place.get(one.start, ())):
            kept.append(one)
            for place in one.letters:
                by_place.setdefault(place, []).append(one)
    exact = [one for one in kept if one.is_exact]
    plain = frozenset(place for one in exact for place in one.letters)
    guesses = [one for one in kept if not one.is_exact and plain.isdisjoint(one.letters)]
    return sorted(exact + guesses, key=lambda one: (one.start, one.end))


def _gives_way(one: Match, other: Match) -> bool:
    """A guess takes nothing from what stands there to the letter, unless that says little."""
    return one.letters < other.letters and (other.is_exact or not one.is_exact or one.phrase.is_weak)
