"""Adherence: what was expected, how it came, and that table, picture and lists agree."""

import csv
import io
from datetime import date
from xml.etree import ElementTree

import pytest

from backend.db import Database
from tests import sent
from tests.databases import KINDS
from tests.people import ann, ben, coordinator, monitor, phone_of

API = "/api/v1/outcomes/adherence"


def report(client, phone, when: str, **more: object) -> None:
    moment = f"{when}T10:00:00+08:00"
    body = sent.report_body(started_at=moment, completed_at=moment, **more)
    assert client.post("/api/v1/me/reports", json=body, headers=phone.headers).status_code == 201


@pytest.fixture
def weeks(db: Database, client, clock):
    """Ben was randomised on 1 March: his first weekly report came in time, the second late, the third not at all."""
    clock.move_to("2027-03-01T09:00:00+08:00")
    patient = ben(db, caregivers=(), consented_on=date(2027, 2, 25), randomised_on=date(2027, 3, 1))
    for week, when in ((1, "2027-03-08"), (2, "2027-03-21")):
        clock.move_to(f"{when}T10:00:00+08:00")
        asked = {"instrument": "weekly", "agenda_key": f"weekly.w{week}", "answers": sent.answers(checklist__seizure=0)}
        report(client, phone_of(db, patient), when, **asked)
    clock.move_to("2027-03-28T09:00:00+08:00")
    return patient


@pytest.mark.parametrize("database_url", KINDS, indirect=True)
def test_each_expected_assessment_is_in_time_late_or_missed(db, client, weeks) -> None:
    shown = client.get(API, headers=coordinator(db).headers).json

    control = {one["week"]: one for one in shown["arms"][0]["weeks"]}
    assert [one["arm"] for one in shown["arms"]] == ["control"]
    assert (control[0]["expected"], control[0]["missed"]) == (1, 1)
    assert [(control[week]["on_time"], control[week]["late"], control[week]["missed"]) for week in (1, 2, 3)] == [
        (1, 0, 0),
        (0, 1, 0),
        (0, 0, 1),
    ]
    assert {name: shown["together"][name] for name in ("expected", "on_time", "late", "missed")} == {
        "expected": 4,
        "on_time": 1,
        "late": 1,
        "missed": 2,
    }
    assert sum(one["expected"] for one in shown["patients"]) == sum(one["expected"] for one in shown["sites"]) == 4


def test_the_table_the_picture_and_the_data_agree_and_a_cut_off_ignores_what_came_after(db, client, weeks) -> None:
    ann(db, "site-02", consented_on=date(2027, 3, 20), randomised_on=date(2027, 3, 25))
    reader = monitor(db)

    def ask(accept: str, **query: str):
        headers = {**reader.headers, "Accept": accept, "Accept-Language": "en"}
        return client.get(API, query_string=query, headers=headers)

    rows = list(csv.DictReader(io.StringIO(ask("text/csv").text)))
    drawn = " ".join(ElementTree.fromstring(ask("image/svg+xml").text).itertext())
    early = ask("application/json", cutoff="2027-03-15").json["together"]

    assert [(row["key"], row["came"]) for row in rows if row["key"].startswith("weekly")] == [
        ("weekly.w1", "on_time"),
        ("weekly.w2", "late"),
        ("weekly.w3", "missed"),
    ]
    assert f"{len(rows)} expected, 1 in time, 1 late, {len(rows) - 2} missed" in drawn
    assert (early["expected"], early["on_time"], early["late"]) == (2, 1, 0)
