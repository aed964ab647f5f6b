"""The queue's filters and its pages: each question narrows it, and a cursor outlives whatever happens meanwhile."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, update

from backend.db import system
from backend.triage.models import CandidateEvent
from schemas.paging import make_cursor
from tests.people import ann, ben, coordinator
from tests.triage.rows import a_candidate

QUEUE = "/api/v1/candidate-events"
DUE = datetime(2027, 3, 1, 9, tzinfo=UTC)
TEST = system("test")


@pytest.fixture
def patient(db):
    return ann(db)


@pytest.fixture
def person(db):
    return coordinator(db)


def keep(db, patient, *rows):
    """Candidates of a patient that say these things; their ids as the API writes them."""
    made = [a_candidate(patient, **values) for values in rows]
    with db.transaction(TEST) as txn:
        txn.session.add_all(made)
        return [str(row.id) for row in made]


def change(db, candidate, **values):
    with db.transaction(TEST) as txn:
        txn.session.execute(update(CandidateEvent).where(CandidateEvent.id == UUID(candidate)).values(**values))


def page(client, person, query=""):
    answer = client.get(f"{QUEUE}{query}", headers=person.headers)
    assert answer.status_code == 200, answer.text
    return [item["id"] for item in answer.json["items"]], answer.json["next_cursor"]


def ids(client, person, query=""):
    return page(client, person, query)[0]


def test_it_is_ordered_by_tier_then_time_left_then_id(client, db, patient, person):
    later = DUE + timedelta(hours=1)
    rows = [{"tier": tier, "due_at": due} for tier in ("T3", "T1", "T2") for due in (later, DUE, DUE)]
    keep(db, patient, *rows)
    with db.reading(TEST) as txn:
        key = {str(row.id): (row.tier, row.due_at, row.id) for row in txn.session.scalars(select(CandidateEvent))}

    assert ids(client, person) == sorted(key, key=key.__getitem__)


@pytest.mark.parametrize("tier", [None, "T1", "T2", "T3"])
def test_its_pages_put_together_are_the_whole_of_it(client, db, patient, person, tier):
    keep(db, patient, *({"tier": f"T{1 + n % 3}", "due_at": DUE + timedelta(minutes=n // 6)} for n in range(30)))
    query = f"?tier={tier}" if tier else "?limit=200"
    whole, paged, cursor = ids(client, person, query), [], ""

    while cursor is not None:
        some, cursor = page(client, person, f"{query}&limit=7&cursor={cursor}" if cursor else f"{query}&limit=7")
        paged += some

    assert paged == whole
    assert len(whole) == (10 if tier else 30)


def test_a_cursor_of_the_whole_queue_serves_within_a_tier(client, db, patient, person):
    first, second, third = keep(db, patient, *({"tier": tier} for tier in ("T1", "T2", "T3")))
    cursor = make_cursor(("T2", DUE - timedelta(hours=1), uuid4()))

    assert ids(client, person, f"?tier=T1&cursor={cursor}") == []
    assert ids(client, person, f"?tier=T2&cursor={cursor}") == [second]
    assert ids(client, person, f"?tier=T3&cursor={cursor}") == [third]
    assert ids(client, person, f"?cursor={cursor}") == [second, third]
    assert first in ids(client, person)


def test_what_moves_to_a_later_place_is_met_again_there_as_it_is_now(client, db, patient, person):
    moving, *others = keep(db, patient, *({"due_at": DUE + timedelta(minutes=n)} for n in range(5)))
    _, cursor = page(client, person, "?limit=2")
    change(db, moving, due_at=DUE + timedelta(hours=1), trend="worse")

    rest = client.get(f"{QUEUE}?limit=10&cursor={cursor}", headers=person.headers).json["items"]

    assert [one["id"] for one in rest] == [*others[1:], moving]
    assert rest[-1]["trend"] == "worse"


@pytest.mark.parametrize("change_to", [{"status": "dismissed"}, {"tier": "T1"}, {"due_at": DUE - timedelta(days=1)}])
def test_a_cursor_stays_good_when_the_candidate_it_was_made_from_is_closed_or_moves(
    client, db, patient, person, change_to
):
    made = keep(db, patient, *({"due_at": DUE + timedelta(minutes=n)} for n in range(5)))
    shown, cursor = page(client, person, "?limit=2")
    change(db, shown[-1], **change_to)

    assert ids(client, person, f"?cursor={cursor}") == made[2:]


def test_each_question_narrows_the_queue(client, db, patient, person):
    bens = ben(db)
    plain, unclear, told = keep(db, patient, {}, {"needs_review": True}, {"escalated_to": "investigator"})
    (his,) = keep(db, bens, {"due_at": DUE + timedelta(hours=1)})

    assert ids(client, person, f"?patient={bens.id}") == [his]
    assert ids(client, person, "?needs_review=true") == [unclear]
    assert set(ids(client, person, "?needs_review=false")) == {plain, told, his}
    assert ids(client, person, "?escalated=true") == [told]
    assert set(ids(client, person, "?escalated=false")) == {plain, unclear, his}
    assert ids(client, person, f"?patient={uuid4()}") == []


@pytest.mark.parametrize("query", ["patient=ann", "needs_review=perhaps", "escalated=x", "snoozed=x", "cursor=x"])
def test_a_question_that_is_none_is_refused_with_its_name(client, person, query):
    refused = client.get(f"{QUEUE}?{query}", headers=person.headers)

    assert refused.status_code == 422


def test_what_nobody_has_looked_at_in_time_says_for_how_long(client, db, patient, person, clock):
    keep(db, patient, {"due_at": DUE}, {"due_at": DUE, "status": "acknowledged"})
    clock.move_trial_time_to("2027-03-01T17:01:00+08:00")

    listed = client.get(QUEUE, headers=person.headers).json["items"]

    assert {one["status"]: one["seconds_overdue"] for one in listed} == {"proposed": 60, "acknowledged": 0}


def test_the_list_names_nobody(client, db, patient, person):
    keep(db, patient, {})

    said = client.get(QUEUE, headers=person.headers).get_data(as_text=True)

    assert [word for word in ("Ann", "138000", patient.name_sealed) if word in said] == []
