"""What an instrument is, as plain values: its items, the symptoms they belong to, its measurements.

Built once from a stored version and never changed, so it may be shared by all requests.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID
from weakref import WeakKeyDictionary

from sqlalchemy import Engine, bindparam, select

from backend.db import Transaction, UTCDateTime
from backend.errors import NotFound
from backend.instruments.models import InstrumentVersion, TerminologyVersion

SIGN = "sign"


@dataclass(frozen=True)
class Item:
    """One question. ``earlier`` are the attributes of the same symptom that are asked before it."""

    code: str
    part: str
    symptom: str
    symptom_name: Mapping[str, str]
    attribute: str
    highest: int
    ctcae: str
    offered: bool
    earlier: tuple[str, ...]
    question: Mapping[str, str]
    choices: Mapping[str, tuple[str, ...]]

    @property
    def is_sign(self) -> bool:
        """Whether it is a yes/no danger sign of the checklist."""
        return self.attribute == SIGN


@dataclass(frozen=True)
class Symptom:
    """A symptom of the questionnaire with its attributes in the order asked; danger signs are not symptoms."""

    slug: str
    attributes: tuple[str, ...]
    items: tuple[str, ...]
    ctcae: str


@dataclass(frozen=True)
class Measurement:
    """Something measured at home. Unasked measurements are accepted when they are given."""

    name: str
    minimum: float
    maximum: float
    step: float
    asked: bool
    ctcae: tuple[str, ...]

    @property
    def is_whole(self) -> bool:
        """Whether only whole numbers make sense."""
        return self.step == 1


@dataclass(frozen=True)
class Instrument:
    """One version of one instrument. ``terms`` are the CTCAE codes its items ask about; ``content`` is what was
    stored, wording included.
    """

    name: str
    version: int
    items: Mapping[str, Item]
    symptoms: Mapping[str, Symptom]
    measurements: Mapping[str, Measurement]
    terms: frozenset[str]
    content: Mapping[str, Any]

    @property
    def offered(self) -> list[Symptom]:
        """The symptoms a patient may pick from, in the order of the questionnaire; none where all are asked."""
        return [symptom for symptom in self.symptoms.values() if self.items[symptom.items[0]].offered]

    def names_of(self, symptom: Symptom) -> Mapping[str, str]:
        """What the symptom is called, by language."""
        return self.items[symptom.items[0]].symptom_name

    def search_words_of(self, symptom: Symptom) -> Mapping[str, list[str]]:
        """What else a reader may type for it, by language. Versions from before there were such words have none."""
        words: Mapping[str, list[str]] = self.content.get("search", {}).get(symptom.slug, {})
        return words

    def phrases_of(self, symptom: Symptom) -> list[str]:
        """Every name and search word of the symptom, in all languages."""
        listed = [word for words in self.search_words_of(symptom).values() for word in words]
        return [*self.names_of(symptom).values(), *listed]

    @classmethod
    def from_content(cls, content: Mapping[str, Any], version: int = 1) -> "Instrument":
        """Read a stored version. The content was checked when it was loaded."""
        offered = {part["part"] for part in content["parts"] if part["offered"]}
        items: dict[str, Item] = {}
        for entry in content["items"]:
            items[entry["item"]] = _item(entry, entry["part"] in offered, items)
        return cls(
            name=content["name"],
            version=version,
            items=items,
            symptoms=_symptoms(items),
            measurements={entry["name"]: _measurement(entry) for entry in content["measurements"]},
            terms=frozenset(item.ctcae for item in items.values()),
            content=content,
        )


@dataclass(frozen=True)
class CtcaeTerm:
    """A CTCAE term; ``grades`` are those that exist for it."""

    code: str
    name: str
    soc: str
    grades: tuple[int, ...]


@dataclass(frozen=True)
class Terminology:
    """One version of a terminology, by code (the MedDRA LLT as text)."""

    name: str
    version: int
    terms: Mapping[str, CtcaeTerm]


_VERSIONS = select(InstrumentVersion.id).where(InstrumentVersion.name == bindparam("name"))
_NEWEST = _VERSIONS.order_by(InstrumentVersion.version.desc()).limit(1)
_THAT_VERSION = _VERSIONS.where(InstrumentVersion.version == bindparam("version"))
_A_LATER_ONE = _VERSIONS.where(
    InstrumentVersion.version > bindparam("version"),
    InstrumentVersion.loaded_at <= bindparam("at", type_=UTCDateTime()),
).limit(1)

# What an instrument can be called; some databases cannot even be asked about the rest.
NAME = re.compile(r"[a-z][a-z0-9_]{0,79}")
# By engine, because a process of the tests opens many databases.
_ids: WeakKeyDictionary[Engine, dict[tuple[str, int], UUID]] = WeakKeyDictionary()
_instruments: dict[UUID, Instrument] = {}
_terminologies: dict[UUID, Terminology] = {}


def instrument(txn: Transaction, name: str, version: int | None = None) -> Instrument:
    """That version, or the newest. Raises ``NotFound`` when there is no such instrument or version."""
    found = find_instrument(txn, name, version)
    if found is None:
        raise NotFound("There is no such instrument or version.")
    return found


def find_instrument(txn: Transaction, name: str, version: int | None = None) -> Instrument | None:
    """As ``instrument``, with None when there is none: a report may name a version we never had."""
    if not NAME.fullmatch(name):
        return None
    if version is None:
        row_id: UUID | None = txn.connection.scalar(_NEWEST, {"name": name})
    else:
        row_id = _id_of(txn, name, version)
    if row_id is None:
        return None
    if row_id not in _instruments:
        row = txn.session.get_one(InstrumentVersion, row_id)
        _instruments[row_id] = Instrument.from_content(row.content, row.version)
    return _instruments[row_id]


def is_superseded(txn: Transaction, name: str, version: int, at: datetime) -> bool:
    """Whether a later version than this stood beside it at that moment."""
    later = {"name": name, "version": version, "at": at}
    return txn.connection.scalar(_A_LATER_ONE, later) is not None


def _id_of(txn: Transaction, name: str, version: int) -> UUID | None:
    """Every report asks for its version, and a version once loaded is there for ever."""
    known = _ids.setdefault(txn.database.engine, {})
    if (name, version) not in known:
        row_id = txn.session.scalar(_THAT_VERSION, {"name": name, "version": version})
        if row_id is None:
            return None
        known[name, version] = row_id
    return known[name, version]


def newest_instruments(txn: Transaction) -> list[Instrument]:
    """The newest version of every instrument, by name."""
    names = select(InstrumentVersion.name).distinct().order_by(InstrumentVersion.name)
    return [instrument(txn, name) for name in txn.session.scalars(names)]


def terminology(txn: Transaction, name: str = "ctcae") -> Terminology:
    """The newest version of a terminology. Raises ``NotFound`` when none is loaded."""
    row_id = txn.session.scalar(
        select(TerminologyVersion.id)
        .where(TerminologyVersion.name == name)
        .order_by(TerminologyVersion.version.desc())
        .limit(1)
    )
    if row_id is None:
        raise NotFound("That terminology is not loaded.")
    if row_id not in _terminologies:
        row = txn.session.get_one(TerminologyVersion, row_id)
        _terminologies[row_id] = Terminology(row.name, row.version, _terms(row.content))
    return _terminologies[row_id]


def _item(entry: Mapping[str, Any], offered: bool, before: Mapping[str, Item]) -> Item:
    same = tuple(code for code, item in before.items() if _belongs_together(item, entry))
    return Item(
        code=entry["item"],
        part=entry["part"],
        symptom=entry["symptom"],
        symptom_name=entry["symptom_name"],
        attribute=entry["attribute"],
        highest=entry["highest"],
        ctcae=entry["ctcae"],
        offered=offered,
        earlier=same,
        question=entry["question"],
        choices={language: tuple(labels) for language, labels in entry["choices"].items()},
    )


def _belongs_together(item: Item, entry: Mapping[str, Any]) -> bool:
    """A danger sign stands alone, even where a symptom has the same name."""
    return item.symptom == entry["symptom"] and not item.is_sign and entry["attribute"] != SIGN


def _symptoms(items: Mapping[str, Item]) -> dict[str, Symptom]:
    grouped: dict[str, list[Item]] = {}
    for item in items.values():
        if not item.is_sign:
            grouped.setdefault(item.symptom, []).append(item)
    return {
        slug: Symptom(
            slug=slug,
            attributes=tuple(item.attribute for item in asked),
            items=tuple(item.code for item in asked),
            ctcae=asked[0].ctcae,
        )
        for slug, asked in grouped.items()
    }


def _measurement(entry: Mapping[str, Any]) -> Measurement:
    return Measurement(
        name=entry["name"],
        minimum=entry["minimum"],
        maximum=entry["maximum"],
        step=entry["step"],
        asked=entry["asked"],
        ctcae=tuple(entry["ctcae"]),
    )


def _terms(content: Mapping[str, Any]) -> dict[str, CtcaeTerm]:
    return {
        entry["code"]: CtcaeTerm(entry["code"], entry["term"], entry["soc"], tuple(entry["grades"]))
        for entry in content["terms"]
    }
