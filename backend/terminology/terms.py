"""What a CTCAE term is, and how one is looked up by its code."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import select

from backend.db import Transaction
from backend.terminology.models import CtcaeTerm
from backend.terms import Language

# The version in which events are coded.
NEWEST = "5.0"


@dataclass(frozen=True)
class Term:
    """One term of one version. ``code`` is its MedDRA LLT as text; ``soc`` its organ class.

    ``specify`` says that it is an "Other, specify" term, which needs words of its own to mean anything.
    """

    code: str
    name: str
    soc: str
    grades: frozenset[int]
    specify: bool
    version: str
    # Translated by us; None where there is none yet.
    name_zh: str | None = None

    def name_in(self, language: str) -> str:
        """What it is called in one of our languages; in its own where nobody has translated it."""
        return self.name_zh or self.name if language == Language.CHINESE else self.name


def term_of(txn: Transaction, code: str, version: str = NEWEST) -> Term | None:
    """The term of that code in that version; None when the version has none, or is not loaded."""
    return terms_of(txn, [code], version).get(code)


def terms_of(txn: Transaction, codes: Iterable[str], version: str = NEWEST) -> dict[str, Term]:
    """The terms of these codes in that version, by code; codes that it does not have are left out."""
    named = select(CtcaeTerm).where(CtcaeTerm.version == version, CtcaeTerm.code.in_(list(codes)))
    return {row.code: _term(row) for row in txn.session.scalars(named)}


def grades_that_exist(txn: Transaction, code: str, version: str = NEWEST) -> frozenset[int]:
    """The grades a term has, of 1 to 5; none at all for an unknown code or version."""
    found = term_of(txn, code, version)
    return found.grades if found else frozenset()


def versions(txn: Transaction) -> list[str]:
    """The versions that are loaded, the oldest first."""
    loaded = txn.session.scalars(select(CtcaeTerm.version).distinct())
    return sorted(loaded, key=lambda version: [int(part) for part in version.split(".")])


def _term(row: CtcaeTerm) -> Term:
    return Term(row.code, row.name, row.soc, frozenset(row.grades), row.specify, row.version, row.name_zh)
