"""Terms become rows of their version. Code, name, class and grades stay as they are; what explains them may be new.

Loading the same again changes nothing. Whenever something was new there is a row that says so, and it is audited.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from sqlalchemy import Table, insert, select

from backend import audit
from backend.advisory_locks import one_at_a_time
from backend.db import Transaction, canonical_json
from backend.errors import TermsDiffer
from backend.terminology.models import CtcaeLoad, CtcaeTerm

STUDY, WORKBOOK = "study", "workbook"
FACTS = ("name", "soc", "grades", "specify")
# What a term has that nothing explains yet.
BARE: Mapping[str, Any] = {"name_zh": None, "synonyms": [], "wording": None, "own_gradings": [], "published": None}
VERBS = {STUDY: "ctcae.loaded", WORKBOOK: "ctcae.imported"}


@dataclass(frozen=True)
class LoadedTerms:
    """What loading did to a version: how many terms were given, were new, or are explained anew."""

    version: str
    terms: int
    added: int
    changed: int

    @property
    def is_new(self) -> bool:
        """Whether anything is other than before."""
        return bool(self.added or self.changed)


def load_terms(txn: Transaction, version: str, terms: Sequence[Mapping[str, Any]], *, source: str) -> LoadedTerms:
    """Add the terms that the version does not have; explain those it has by whatever comes with them.

    Each has ``code``, the ``FACTS``, and of ``BARE`` what its source knows; the rest stays as it is. Raises
    ``TermsDiffer`` when the facts of a term are other ones than those here, and then nothing is written.
    """
    one_at_a_time(txn, "ctcae", version)
    held = {row.code: row for row in txn.session.scalars(select(CtcaeTerm).where(CtcaeTerm.version == version))}
    _refuse_differing(version, held, terms)
    new = [term for term in terms if term["code"] not in held]
    changed = sum([_explain(held[term["code"]], term) for term in terms if term["code"] in held])
    _add(txn, version, new)
    loaded = LoadedTerms(version, len(terms), len(new), changed)
    if loaded.is_new:
        _record(txn, loaded, terms, source)
    txn.session.flush()
    return loaded


def differences(held: CtcaeTerm, term: Mapping[str, Any]) -> list[str]:
    """The facts in which a term is told otherwise than it is held."""
    return [fact for fact in FACTS if getattr(held, fact) != term[fact]]


def _refuse_differing(version: str, held: Mapping[str, CtcaeTerm], terms: Sequence[Mapping[str, Any]]) -> None:
    wrong = {
        term["code"]: [f"Its {' and '.join(facts)} are other ones than in CTCAE {version} as it is here."]
        for term in terms
        if term["code"] in held and (facts := differences(held[term["code"]], term))
    }
    if wrong:
        raise TermsDiffer(fields=wrong)


def _explain(row: CtcaeTerm, term: Mapping[str, Any]) -> bool:
    """Take over what the source knows; whether any of it was new."""
    new = {name: term[name] for name in BARE if name in term and term[name] != getattr(row, name)}
    for name, value in new.items():
        setattr(row, name, value)
    return bool(new)


def _add(txn: Transaction, version: str, terms: Sequence[Mapping[str, Any]]) -> None:
    table = CtcaeTerm.__table__
    assert isinstance(table, Table)
    rows = [{**BARE, **term, "id": uuid4(), "version": version} for term in terms]
    if rows:
        txn.connection.execute(insert(table), rows)


def _record(txn: Transaction, loaded: LoadedTerms, terms: Sequence[Mapping[str, Any]], source: str) -> None:
    digest = hashlib.sha256(canonical_json(list(terms)).encode()).hexdigest()
    row = CtcaeLoad(
        version=loaded.version,
        source=source,
        content_hash=digest,
        terms=loaded.terms,
        added=loaded.added,
        changed=loaded.changed,
        loaded_at=txn.now,
    )
    audit.record(txn, VERBS[source], row)
