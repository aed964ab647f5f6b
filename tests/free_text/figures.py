"""How well patients' words are understood, counted over the labelled phrases.

A phrase is right *at first* when the first suggestion is one of its terms, and *among three* when any is. Precision
counts suggestions, recall counts phrases that have terms. What is suggested as denied is no suggestion here.
"""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from backend.conversations.replies import EMERGENCIES, Meaning, read
from backend.free_text.lexicon import Lexicon
from backend.free_text.suggest import Suggestion, suggest
from backend.protocol.definition import Protocol, Words
from schemas.protocol import read_protocol_file
from seeds.lexicon_files import read_lexicon
from seeds.load import PROTOCOL
from seeds.questionnaires import read_terminology

PHRASES = Path(__file__).parent / "phrases.csv"
DEATH = {Meaning.DEATH: "yes", Meaning.DEATH_AND_DANGER: "yes", Meaning.PERHAPS_DEATH: "perhaps"}


@dataclass(frozen=True)
class Labelled:
    """A phrase as a person understands it: its terms, those it denies, whether it is an emergency, or of a death."""

    set: str
    language: str
    kind: str
    text: str
    terms: frozenset[str]
    denied: frozenset[str]
    is_danger: bool
    death: str


@dataclass(frozen=True)
class Figures:
    """Shares of 0 to 1."""

    phrases: int
    precision_first: float
    recall_first: float
    precision_three: float
    recall_three: float
    denials_understood: float


@dataclass(frozen=True)
class Alarms:
    """How often an emergency is heard, and how often none is where there is none."""

    sensitivity: float
    specificity: float
    missed: tuple[str, ...]
    needless: tuple[str, ...]


@cache
def phrases() -> tuple[Labelled, ...]:
    """Every labelled phrase."""
    with PHRASES.open(encoding="utf-8", newline="") as file:
        return tuple(_labelled(row) for row in csv.DictReader(file, strict=True))


def _labelled(row: dict[str, str]) -> Labelled:
    return Labelled(
        set=row["set"],
        language=row["language"],
        kind=row["kind"],
        text=row["text"],
        terms=_terms(row["terms"]),
        denied=_terms(row["denied"]),
        is_danger=row["danger"] == "yes",
        death=row["death"],
    )


def _terms(listed: str) -> frozenset[str]:
    return frozenset(term.strip() for term in listed.split(";") if term.strip())


@cache
def shipped_lexicon() -> Lexicon:
    """The lexicon as it is shipped."""
    return Lexicon.from_content(read_lexicon(read_terminology()))


@cache
def shipped_words() -> Words:
    """The protocol's words of danger and of death."""
    return Protocol.from_content(read_protocol_file(PROTOCOL)).words


def figures_of(labelled: Sequence[Labelled], lexicon: Lexicon) -> Figures:
    """Precision and recall of suggestions."""
    found = [(one, suggest(one.text, lexicon)) for one in labelled]
    affirmed = [(one, [said.name for said in suggested if not said.negated]) for one, suggested in found]
    with_terms = [(one, names) for one, names in affirmed if one.terms]
    firsts = [names[0] in one.terms for one, names in affirmed if names]
    each = [name in one.terms for one, names in affirmed for name in names]
    return Figures(
        phrases=len(labelled),
        precision_first=_share(firsts),
        recall_first=_share([bool(names) and names[0] in one.terms for one, names in with_terms]),
        precision_three=_share(each),
        recall_three=_share([bool(one.terms & set(names)) for one, names in with_terms]),
        denials_understood=_share([_is_denied(term, said) for one, said in found for term in one.denied]),
    )


def _is_denied(term: str, suggested: Sequence[Suggestion]) -> bool:
    return any(said.name == term and said.negated for said in suggested)


def alarms_of(labelled: Sequence[Labelled], words: Words) -> Alarms:
    """How well the protocol's words of danger tell emergencies from the rest, as texts are read."""
    heard = {one.text: read(one.text, words) in EMERGENCIES for one in labelled}
    dangers = [one.text for one in labelled if one.is_danger]
    others = [one.text for one in labelled if not one.is_danger]
    return Alarms(
        sensitivity=_share([heard[text] for text in dangers]),
        specificity=_share([not heard[text] for text in others]),
        missed=tuple(text for text in dangers if not heard[text]),
        needless=tuple(text for text in others if heard[text]),
    )


def deaths_misread(labelled: Sequence[Labelled], words: Words) -> list[tuple[str, str, str]]:
    """Texts whose word of death was not taken as a person would: the text, the label, what was understood."""
    read_as = [(one, _death_in(one.text, words)) for one in labelled]
    return [(one.text, one.death, understood) for one, understood in read_as if understood != one.death]


def _death_in(text: str, words: Words) -> str:
    meaning = read(text, words)
    if meaning is Meaning.DANGER_PERHAPS_DEATH:
        return "perhaps"
    return DEATH.get(meaning, "no") if isinstance(meaning, Meaning) else "no"


def _share(right: Iterable[bool]) -> float:
    counted = list(right)
    return sum(counted) / len(counted) if counted else 1.0
