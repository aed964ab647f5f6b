"""An act of many parts writes its entries in one go: the same entries, in the same order, or none."""

from contextlib import nullcontext, suppress

import pytest
from sqlalchemy import event, select

from backend import audit
from backend.audit import AuditEvent
from backend.db import Database, system
from backend.patients.life import add_evidence
from backend.patients.models import EvidenceOfLife, Patient
from backend.terms import EvidenceSource
from tests import people


@pytest.fixture
def ann(db: Database) -> Patient:
    return people.ann(db)


def entries(db: Database) -> list[tuple[str, str | None, str | None]]:
    order = select(AuditEvent.verb, AuditEvent.field, AuditEvent.new).order_by(AuditEvent.id)
    with db.reading(system("test")) as txn:
        return [(verb, field, new) for verb, field, new in txn.session.execute(order)]


def change(txn, patient):
    row = txn.session.get_one(Patient, patient.id)
    audit.note(txn, "patient.read", row)
    row.targeted_drug = "lenvatinib"
    audit.record(txn, "patient.changed", row)
    add_evidence(txn, row, as_of=row.consented_on, source=EvidenceSource.VISIT, reference="test")


def test_the_entries_are_there_in_the_order_of_the_act_and_written_at_once(db, ann):
    before, written = len(entries(db)), []

    @event.listens_for(db.engine, "before_cursor_execute")
    def notice(_connection, _cursor, statement, *_rest):
        if "INSERT INTO audit_event" in statement:
            written.append(statement)

    with db.transaction(system("test")) as txn, audit.together(txn):
        change(txn, ann)

    said = entries(db)[before:]
    assert [verb for verb, *_ in said[:3]] == ["patient.read", "patient.changed", "evidence_of_life.added"]
    assert said[1] == ("patient.changed", "targeted_drug", "lenvatinib")
    assert len(written) == 1


def test_an_act_that_fails_leaves_no_entry_and_no_change(db, ann):
    before = entries(db)

    def fail():
        with db.transaction(system("test")) as txn, audit.together(txn):
            change(txn, ann)
            raise LookupError

    pytest.raises(LookupError, fail)

    assert entries(db) == before


def test_what_is_recorded_after_the_block_is_written_as_ever(db, ann):
    with db.transaction(system("test")) as txn:
        with audit.together(txn):
            audit.note(txn, "patient.read", txn.session.get_one(Patient, ann.id))
        audit.note(txn, "patient.read", txn.session.get_one(Patient, ann.id))

    assert [verb for verb, *_ in entries(db)[-2:]] == ["patient.read", "patient.read"]


def test_a_row_inserted_at_once_is_the_sessions_own_and_not_written_again(db, ann):
    with db.transaction(system("test")) as txn:
        row = txn.session.get_one(Patient, ann.id)
        kept = add_evidence(txn, row, as_of=row.consented_on, source=EvidenceSource.VISIT, reference="once")

        assert kept in txn.session
        assert kept not in txn.session.new
        assert txn.session.get(EvidenceOfLife, kept.id) is kept
        kept_id = kept.id

    with db.reading(system("test")) as txn:
        found = txn.session.scalars(select(EvidenceOfLife.id).where(EvidenceOfLife.reference == "once")).all()
    assert found == [kept_id]


def test_an_act_within_an_act_is_written_with_it(db, ann):
    before = len(entries(db))

    with db.transaction(system("test")) as txn, audit.together(txn):
        row = txn.session.get_one(Patient, ann.id)
        audit.note(txn, "act.begun", row)
        with audit.together(txn):
            audit.note(txn, "act.within", row)
        audit.note(txn, "act.ended", row)

    assert [verb for verb, *_ in entries(db)[before:]] == ["act.begun", "act.within", "act.ended"]


@pytest.mark.parametrize("recorded", [audit.together, lambda _txn: nullcontext()])
def test_an_attempt_that_fails_leaves_no_entry_and_the_rest_of_the_act_stands(db, ann, recorded):
    before = len(entries(db))

    with db.transaction(system("test")) as txn, recorded(txn):
        row = txn.session.get_one(Patient, ann.id)
        audit.note(txn, "act.begun", row)
        with suppress(LookupError), audit.attempt(txn):
            audit.note(txn, "act.attempted", row)
            raise LookupError
        audit.note(txn, "act.ended", row)

    assert [verb for verb, *_ in entries(db)[before:]] == ["act.begun", "act.ended"]
