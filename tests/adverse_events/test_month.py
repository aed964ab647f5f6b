"""One month: a fever after an infusion, confirmed, worse, serious, told of, signed, corrected, signed again, over."""

from collections.abc import Callable
from typing import Any

from backend.fsck import check, invariants
from tests.adverse_events.sent import CRS
from tests.adverse_events.site import Site
from tests.api.test_stops import verbs_of

Event = dict[str, Any]
OURS = ("events.", "triage.", "survival.")
DONE = {"recorded", "graded", "changed", "signed", "signature_voided", "voided"}


def confirmed(site: Site, clock: Any) -> Event:
    candidate = site.candidate()
    event, again = site.confirm(candidate, note="The night after."), site.confirm(candidate, by=site.physician)

    assert (event.status_code, event.headers["ETag"], event.json["status"]) == (201, '"1"', "draft")
    assert event.json["candidate_event_id"] == candidate
    assert (event.json["term"]["name"], event.json["note"]) == ("Cytokine release syndrome", "The night after.")
    assert event.json["emergent"]["words"]["cells"].startswith("Cells: emergent. It began on 2027-03-01")
    assert event.json["report_due_at"] is None
    assert (again.status_code, again.json["code"], str(site.nurse.id) in again.text) == (
        409,
        "no_longer_possible",
        True,
    )
    return dict(event.json)


def worse(site: Site, clock: Any, event: Event) -> Event:
    clock.move_trial_time_to("2027-03-03T09:00:00+08:00")
    answer = site.change(event, grade=2, serious=["hospitalisation"], grade_from_on="2027-03-02")

    history = [(one["grade"], one["from_on"]) for one in answer.json["grade_history"]]
    assert (answer.status_code, answer.json["version"], answer.json["worst_grade"]) == (200, 2, 2)
    assert history == [(1, "2027-03-01"), (2, "2027-03-02")]
    assert answer.json["report_due_at"] == "2027-03-04T01:00:00+00:00"
    return dict(answer.json)


def told_of(site: Site, clock: Any, event: Event) -> Event:
    report = {"kind": "initial", "sent_at": "2027-03-03T09:00:00+08:00", "recipients": "sponsor", "reference": "SAE-1"}
    answer = site.send("POST", f"/adverse-events/{event['id']}/safety-reports", report, by=site.physician)

    assert answer.status_code == 201
    assert site.read(event)["reported_at"] is not None
    return event


def signed(site: Site, clock: Any, event: Event) -> Event:
    tries = [
        site.sign(event, by=site.nurse),
        site.sign(event, password="not hers"),
        site.sign(event, version=event["version"] - 1),
        site.sign(event, version=event["version"]),
        site.sign(event),
    ]

    assert [one.status_code for one in tries] == [403, 401, 409, 201, 409]
    standing = site.read(event)
    assert (standing["status"], standing["signature"]) == ("signed", tries[3].json)
    return standing


def corrected(site: Site, clock: Any, event: Event) -> Event:
    same = site.change(event, outcome=event["outcome"])
    answer = site.change(event, outcome="recovering")

    assert (same.json["status"], same.json["version"]) == ("signed", event["version"])
    assert (answer.json["status"], answer.json["signature"]) == ("draft", None)
    assert answer.json["signatures"][-1]["voided"]["because"] == ["outcome"]
    assert site.change(event, outcome="unknown").status_code == 412
    return dict(answer.json)


def resolved(site: Site, clock: Any, event: Event) -> Event:
    clock.move_trial_time_to("2027-03-20T09:00:00+08:00")
    over = site.change(event, outcome="recovered", ended_on="2027-03-19").json
    anew = site.sign(over).json

    query = f"/adverse-events?patient={site.ann.id}&status=signed&serious=true&term={CRS}"
    assert [one["signature"]["id"] for one in site.send("GET", query).json["items"]] == [anew["id"]]
    given = site.send("GET", f"/adverse-events/{event['id']}/signatures").json["items"]
    assert [one["voided"] is None for one in given] == [False, False, True]
    return dict(over)


def voided(site: Site, clock: Any, event: Event) -> Event:
    by_nurse, answer = site.void(event), site.void(event, by=site.physician)

    assert (by_nurse.status_code, answer.status_code) == (403, 201)
    assert (answer.json["status"], answer.json["voided"]["because"]) == ("voided", "Another's.")
    assert site.sign(event).status_code == 409
    assert site.send("GET", f"/candidate-events/{event['candidate_event_id']}").json["status"] == "proposed"
    assert site.send("GET", "/adverse-events").json["items"] == []
    return dict(answer.json)


STEPS: tuple[Callable[[Site, Any, Event], Event], ...] = (worse, told_of, signed, corrected, signed, resolved)


def test_a_month_from_a_fever_to_a_signature_that_stands_and_then_it_was_anothers(db, client, clock):
    site = Site(db, client)
    site.infusion_planned()
    site.infused()

    event = confirmed(site, clock)
    for step in STEPS:
        event = step(site, clock, event)
    voided(site, clock, event)

    assert site.confirm(event["candidate_event_id"]).status_code == 201
    assert {f"adverse_event.{verb}" for verb in DONE} <= verbs_of(db, site.nurse) | verbs_of(db, site.physician)
    ours = [one for one in invariants() if one.name.startswith(OURS)]
    assert [one.invariant.name for one in check(db, ours) if not one.holds] == []
