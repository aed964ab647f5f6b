"""The open queue is read along its index from the first row wanted to the last: nothing is sorted, nothing skipped."""

import pytest
from sqlalchemy import event, insert, text, true

from backend.db import Database, system
from backend.triage.models import CandidateEvent
from backend.triage.queue import Wanted, queue
from tests import people
from tests.bench.queue import BEGUN, candidate

TEST = system("test")
MANY = 3_000


@pytest.fixture
def full(db: Database) -> Database:
    """Enough rows that a database would rather sort than walk without a good index, at three sites."""
    patients = [people.ann(db, site, phone=None) for site in ("site-01", "site-02", "site-03")]
    with db.transaction(TEST) as txn:
        txn.session.execute(insert(CandidateEvent), [candidate(number, patients) for number in range(MANY)])
        if not db.is_sqlite:
            txn.session.execute(text("ANALYZE candidate_event"))
    return db


def plan(db: Database, visible, **asked) -> str:
    """How the database reads what the queue asks of it, in its own words."""
    said: list[str] = []
    with db.reading(TEST) as txn:
        connection = txn.session.connection()

        @event.listens_for(connection, "before_cursor_execute")
        def explain(_connection, cursor, statement, parameters, *_):
            if statement.startswith("SELECT candidate_event"):
                cursor.execute(f"EXPLAIN {'QUERY PLAN' if db.is_sqlite else ''} {statement}", parameters)
                said.extend(str(row[-1]) for row in cursor.fetchall())

        queue(txn, visible, **asked)
    return "\n".join(said)


PLACES = [None, ("T2", BEGUN, people.UUID(int=7))]


@pytest.mark.parametrize("after", PLACES, ids=["first page", "deep page"])
@pytest.mark.parametrize("wanted", [Wanted(), Wanted(tier="T2")], ids=["every tier", "one tier"])
def test_the_open_queue_of_all_sites_is_read_along_its_index(full, after, wanted):
    how = plan(full, true(), wanted=wanted, after=after)

    assert "ix_candidate_event_open" in how
    assert not {"SORT", "TEMP B-TREE", "SEQ SCAN"} & set_of(how)


@pytest.mark.parametrize("after", PLACES, ids=["first page", "deep page"])
def test_the_open_queue_of_a_site_is_read_along_its_index(full, after):
    with full.reading(TEST) as txn:
        here = CandidateEvent.site_id.in_([people.site_row(txn, "site-02").id])

    how = plan(full, here, after=after)

    assert "ix_candidate_event_open_by_site" in how
    assert not {"SORT", "TEMP B-TREE", "SEQ SCAN"} & set_of(how)


def set_of(how: str) -> set[str]:
    """What a plan must not speak of."""
    return {word for word in ("SORT", "TEMP B-TREE", "SEQ SCAN") if word in how.upper()}
