"""Adverse events by term, worst grade and arm: who is counted where, and that tables, picture and lists agree."""

import csv
import io
from datetime import date
from uuid import uuid4
from xml.etree import ElementTree

import pytest

from backend.outcomes.adverse_events import Happened, asked_of_all, rows_of
from tests.adverse_events.sent import CRS, FEVER, in_control
from tests.adverse_events.site import SINCE, Site
from tests.agenda.courses import the_protocol
from tests.databases import KINDS
from tests.people import ben, monitor

API = "/api/v1/outcomes/adverse-events"


def happened(patient: int, grade: int, **known: object) -> Happened:
    whose = [uuid4() for _ in range(3)]
    facts = {
        "term_code": FEVER,
        "arm": "nk",
        "is_serious": False,
        "is_signed": True,
        "is_shared": True,
        "emerged": {"study": True, "cells": True, "drug": True},
        "ctcae_version": "5.0",
        "onset_on": "2027-03-02",
        **known,
    }
    number = f"01-{patient:04d}"
    by_number = {"patient_id": PATIENTS[patient], "subject_number": number, "site_id": whose[0]}
    return Happened(event_id=whose[1], worst_grade=grade, **by_number, **facts)  # type: ignore[arg-type]


PATIENTS = {number: uuid4() for number in range(4)}


def test_a_patient_counts_once_a_term_at_the_worst_grade() -> None:
    twice = [happened(1, 2), happened(1, 4, is_serious=True)]
    others = [happened(2, 1), happened(3, 3, arm="control"), happened(2, 1, term_code=CRS)]

    rows = {(row.term_code, row.arm): row for row in rows_of([*twice, *others])}

    fever = rows[FEVER, "nk"]
    assert (fever.events, fever.patients, fever.severe, fever.serious) == (3, 2, 1, 1)
    assert fever.by_grade == {1: 1, 2: 0, 3: 0, 4: 1, 5: 0}
    assert rows[FEVER, "control"].by_grade[3] == 1
    assert rows[CRS, "nk"].patients == 1


def test_both_arms_are_asked_the_weekly_questions_and_not_the_daily_ones() -> None:
    shared = asked_of_all(the_protocol())

    assert {"weekly", "four_weekly", "quarterly", "baseline"} <= shared
    assert "safety" not in shared


@pytest.fixture
def site(db, client) -> Site:
    """Ann's fever after a report, signed; an event of hers entered directly, a draft; one of Ben's, signed."""
    made = Site(db, client)
    made.sign(made.confirm(made.candidate()).json)
    made.enter(term_code=FEVER, grade=3)
    his = ben(db, **SINCE)
    entered = made.send(
        "POST", f"/patients/{his.id}/adverse-events", in_control(source="visit", term_code=FEVER, grade=2)
    )
    made.sign(entered.json)
    return made


@pytest.mark.parametrize("database_url", KINDS, indirect=True)
def test_signed_events_and_drafts_stand_apart_and_open_into_their_patients(site) -> None:
    shown = site.send("GET", "/outcomes/adverse-events").json

    signed = {(row["term"]["code"], row["arm"]): row for row in shown["signed"]}
    assert signed.keys() == {(CRS, "nk"), (FEVER, "control")}
    assert signed[FEVER, "control"]["by_worst_grade"]["2"] == 1
    assert [(row["term"]["code"], row["grade_3_or_more"]) for row in shown["drafts"]] == [(FEVER, 1)]
    assert len(shown["events"]) == sum(row["events"] for row in shown["signed"] + shown["drafts"]) == 3
    # Her fever came from a report that only her arm's calendar or the patient asks for.
    assert {row["term"]["code"] for row in shown["shared_assessments"]["signed"]} == {FEVER}
    assert {one["arm"]: one["reports"] for one in shown["arms"]} == {"control": 0, "nk": 1}


@pytest.mark.parametrize("database_url", KINDS[:1], indirect=True)
def test_table_and_picture_agree_and_the_filters_choose(db, client, site) -> None:
    reader = monitor(db)

    def ask(accept: str = "application/json", **query: str):
        headers = {**reader.headers, "Accept": accept, "Accept-Language": "en"}
        return client.get(API, query_string=query, headers=headers)

    rows = list(csv.DictReader(io.StringIO(ask("text/csv").text)))
    drawn = " ".join(ElementTree.fromstring(ask("image/svg+xml").text).itertext())

    assert sorted((row["term_code"], row["worst_grade"], row["signed"]) for row in rows) == [
        (FEVER, "2", "True"),
        (FEVER, "3", "False"),
        (CRS, "1", "True"),
    ]
    assert "Cytokine release syndrome" in drawn
    in_chinese = {**reader.headers, "Accept": "image/svg+xml", "Accept-Language": "zh-CN"}
    assert "细胞因子释放综合征" in client.get(API, headers=in_chinese).text
    assert [row["arm"] for row in ask(arm="control").json["signed"]] == ["control"]
    assert ask(cutoff="2027-02-28").json["events"] == []
    assert len(ask(emergent="all").json["events"]) == 3
    assert ask(emergent="often").status_code == 422
    assert ask(cutoff=date(2027, 1, 1).isoformat()).status_code == 422
