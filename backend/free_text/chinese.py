"""Phrases that stand in a text as written, and Chinese ones with other characters between their halves. Pure."""

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from backend.free_text.folding import STOPS
from backend.free_text.matches import Match, Phrase

GAP = "…"
WIDEST_GAP = 6
LOST_BY_A_CHARACTER = 0.01
# The same phrase a hundred times says no more than a few times.
MOST_OF_ONE = 8
EITHER = re.compile(r"\(([^()]*)\)")


def said_in_full(words: str) -> list[str]:
    """``(肚子|胃)痛``: 肚子痛 and 胃痛."""
    parts = [part.split("|") if place % 2 else [part] for place, part in enumerate(EITHER.split(words))]
    return ["".join(chosen) for chosen in itertools.product(*parts)]


@dataclass(frozen=True)
class Gapped:
    """``肚子…(疼|痛)``: what its halves may be, and the pattern that finds them within one clause."""

    phrase: Phrase
    halves: tuple[tuple[str, ...], ...]
    pattern: re.Pattern[str]


def gapped(phrase: Phrase, never_between: str) -> Gapped:
    """``never_between`` are the parts of the body: 肚子疼 does not speak of a head that stands before it."""
    halves = tuple(tuple(sorted(said_in_full(half), key=len, reverse=True)) for half in phrase.words.split(GAP))
    barred = re.escape(STOPS + never_between)
    gap = f"[^{barred}]{{0,{WIDEST_GAP}}}?"
    return Gapped(phrase, halves, re.compile(gap.join(f"({'|'.join(map(re.escape, half))})" for half in halves)))


def by_first_character(phrases: Iterable[Phrase]) -> Mapping[str, Sequence[Phrase]]:
    """The phrases under the character that each begins with."""
    index: dict[str, list[Phrase]] = {}
    for phrase in phrases:
        index.setdefault(phrase.words[0], []).append(phrase)
    return index


def gapped_by_first_character(listed: Iterable[Gapped]) -> Mapping[str, Sequence[Gapped]]:
    """The same for phrases in halves, each under every character that it may begin with."""
    index: dict[str, list[Gapped]] = {}
    for one in listed:
        for character in sorted({word[0] for word in one.halves[0]}):
            index.setdefault(character, []).append(one)
    return index


def find_written(text: str, phrases: Mapping[str, Sequence[Phrase]]) -> Iterator[Match]:
    """Where each phrase stands in the text, character by character."""
    for phrase in (phrase for character in sorted(set(text)) for phrase in phrases.get(character, ())):
        place, seen = text.find(phrase.words), 0
        while place >= 0 and seen < MOST_OF_ONE:
            end = place + len(phrase.words)
            yield Match(phrase, phrase.worth, ((place, end),), is_exact=True)
            place, seen = text.find(phrase.words, end), seen + 1


def find_gapped(text: str, listed: Mapping[str, Sequence[Gapped]]) -> Iterator[Match]:
    """Where the halves of each phrase stand in order with little between them; the more, the less sure."""
    may_begin = {id(one): one for character in sorted(set(text)) for one in listed.get(character, ())}
    for one in may_begin.values():
        if not all(any(word in text for word in half) for half in one.halves):
            continue
        for seen, found in enumerate(one.pattern.finditer(text)):
            if seen == MOST_OF_ONE:
                break
            pieces = tuple(found.span(group) for group in range(1, len(one.halves) + 1))
            between = found.end() - found.start() - sum(end - start for start, end in pieces)
            yield Match(one.phrase, one.phrase.worth - LOST_BY_A_CHARACTER * between, pieces, is_exact=True)
