"""Adverse events over HTTP: what is refused, who reads what, and what a fact that changes does to them."""

from typing import Any

import pytest

from tests.adverse_events.sent import FATIGUE, IMMUNE_OTHER, in_control, judged
from tests.adverse_events.site import SIGNING, Site
from tests.api.test_stops import verbs_of
from tests.databases import KINDS
from tests.people import PASSWORD, ben, investigator, monitor

pytestmark = pytest.mark.parametrize("database_url", KINDS[:1], indirect=True)


@pytest.fixture
def site(db: Any, client: Any) -> Site:
    return Site(db, client)


# What is sent and the field that is complained of.
REFUSED = [
    ({"term_code": "99999999"}, "term_code"),
    ({"term_code": FATIGUE, "grade": 4}, "grade"),
    ({"grade": 6}, "grade"),
    ({"grade": "one"}, "grade"),
    ({"term_code": IMMUNE_OTHER}, "specify"),
    ({"specify": "x"}, "specify"),
    ({"ctcae_version": "4.0"}, "term_code"),
    ({"onset_on": "2027-13"}, "onset_on"),
    ({"onset_on": "1890"}, "onset_on"),
    ({"onset_on": "2027-03-02"}, "onset_on"),
    ({"outcome": "better"}, "outcome"),
    ({"serious": ["bad"]}, "serious.0"),
    ({"relation_cells": "surely"}, "relation_cells"),
    ({"expected": 1}, "expected"),
    ({"own_grading": "magic"}, "own_grading"),
    ({"colour": "red"}, "colour"),
]


def test_what_cannot_be_is_refused_by_its_field_and_leaves_the_candidate_as_it_was(db, site):
    candidate = site.candidate()
    before = verbs_of(db, site.nurse)

    for changes, field in REFUSED:
        answer = site.confirm(candidate, **changes)
        assert (answer.status_code, [*answer.json["errors"]]) == (422, [field]), changes

    assert verbs_of(db, site.nurse) == before
    assert site.send("GET", "/candidate-events").json["items"][0]["status"] == "proposed"


def test_a_change_or_a_grade_that_cannot_be_leaves_the_event_as_it_was(site):
    event = site.enter()
    path = f"/adverse-events/{event['id']}"
    grades = [
        ({"grade": 2, "from_on": "2027-02-28"}, ["from_on"]),
        ({"grade": 2, "from_on": "2027-03-02"}, ["from_on"]),
        ({"grade": 5, "from_on": "2027-03-01"}, ["outcome", "serious"]),
    ]
    changes = [
        ({"grade_from_on": "2027-03-01"}, ["grade_from_on"]),
        ({"term_code": FATIGUE, "grade": 4}, ["grade"]),
        ({"grade": 2, "reason": ""}, ["reason"]),
        ({"source": "call"}, ["source"]),
    ]

    refused = [site.send("POST", f"{path}/grades", {"reason": "news"} | body) for body, _ in grades]
    refused += [site.change(event, **body) for body, _ in changes]
    unmatched = site.send("PATCH", path, {"grade": 2, "reason": "news"})

    assert [sorted(one.json["errors"]) for one in refused] == [fields for _, fields in (*grades, *changes)]
    assert {one.status_code for one in refused} == {422}
    assert unmatched.status_code == 428
    assert site.read(event) == event


def test_a_grade_without_a_day_never_lowers_the_worst_one_and_said_again_for_a_day_it_corrects_it(site, clock):
    event = site.enter(grade=3)
    clock.move_trial_time_to("2027-03-05T09:00:00+08:00")

    better = site.change(event, grade=1).json
    mended = site.send(
        "POST", f"/adverse-events/{event['id']}/grades", {"grade": 2, "from_on": "2027-03-01", "reason": "A slip."}
    ).json

    assert [(one["grade"], one["worst_grade"]) for one in (event, better, mended)] == [(3, 3), (1, 3), (1, 2)]
    assert [one["from_on"] for one in mended["grade_history"]] == ["2027-03-01", "2027-03-05", "2027-03-01"]


def test_words_are_for_those_who_care_and_another_site_hears_of_nothing(db, site):
    words = {"term_code": IMMUNE_OTHER, "specify": "GVHD of the skin", "own_grading": "gvhd", "own_grade": "II"}
    event, elsewhere = site.enter(**words), investigator(db, "site-02")
    path = f"/adverse-events/{event['id']}"

    hers, theirs = site.read(event), site.read(event, by=monitor(db))
    foreign = [
        site.send("GET", path, by=elsewhere),
        site.send("POST", f"{path}/signatures", SIGNING, by=elsewhere),
        site.send("POST", f"{site.of_ann}/adverse-events", judged(source="call"), by=elsewhere),
    ]
    listed = site.send("GET", "/adverse-events")

    assert (event["source"], event["own_grade"], hers["specify"]) == ("visit", "II", "GVHD of the skin")
    assert {"specify", "note"} & theirs.keys() == set()
    assert [one.status_code for one in foreign] == [404, 404, 404]
    assert "GVHD" not in listed.text
    assert "patient.identifiers_read" in verbs_of(db, site.nurse)


def test_who_receives_no_cells_owes_them_nothing_and_pages_follow_each_other(db, site):
    control = f"/patients/{ben(db).id}/adverse-events"
    site.enter()

    with_cells = site.send("POST", control, judged(source="call"))
    without = site.send("POST", control, in_control(source="call", onset_on="2027")).json
    first = site.send("GET", "/adverse-events?limit=1&status=draft").json
    rest = site.send("GET", f"/adverse-events?cursor={first['next_cursor']}").json

    assert (with_cells.status_code, {*with_cells.json["errors"]}) == (422, {"relation_cells", "action_cells"})
    assert (without["study_emergent"], without["cells_emergent"]) == (True, False)
    assert "known only as 2027" in without["emergent"]["words"]["study"]
    assert len({one["id"] for one in (*first["items"], *rest["items"])}) == 2


def test_an_infusion_that_is_recorded_or_taken_back_brings_the_flags_to_what_is_known(site):
    site.infusion_planned()
    event = site.enter()
    signed = site.sign(event).json

    given = site.infused()
    after = site.read(event)
    start = {"of": given.json["cycle"]["day_1_start_id"], "reason": "another's", "password": PASSWORD}
    undone = site.send("POST", f"{site.of_ann}/reversals", start, by=site.physician)
    again = site.read(event)

    assert (given.status_code, undone.status_code) == (201, 201)
    assert [one["cells_emergent"] for one in (event, after, again)] == [False, True, False]
    assert after["emergent"]["facts"]["last_infusion_on"] == "2027-03-01"
    assert "2027-03-31" in after["emergent"]["words"]["cells"]
    assert [one["signature"] for one in (after, again)] == [signed, signed]
