"""The lexicon as it was loaded: phrases by term, and the words that deny. Prepared once a version."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from sqlalchemy import select

from backend.db import Transaction
from backend.free_text.chinese import (
    GAP,
    Gapped,
    by_first_character,
    gapped,
    gapped_by_first_character,
    said_in_full,
)
from backend.free_text.english import EnglishIndex, english_index
from backend.free_text.matches import Phrase
from backend.free_text.negation import Negations
from backend.free_text.sounds import Index, spoken_index
from backend.instruments.models import TerminologyVersion

NAME = "lexicon"
WEAK = "~"


@dataclass(frozen=True)
class Lexicon:
    """All that is known of what patients say."""

    names: Mapping[str, str]
    written: Mapping[str, Sequence[Phrase]]
    gapped: Mapping[str, Sequence[Gapped]]
    spoken: Index
    english: EnglishIndex
    negations: Negations
    written_as: Mapping[str, str]
    meaningless: tuple[str, ...]

    @classmethod
    def from_content(cls, content: Mapping[str, Any]) -> "Lexicon":
        """Prepare a stored version. The content was checked when it was loaded."""
        phrases = [
            _phrase(entry["code"], language, said)
            for entry in content["terms"]
            for language, listed in entry["words"].items()
            for said in listed
        ]
        english = [one for phrase in phrases if _is_latin(phrase) for one in _each(phrase)]
        chinese = [phrase for phrase in phrases if not _is_latin(phrase)]
        together = [one for phrase in chinese if GAP not in phrase.words for one in _each(phrase)]
        halved = [gapped(phrase, content["never_between"]) for phrase in chinese if GAP in phrase.words]
        return cls(
            names={entry["code"]: entry["name"] for entry in content["terms"]},
            written=by_first_character(together),
            gapped=gapped_by_first_character(halved),
            spoken=spoken_index(together),
            english=english_index(english, content["fillers"], content["never_bent"]),
            negations=Negations(content["negations"].values()),
            written_as={pair[0]: pair[1] for pair in content["written_as"]},
            meaningless=tuple(content["meaningless"]),
        )


def _phrase(code: str, language: str, said: str) -> Phrase:
    words = said.removesuffix(WEAK).replace(f" {GAP} ", GAP)
    return Phrase(code, language, words, is_weak=said.endswith(WEAK))


def _is_latin(phrase: Phrase) -> bool:
    return phrase.words.replace(GAP, "").isascii()


def _each(phrase: Phrase) -> list[Phrase]:
    return [replace(phrase, words=words) for words in said_in_full(phrase.words)]


_prepared: dict[UUID, Lexicon] = {}


def lexicon(txn: Transaction) -> Lexicon | None:
    """The newest lexicon; None when none is loaded."""
    newest = select(TerminologyVersion.id).where(TerminologyVersion.name == NAME)
    row_id = txn.session.scalar(newest.order_by(TerminologyVersion.version.desc()).limit(1))
    if row_id is None:
        return None
    if row_id not in _prepared:
        row = txn.session.get_one(TerminologyVersion, row_id)
        _prepared[row_id] = Lexicon.from_content(row.content)
    return _prepared[row_id]
