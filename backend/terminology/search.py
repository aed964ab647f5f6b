"""Which CTCAE term somebody means who types a name, a code, an abbreviation or a Chinese word, slips included.

What is typed is held against names, Chinese names and synonyms in the manner of ``backend.instruments.search``, with
British and American spelling alike. The terms of a version are read once and kept until something new is loaded.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Engine, func, select

from backend.db import Transaction
from backend.errors import InvalidInput, NotFound
from backend.instruments.search import closeness, plain
from backend.terminology.models import CtcaeLoad, CtcaeTerm
from backend.terminology.terms import NEWEST, versions

# A synonym that is as near as a name comes after it: a name says it all.
SAID_OTHERWISE = 1.0
SHORTEST_CODE = 4
BRITISH = (("ae", "e"), ("oe", "e"), ("our", "or"))


@dataclass(frozen=True)
class Entry:
    """A term with all that explains it. ``published`` is NCI's own text, where the site has loaded it."""

    code: str
    name: str
    soc: str
    grades: tuple[int, ...]
    specify: bool
    version: str
    name_zh: str | None
    wording: Mapping[str, Any]
    own_gradings: tuple[Mapping[str, Any], ...]
    published: Mapping[str, Any] | None
    phrases: tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class Page:
    """Some of the terms that may be meant, the likeliest first. ``after`` is how many came so far; None at the end."""

    items: tuple[Entry, ...]
    after: int | None


def find_terms(txn: Transaction, typed: str, *, version: str = NEWEST, limit: int, after: int = 0) -> Page:
    """The terms that may be meant; all of them by name when nothing was typed. Raises ``InvalidInput``: no version."""
    wanted = _spelt(typed)
    entries = _entries(txn, version)
    found = _ranked(wanted, entries.values()) if wanted else list(entries.values())
    end = after + limit
    return Page(tuple(found[after:end]), end if end < len(found) else None)


def entry_of(txn: Transaction, code: str, version: str = NEWEST) -> Entry:
    """The term of that code. Raises ``NotFound`` when the version has none, ``InvalidInput`` for no version."""
    entry = _entries(txn, version).get(code)
    if entry is None:
        raise NotFound("That version has no term of that code.")
    return entry


def _ranked(wanted: str, entries: Iterable[Entry]) -> list[Entry]:
    near = ((_nearness(wanted, entry), entry) for entry in entries)
    ranked = sorted((-nearness, place, entry) for place, (nearness, entry) in enumerate(near) if nearness > 0)
    return [entry for _, _, entry in ranked]


def _nearness(wanted: str, entry: Entry) -> float:
    if wanted.isdecimal():
        is_code = len(wanted) >= SHORTEST_CODE and entry.code.startswith(wanted)
        return float(is_code)
    return max((near - less for phrase, less in entry.phrases if (near := closeness(wanted, phrase))), default=0.0)


_known: WeakKeyDictionary[Engine, dict[str, tuple[int, dict[str, Entry]]]] = WeakKeyDictionary()


def _entries(txn: Transaction, version: str) -> dict[str, Entry]:
    """The terms of a version by code, in the order of their names."""
    loads = txn.session.scalar(select(func.count()).select_from(CtcaeLoad).where(CtcaeLoad.version == version)) or 0
    if not loads:
        listed = ", ".join(versions(txn)) or "none yet"
        raise InvalidInput(fields={"version": [f"There is no such version; there are: {listed}."]})
    kept = _known.setdefault(txn.database.engine, {})
    if version not in kept or kept[version][0] != loads:
        rows = txn.session.scalars(select(CtcaeTerm).where(CtcaeTerm.version == version))
        # Sorted here: each database has an order of letters of its own.
        kept[version] = (loads, {row.code: _entry(row) for row in sorted(rows, key=lambda row: row.name)})
    return kept[version][1]


def _entry(row: CtcaeTerm) -> Entry:
    return Entry(
        code=row.code,
        name=row.name,
        soc=row.soc,
        grades=tuple(row.grades),
        specify=row.specify,
        version=row.version,
        name_zh=row.name_zh,
        wording=row.wording or {},
        own_gradings=tuple(row.own_gradings),
        published=row.published,
        phrases=tuple(_phrases(row)),
    )


def _phrases(row: CtcaeTerm) -> Iterator[tuple[str, float]]:
    """By what the term is found, and how much less it counts than a name."""
    yield _spelt(row.name), 0.0
    if row.name_zh:
        yield _spelt(row.name_zh), 0.0
    for synonym in row.synonyms:
        yield _spelt(synonym), SAID_OTHERWISE


def _spelt(text: str) -> str:
    """Plain text in one spelling: oedema is edema, haemorrhage hemorrhage, tumour tumor."""
    spelt = plain(text)
    for british, american in BRITISH:
        spelt = spelt.replace(british, american)
    return spelt
