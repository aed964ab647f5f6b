"""Under which version of the protocol a patient is, and was: moves that stand, the oldest first."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from backend.db import Transaction
from backend.patients.acts import ProtocolMove
from backend.patients.models import Patient
from backend.protocol.models import ProtocolVersion


def moves_of(txn: Transaction, patient: Patient) -> Sequence[ProtocolMove]:
    """Every move of the patient, mistaken ones included."""
    rows = (
        select(ProtocolMove)
        .join(ProtocolVersion, ProtocolVersion.id == ProtocolMove.to_version_id)
        .where(ProtocolMove.patient_id == patient.id)
        # Of two in one moment, the way led forward.
        .order_by(ProtocolMove.recorded_at, ProtocolVersion.version, ProtocolMove.id)
    )
    return txn.session.scalars(rows).all()


def standing_moves(txn: Transaction, patient: Patient) -> Sequence[ProtocolMove]:
    """Those that nobody has reversed. Nothing is asked of the database about who never moved."""
    if patient.protocol_moved_at is None:
        return ()
    return [one for one in moves_of(txn, patient) if one.reversed_at is None]


def version_at(txn: Transaction, patient: Patient, moment: datetime) -> UUID:
    """The version the patient was under at that moment."""
    left = (one.from_version_id for one in standing_moves(txn, patient) if moment <= one.recorded_at)
    return next(left, patient.protocol_version_id)
