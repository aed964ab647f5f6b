"""Dismissed, merged and opened again: who may, what is kept of it, and what a person who comes second hears."""

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from sqlalchemy import select, text

from backend.audit import AuditEvent
from backend.db import system
from backend.triage.escalation import escalate_due
from backend.triage.models import CandidateDecision, StaffPage
from tests import people
from tests.adverse_events.sent import judged
from tests.stored import everything_stored
from tests.triage.closed import Ward


@pytest.fixture
def ward(db, client, clock) -> Ward:
    return Ward(db, client, clock)


@pytest.fixture
def urine(ward) -> str:
    """Something urgent that waits: dark urine."""
    ward.signs("dark_urine")
    return ward.at("T2")


def id_of(at: str) -> str:
    return at.rsplit("/", 1)[1]


def told_of(answer) -> dict:
    return {name: answer.json.get(name) for name in ("code", "standing", "by", "role", "at", "kind")}


def test_what_is_urgent_is_dismissed_by_a_physician_and_the_next_hears_by_whom_and_when(ward, db, urine, clock):
    ward.does(ward.coordinator, urine, "claims")
    ward.later("03-01 10:00")

    refused = ward.does(ward.coordinator, urine, "dismissals", reason="not_present")
    done = ward.does(ward.physician, urine, "dismissals", reason="not_present", note="Asked Ann Zhang: beetroot.")
    late = ward.does(ward.coordinator, urine, "dismissals", reason="other", note="x")

    assert (refused.status_code, refused.json["code"]) == (403, "not_permitted")
    assert (done.status_code, done.json["status"], done.json["claimed_by"]) == (201, "dismissed", None)
    assert late.status_code == 409
    by = {"by": str(ward.physician.id), "role": "investigator", "at": "2027-03-01T02:00:00+00:00"}
    assert told_of(late) == {"code": "no_longer_possible", "standing": "dismissed", "kind": "dismissed"} | by
    step = ward.shown(urine)["decisions"][-1]
    assert (step["kind"], step["reason_code"], step["reason"]) == (
        "dismissed",
        "not_present",
        "Asked Ann Zhang: beetroot.",
    )
    assert step["decided_as"] == "investigator"
    assert "beetroot" not in everything_stored(db)
    assert ward.broken() == []


def test_a_coordinator_dismisses_only_what_was_never_urgent(ward, clock):
    ward.tells("a little tired")
    plain = ward.at("T3")
    ward.later("03-02 09:00")
    ward.tells(nausea__frequency=4, nausea__severity=4)
    nausea = ward.at("T2")
    ward.does(ward.coordinator, nausea, "acknowledgements")
    with ward.db.transaction(system("test")) as txn:
        # A later and milder report brought it back at T3.
        txn.session.execute(text("UPDATE candidate_event SET tier = 'T3' WHERE tier = 'T2'"))

    bad = [
        ward.does(ward.coordinator, plain, "dismissals", **body).status_code
        for body in ({}, {"reason": "boring"}, {"reason": "other"}, {"reason": "other", "note": "  "}, {"reason": 3})
    ]

    assert bad == [422] * 5
    assert ward.does(ward.coordinator, nausea, "dismissals", reason="answer_error").status_code == 403
    assert ward.does(ward.coordinator, plain, "dismissals", reason="pre_existing_unchanged").status_code == 201
    assert ward.broken() == []


def test_two_names_of_one_event_become_one_which_is_as_urgent_as_the_worse(ward, db, urine, clock):
    ward.tells("shaking")
    words = ward.at("T3")
    ward.signs("seizure")
    fit = ward.at("T1")
    other = Ward(db, ward.client, clock, people.ben(db))
    other.signs("dark_urine")

    wrong = [
        ward.does(ward.coordinator, fit, "merges", into=into).status_code
        for into in (id_of(fit), id_of(other.at("T2")), str(uuid4()), "x")
    ]
    done = ward.does(ward.coordinator, fit, "merges", into=id_of(words), note="One and the same.")

    assert wrong == [422] * 4
    assert (done.status_code, done.json["status"], done.json["merged_into"]) == (201, "merged", id_of(words))
    target = ward.shown(words)
    assert (target["tier"], target["status"], target["worst"]["tier"]) == ("T1", "acknowledged", "T1")
    assert target["merged"] == [id_of(fit)]
    assert ward.does(ward.coordinator, words, "dismissals", reason="not_present").status_code == 403
    chained = ward.does(ward.coordinator, urine, "merges", into=id_of(fit))
    assert (chained.status_code, chained.json["standing"]) == (409, "merged")
    assert ward.broken() == []


def test_what_was_merged_or_dismissed_returns_to_the_queue_with_a_clock_of_its_own(ward, db, urine, clock):
    ward.signs("seizure")
    fit = ward.at("T1")
    ward.does(ward.coordinator, fit, "merges", into=id_of(urine))
    with db.reading(system("test")) as txn:
        assert txn.session.scalars(select(StaffPage.acknowledged_by)).all() == [ward.coordinator.id]
    ward.later("03-05 10:00")

    bad = [ward.does(ward.coordinator, fit, "reopenings", **body).status_code for body in ({}, {"reason": ""})]
    done = ward.does(ward.coordinator, fit, "reopenings", reason="Two things after all.")
    again = ward.does(ward.physician, fit, "reopenings", reason="Me too.")

    assert bad == [422, 422]
    assert (done.status_code, done.json["status"], done.json["merged_into"]) == (201, "proposed", None)
    assert done.json["due_at"] == "2027-03-05T02:30:00+00:00"
    assert (again.status_code, told_of(again)["by"], told_of(again)["kind"]) == (
        409,
        str(ward.coordinator.id),
        "reopened",
    )
    assert ward.shown(fit)["decisions"][-1]["reason"] == "Two things after all."
    assert ward.shown(urine)["merged"] == []
    assert ward.row(urine).worst["tier"] == "T1"
    # Somebody is called to the emergency that waits again.
    assert escalate_due(db) == {"opened": 1}
    assert ward.broken() == []


def test_the_site_knows_since_when_somebody_first_looked_and_never_later(ward, db, urine, clock):
    looked, watcher = [], people.monitor(db)
    ward.client.get(urine, headers=watcher.headers)
    looked.append(ward.row(urine).first_known_at)
    ward.later("03-03 10:00")
    for who in (ward.coordinator, ward.physician):
        assert ward.client.get(urine, headers=who.headers).status_code == 200
        looked.append(ward.row(urine).first_known_at)
    ward.later("03-04 10:00")
    ward.does(ward.physician, urine, "acknowledgements")

    # The sponsor's monitor makes nothing known to the site.
    assert looked[0] is None
    assert looked[1] == looked[2] == ward.row(urine).first_known_at
    assert looked[1].isoformat() == "2027-03-03T02:00:00+00:00"
    with db.reading(system("test")) as txn:
        noted = select(AuditEvent.actor_id).where(AuditEvent.field == "first_known_at")
        assert txn.session.scalars(noted).all() == [ward.coordinator.id]


def test_another_sites_people_find_nothing_to_close_and_a_watcher_closes_nothing(ward, db, urine):
    stranger, watcher = people.investigator(db, "site-02"), people.monitor(db)
    bodies = {
        "dismissals": {"reason": "not_present"},
        "merges": {"into": str(uuid4())},
        "reopenings": {"reason": "Wrong."},
    }

    for what, body in bodies.items():
        assert ward.does(stranger, urine, what, **body).status_code == 404
        assert ward.does(watcher, urine, what, **body).status_code == 403
    assert ward.row(urine).status == "proposed"


def test_a_report_after_a_dismissal_opens_a_candidate_of_its_own_when_it_is_news(ward, urine, clock):
    ward.does(ward.physician, urine, "dismissals", reason="answer_error")
    ward.signs("dark_urine")
    assert (ward.row(urine).status, ward.row(urine).report_count, ward.at("T2")) == ("dismissed", 2, urine)

    ward.later("03-16 10:00")
    ward.signs("dark_urine")

    assert ward.at("T2") != urine
    assert (ward.row(urine).status, ward.row(urine).is_running) == ("dismissed", False)
    # Opened again, it does not take the reports back.
    assert ward.does(ward.coordinator, urine, "reopenings", reason="Look again.").status_code == 201
    assert (ward.row(urine).is_running, ward.row(ward.at("T2")).status) == (False, "proposed")
    assert ward.broken() == []


def test_what_still_runs_is_merged_into_an_older_one_of_its_term_which_then_takes_the_reports(ward, urine):
    ward.does(ward.physician, urine, "dismissals", reason="answer_error")
    ward.later("03-16 10:00")
    ward.signs("dark_urine")
    again = ward.at("T2")
    ward.does(ward.coordinator, urine, "reopenings", reason="Look again.")

    done = ward.does(ward.coordinator, again, "merges", into=id_of(urine))

    assert (done.status_code, ward.row(again).is_running, ward.row(urine).is_running) == (201, False, True)
    assert ward.broken() == []


def test_of_two_who_decide_at_once_one_does_and_the_other_hears_of_it(ward, db, app, urine):
    ward.signs("seizure")
    fit = ward.at("T1")
    dismissal, reopening = (urine, "dismissals", {"reason": "not_present"}), (urine, "reopenings", {"reason": "a"})
    races = (
        (dismissal, (urine, "confirmations", judged(onset_on="2027-03-01"))),
        (reopening, reopening),
        (dismissal, (urine, "merges", {"into": id_of(fit)})),
        (reopening, reopening),
        ((urine, "merges", {"into": id_of(fit)}), (fit, "merges", {"into": id_of(urine)})),
    )

    for minute, (first, second) in enumerate(races, 1):
        ward.later(f"03-01 08:{minute:02}")
        answers = at_once(app, ward, first, second)
        assert sorted(answer.status_code for answer in answers) == [201, 409]
        refused = next(answer for answer in answers if answer.status_code == 409)
        winner = (ward.physician, ward.coordinator)[[a.status_code for a in answers].index(201)]
        assert (refused.json["by"], refused.json["role"]) == (str(winner.id), winner.actor.roles[0].role)
        assert ward.broken() == []
    with db.reading(system("test")) as txn:
        kinds = txn.session.scalars(select(CandidateDecision.kind)).all()
    assert kinds.count("reopened") == 2


def test_a_report_that_comes_while_somebody_dismisses_opens_nothing_again(ward, urine):
    with ThreadPoolExecutor(2) as pool:
        report = pool.submit(ward.signs, "dark_urine")
        dismissal = pool.submit(ward.does, ward.physician, urine, "dismissals", reason="not_present")
        report.result()

    assert dismissal.result().status_code == 201
    assert (ward.row(urine).status, ward.row(urine).report_count, ward.at("T2")) == ("dismissed", 2, urine)
    assert ward.broken() == []


def at_once(app, ward, *acts):
    def act(person, at, what, body):
        return app.test_client().post(f"{at}/{what}", json=body, headers=person.headers)

    with ThreadPoolExecutor(2) as pool:
        everybody = (ward.physician, ward.coordinator)
        tried = [pool.submit(act, person, *one) for person, one in zip(everybody, acts, strict=True)]
        return [one.result() for one in tried]
