"""Versions of protocol, questionnaires and terms: unbroken chains, unaltered content."""

import hashlib
from collections.abc import Iterator
from itertools import groupby

from sqlalchemy import and_, select

from backend.agenda.models import AgendaFact
from backend.db import Transaction, canonical_json
from backend.fsck.invariant import Invariant, ids_of
from backend.instruments.models import InstrumentVersion, TerminologyVersion
from backend.patients.symptom_report import SymptomReport
from backend.protocol.models import ProtocolVersion

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


INVARIANTS = (
    Invariant("versions.chain", "Versions form chains, from 1 without a gap", gaps),
    Invariant("versions.content", "No version's content has changed since it was loaded", altered),
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
