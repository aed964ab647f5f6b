"""Patients in the order of their subject numbers, a page at a time."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, select

from backend.db import Transaction
from backend.patients.models import Patient


@dataclass(frozen=True)
class Page:
    """Some patients, and after which subject number the next ones begin; None at the end."""

    items: Sequence[Patient]
    after: tuple[str] | None


def patients(
    txn: Transaction,
    visible: ColumnElement[bool],
    *,
    arm: str | None = None,
    status: str | None = None,
    after: tuple[str] | None = None,
    limit: int = 50,
) -> Page:
    """The patients that ``visible`` allows, by keyset."""
    wanted = select(Patient).where(visible)
    if arm:
        wanted = wanted.where(Patient.arm == arm)
    if status:
        wanted = wanted.where(Patient.status == status)
    if after:
        wanted = wanted.where(Patient.subject_number > after[0])
    rows = txn.session.scalars(wanted.order_by(Patient.subject_number).limit(limit + 1)).all()
    shown = rows[:limit]
    return Page(shown, (shown[-1].subject_number,) if len(rows) > limit else None)


def subject_numbers(txn: Transaction, patient_ids: Collection[UUID]) -> Mapping[UUID, str]:
    """What these patients are called in every list."""
    found = txn.session.execute(select(Patient.id, Patient.subject_number).where(Patient.id.in_(patient_ids)))
    return {row.id: row.subject_number for row in found}
