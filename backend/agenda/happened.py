"""What happened to patients, as far as their calendars depend on it: rows of three tables, read in one statement.

Every report, every message and every look at who is silent asks for them. The last word on each thing is for the
reader to find: to put the rows in order takes the database longer than to find them.
"""

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Select,
    Text,
    bindparam,
    cast,
    func,
    literal_column,
    null,
    select,
    type_coerce,
    union_all,
)

from backend.agenda.facts import STANDS
from backend.agenda.models import AgendaFact
from backend.among import among
from backend.db import Transaction, UTCDateTime
from backend.indexes import word
from backend.patients.life import COUNTS
from backend.patients.models import EvidenceOfLife
from backend.patients.of_each import Rows, as_kept, of_each
from backend.patients.symptom_report import MOMENT, SymptomReport
from backend.terms import AgendaKind

What = Select[Any] | CompoundSelect[Any]

# Beside the kinds of facts: a report that was filed, and all days on which somebody was alive, in one row.
FILED, ALIVE = "filed", "alive"
# Where in a row each stands: to look one up by its name takes ten times as long.
KIND, KEY, WORD, ON, AT, CAME_AT, REVISION, ID = range(1, 9)
# Said outright: given as text, SQLAlchemy would put the statement into words anew each time.
_COMMA: Any = literal_column("','")
_FACT, _REPORT = AgendaFact.__table__.c, SymptomReport.__table__.c


def _to_sort_by(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """As the database gives it: to make an instant or an id of each takes longer than the row."""
    return type_coerce(column, Text())


# What a person wrote down, with the patient's reply or none. The kinds of its columns are those of the whole.
_FACTS = select(
    as_kept(_FACT.patient_id),
    _FACT.kind,
    _FACT.key,
    _FACT.reply.label("word"),
    _FACT.on,
    type_coerce(null(), UTCDateTime()).label("at"),
    _to_sort_by(_FACT.recorded_at).label("came_at"),
    _FACT.revision,
    null().label("id"),
).where(among(_FACT.patient_id, "whose"), _FACT.report_id.is_(None), STANDS)
# The item it was filed for, its instrument, and when it was about. Which other items it covers, the calendar decides.
_FILED = select(
    as_kept(_REPORT.patient_id),
    word(FILED),
    _REPORT.agenda_key,
    _REPORT.instrument,
    null(),
    MOMENT,
    _to_sort_by(_REPORT.received_at),
    null(),
    _to_sort_by(_REPORT.id),
).where(among(_REPORT.patient_id, "whose"))
_ALIVE = (
    select(
        as_kept(EvidenceOfLife.patient_id),
        word(ALIVE),
        null(),
        func.aggregate_strings(cast(EvidenceOfLife.as_of, Text), _COMMA),
        *[null()] * 5,
    )
    .where(among(EvidenceOfLife.patient_id, "whose"), COUNTS)
    .group_by(EvidenceOfLife.patient_id)
)


EVERYTHING = union_all(_FACTS, _FILED, _ALIVE)
WITHOUT_REPORTS = union_all(_FACTS, _ALIVE)
WITHOUT_EVIDENCE = union_all(_FACTS, _FILED)
WITHOUT_BOTH = _FACTS
# Without evidence of life.
FILED_FOR_ANY_ITEM = union_all(_FACTS, _FILED.where(_REPORT.agenda_key.is_not(None)))
FILED_FOR_ONE = union_all(_FACTS, _FILED.where(_REPORT.agenda_key == bindparam("key")))


def what_tells_of(kinds: Collection[AgendaKind]) -> What:
    """Which of them it takes to judge items of these kinds alone."""
    if AgendaKind.SURVIVAL_CHECK in kinds:
        return EVERYTHING
    return WITHOUT_EVIDENCE if AgendaKind.ASSESSMENT in kinds else WITHOUT_BOTH


def happened_to(
    txn: Transaction, patient_ids: Collection[UUID], what: What, key: str | None = None
) -> Mapping[UUID, Rows]:
    """By patient, ``what`` happened: one of those above; ``key`` is of the item that ``FILED_FOR_ONE`` is about."""
    return of_each(patient_ids, txn.connection.execute(what, {"whose": patient_ids, "key": key}))
