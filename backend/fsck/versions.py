"""Versions of protocol, questionnaires and terms: unbroken chains, unaltered content, patients moving along them."""

import hashlib
from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise
from typing import Any

from sqlalchemy import and_, exists, or_, select
from sqlalchemy.orm import aliased

from backend.agenda.models import AgendaFact
from backend.db import Transaction, canonical_json
from backend.fsck.invariant import Invariant, ids_of
from backend.instruments.models import InstrumentVersion, TerminologyVersion
from backend.patients.acts import ProtocolMove
from backend.patients.models import Patient
from backend.patients.symptom_report import SymptomReport
from backend.protocol.models import ProtocolEffect, ProtocolVersion

VERSIONED = (
    (ProtocolVersion, ProtocolVersion.study, ProtocolVersion.version),
    (InstrumentVersion, InstrumentVersion.name, InstrumentVersion.version),
    (TerminologyVersion, TerminologyVersion.name, TerminologyVersion.version),
)


def gaps(txn: Transaction) -> Iterator[str]:
    """A version without the ones before it."""
    for table, name, version in VERSIONED:
        rows = txn.session.execute(select(name, version).order_by(name, version)).all()
        for of, numbers in groupby(rows, key=lambda row: row[0]):
            found = [row[1] for row in numbers]
            if found != list(range(1, len(found) + 1)):
                yield f"{table.__tablename__} {of}: {', '.join(map(str, found))}"


def altered(txn: Transaction) -> Iterator[str]:
    """Content that is not what its hash was taken of."""
    for table, name, version in VERSIONED:
        for row in txn.session.execute(select(name, version, table.content, table.content_hash)):
            if hashlib.sha256(canonical_json(row[2]).encode()).hexdigest() != row[3]:
                yield f"{table.__tablename__} {row[0]} version {row[1]}"


def revisions_with_gaps(txn: Transaction) -> Iterator[str]:
    """Agenda facts are corrected by a higher revision; every one before it must still be there."""
    identity = (AgendaFact.patient_id, AgendaFact.key, AgendaFact.kind)
    rows = txn.session.execute(select(*identity, AgendaFact.revision).order_by(*identity, AgendaFact.revision)).all()
    for of, revisions in groupby(rows, key=lambda row: row[:3]):
        found = [row[3] for row in revisions]
        if found != list(range(1, len(found) + 1)):
            yield " ".join(str(part) for part in of)


def unchained(txn: Transaction) -> Iterator[str]:
    """Patients whose standing moves do not lead, step by step and forward, to the version they are under."""
    left, entered = aliased(ProtocolVersion), aliased(ProtocolVersion)
    standing = (
        select(ProtocolMove, left.version.label("left"), entered.version.label("entered"))
        .join(left, left.id == ProtocolMove.from_version_id)
        .join(entered, and_(entered.id == ProtocolMove.to_version_id, entered.study == left.study))
        .where(ProtocolMove.reversed_at.is_(None))
        .order_by(ProtocolMove.patient_id, ProtocolMove.recorded_at, entered.version)
    )
    by_patient = {
        patient_id: list(rows)
        for patient_id, rows in groupby(txn.session.execute(standing), key=lambda row: row[0].patient_id)
    }
    moved = or_(Patient.protocol_moved_at.is_not(None), exists().where(ProtocolMove.patient_id == Patient.id))
    for patient in txn.session.scalars(select(Patient).where(moved).order_by(Patient.id)):
        if not _led_to(patient, by_patient.get(patient.id, [])):
            yield str(patient.id)


def _led_to(patient: Patient, rows: Sequence[Any]) -> bool:
    """Whether the moves are a chain whose end is where and since when the patient is."""
    moves = [row[0] for row in rows]
    if not moves:
        return patient.protocol_moved_at is None
    is_chain = all(one.to_version_id == following.from_version_id for one, following in pairwise(moves))
    is_end = (moves[-1].to_version_id, moves[-1].recorded_at) == (
        patient.protocol_version_id,
        patient.protocol_moved_at,
    )
    return is_chain and is_end and all(row.left < row.entered for row in rows)


INVARIANTS = (
    Invariant("versions.chain", "Versions form chains, from 1 without a gap", gaps),
    Invariant("versions.content", "No version's content has changed since it was loaded", altered),
    Invariant("versions.moves", "Moves lead forward, one by one, to the version each patient is under", unchained),
    Invariant(
        "versions.effects",
        "Nobody moved to a later version before it held at the site",
        ids_of(
            lambda: (
                select(ProtocolMove.patient_id, ProtocolMove.id)
                .join(ProtocolVersion, ProtocolVersion.id == ProtocolMove.to_version_id)
                .where(
                    ProtocolVersion.version > 1,
                    ~exists().where(
                        ProtocolEffect.protocol_version_id == ProtocolMove.to_version_id,
                        ProtocolEffect.site_id == ProtocolMove.site_id,
                        ProtocolEffect.effective_on <= ProtocolMove.moved_on,
                    ),
                )
            )
        ),
    ),
    Invariant("versions.facts", "Corrections of an agenda's facts form chains", revisions_with_gaps),
    Invariant(
        "versions.reports",
        "Every report answers a version of a questionnaire that is kept",
        ids_of(
            lambda: (
                select(SymptomReport.patient_id, SymptomReport.id)
                .outerjoin(
                    InstrumentVersion,
                    and_(
                        InstrumentVersion.name == SymptomReport.instrument,
                        InstrumentVersion.version == SymptomReport.instrument_version,
                    ),
                )
                .where(InstrumentVersion.id.is_(None))
            )
        ),
    ),
)
