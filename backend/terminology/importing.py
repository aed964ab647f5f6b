"""NCI's text of a version becomes part of it here: read from its workbook by the site, kept in the database only.

A version that is here already keeps its facts: a workbook that tells them otherwise is not of that version.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import select

from backend.db import Transaction
from backend.errors import BadWorkbook, TermsDiffer
from backend.terminology.load import WORKBOOK, LoadedTerms, load_terms
from backend.terminology.models import CtcaeTerm
from backend.terminology.terms import versions
from backend.terminology.workbook import COMPLAINTS_AT_MOST, PublishedTerm, Workbook

Held = Mapping[str, CtcaeTerm]


def import_workbook(txn: Transaction, workbook: Workbook, version: str | None = None) -> LoadedTerms:
    """Keep the workbook's text with its version's terms; a new version comes to stand beside the others.

    ``version`` is what a person says it is; otherwise the workbook says so, or every row agrees with one that is here.
    Raises ``BadWorkbook`` when nobody knows, or they disagree; ``TermsDiffer`` when it is not that version's.
    """
    chosen = version or workbook.version or _recognised(txn, workbook)
    if workbook.version not in (None, chosen):
        raise BadWorkbook(f"{workbook.sheet}: says that it is CTCAE {workbook.version}, not {chosen}.")
    held = _held(txn, chosen)
    if held and (wrong := list(_differences(workbook, held, chosen))):
        more = [f"and {len(wrong) - COMPLAINTS_AT_MOST} more"] if len(wrong) > COMPLAINTS_AT_MOST else []
        raise TermsDiffer("\n".join(wrong[:COMPLAINTS_AT_MOST] + more))
    earlier = {} if held else _held(txn, versions(txn)[-1]) if versions(txn) else {}
    terms = [_known(term, held[term.code]) if held else _new(term, earlier) for term in workbook.terms]
    return load_terms(txn, chosen, terms, source=WORKBOOK)


def _recognised(txn: Transaction, workbook: Workbook) -> str:
    """The one version here with which every row agrees."""
    agreeing = [one for one in versions(txn) if not any(_differences(workbook, _held(txn, one), one))]
    if len(agreeing) != 1:
        raise BadWorkbook(f"{workbook.sheet}: does not say which version of CTCAE it is; say it with --version.")
    return agreeing[0]


def _held(txn: Transaction, version: str) -> Held:
    return {row.code: row for row in txn.session.scalars(select(CtcaeTerm).where(CtcaeTerm.version == version))}


def _differences(workbook: Workbook, held: Held, version: str) -> Iterator[str]:
    """Each fact that a row tells otherwise than the version here, by sheet, row and column."""
    for term in workbook.terms:
        row = held.get(term.code)
        place = f"{workbook.sheet}: row {term.row}"
        if row is None:
            yield f"{place}: MedDRA Code: CTCAE {version} has no term {term.code}."
            continue
        if _folded(term.name) != _folded(row.name):
            yield f"{place}: CTCAE Term: {term.code} is {row.name!r} in CTCAE {version}, not {term.name!r}."
        if _folded(term.soc) != _folded(row.soc):
            yield f"{place}: MedDRA SOC: {row.name} belongs to {row.soc!r} in CTCAE {version}."
        for grade in sorted(set(term.criteria) ^ set(row.grades)):
            exists = "exists" if grade in row.grades else "does not exist"
            yield f"{place}: Grade {grade}: {exists} for {row.name} in CTCAE {version}."


def _folded(text: str) -> str:
    """What counts of a name: dashes are alike, and so are capitals."""
    return text.replace("\u2013", "-").replace("\u2014", "-").casefold()


def _known(term: PublishedTerm, row: CtcaeTerm) -> dict[str, Any]:
    return {
        "code": row.code,
        "name": row.name,
        "soc": row.soc,
        "grades": row.grades,
        "specify": row.specify,
        "published": _published(term),
    }


def _new(term: PublishedTerm, earlier: Held) -> dict[str, Any]:
    """A term of a version that is new here. What an earlier one of that name is called otherwise, it is called too."""
    same = earlier.get(term.code)
    is_same = same is not None and _folded(same.name) == _folded(term.name)
    return {
        "code": term.code,
        "name": term.name,
        "soc": term.soc,
        "grades": sorted(term.criteria),
        "specify": term.specify,
        "published": _published(term),
        **({"name_zh": same.name_zh, "synonyms": same.synonyms} if same and is_same else {}),
    }


def _published(term: PublishedTerm) -> dict[str, Any]:
    criteria = {str(grade): said for grade, said in sorted(term.criteria.items())}
    return {"grades": criteria, "definition": term.definition, "note": term.note}
