"""Rows of many patients, read in one statement and handed out by whose they are."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Result, Row, Text, type_coerce
from sqlalchemy.orm import InstrumentedAttribute

Rows = Sequence[Row[Any]]


def as_kept(patient_id: ColumnElement[UUID] | InstrumentedAttribute[UUID]) -> ColumnElement[Any]:
    """The id as the database gives it, a UUID or its digits: to make a UUID of each row's takes longer than the row."""
    return type_coerce(patient_id, Text()).label("patient_id")


def of_each(patient_ids: Collection[UUID], rows: Result[Any]) -> Mapping[UUID, Rows]:
    """By patient, rows whose first column is ``as_kept``, in the order in which they came; for some patients none."""
    if len(patient_ids) == 1:
        return dict.fromkeys(patient_ids, rows.all())
    found: dict[UUID, list[Row[Any]]] = {patient_id: [] for patient_id in patient_ids}
    by_kept: dict[Any, list[Row[Any]]] = {**found, **{one.hex: of_one for one, of_one in found.items()}}
    for row in rows.all():
        by_kept[row[0]].append(row)
    return found
