"""Every figure opens into its patients and events: data, table, picture and lists are walked and must agree."""

import csv
import io
from collections import Counter
from typing import Any
from xml.etree import ElementTree

import pytest
from sqlalchemy import select

from backend.db import Database, system
from backend.protocol.load import load_protocol
from backend.protocol.models import ProtocolVersion
from tests.adverse_events.sent import FEVER, in_control
from tests.adverse_events.site import SINCE, Site
from tests.databases import KINDS
from tests.people import ann, ben, coordinator, investigator, monitor
from tests.sent import death_body

OUTCOMES = "/api/v1/outcomes"
FILTERS: tuple[dict[str, str], ...] = (
    {},
    {"arm": "nk"},
    {"site": "site-01"},
    {"cutoff": "2027-04-20"},
    {"arm": "control", "site": "site-01", "cutoff": "2027-06-30"},
)


class Reader:
    """Somebody who reads outcomes in every way there is."""

    def __init__(self, client: Any, headers: dict[str, str]) -> None:
        self.client, self.headers = client, headers

    def ask(self, path: str, accept: str = "application/json", **query: str) -> Any:
        headers = {**self.headers, "Accept": accept, "Accept-Language": "en"}
        return self.client.get(f"{OUTCOMES}{path}", query_string=query, headers=headers)

    def data(self, path: str, **query: str) -> Any:
        answer = self.ask(path, **query)
        assert answer.status_code == 200, answer.json
        return answer.json

    def rows(self, path: str, **query: str) -> list[dict[str, str]]:
        return list(csv.DictReader(io.StringIO(self.ask(path, "text/csv", **query).text)))

    def told(self, path: str, **query: str) -> str:
        """The picture's words, its title and description among them."""
        return " ".join(ElementTree.fromstring(self.ask(path, "image/svg+xml", **query).text).itertext())


@pytest.fixture
def trial(db: Database, client: Any, clock: Any) -> Site:
    """Ann has reported, had a fever, responded, and died in May; Ben has progressed; Cai, elsewhere, was never seen."""
    made = Site(db, client)
    made.sign(made.confirm(made.candidate()).json)
    made.enter(term_code=FEVER, grade=3)
    his = ben(db, **SINCE)
    ann(db, "site-02", phone="+8613800138055", **SINCE)
    entered = made.send(
        "POST", f"/patients/{his.id}/adverse-events", in_control(source="visit", term_code=FEVER, grade=2)
    )
    made.sign(entered.json)
    clock.move_to("2027-07-01T09:00:00+08:00")
    made.nurse, made.physician = coordinator(db), investigator(db)
    for patient, response in ((made.ann, "PR"), (his, "PD")):
        assessed = {"assessed_on": "2027-04-15", "response": response}
        made.send("POST", f"/patients/{patient.id}/tumour-assessments", assessed)
    told = made.send("POST", f"{made.of_ann}/death-reports", death_body(died_on="2027-05"))
    assert made.send("POST", f"/death-reports/{told.json['id']}/approvals", {}, by=made.physician).status_code == 201
    return made


@pytest.mark.parametrize("database_url", KINDS, indirect=True)
def test_overall_survival_and_disease_control_agree_with_their_patients(db: Database, client: Any, trial: Site) -> None:
    reader = Reader(client, monitor(db).headers)
    for query in FILTERS:
        shown, rows = reader.data("/overall-survival", **query), reader.rows("/overall-survival", **query)
        of_arms = Counter(one["arm"] for one in shown["patients"])
        died = Counter(one["arm"] for one in shown["patients"] if one["has_died"])
        assert len(rows) == len(shown["patients"]) == shown["together"]["patients"]
        assert sum(row["has_died"] == "True" for row in rows) == died.total() == shown["together"]["events"]
        assert sum(one["is_imputed"] for one in shown["patients"]) == shown["imputed"]
        for curve in shown["arms"]:
            days = [one["days"] for one in shown["patients"] if one["arm"] == curve["arm"]]
            assert (curve["patients"], curve["events"]) == (of_arms[curve["arm"]], died[curve["arm"]])
            assert [step["at_risk"] for step in curve["steps"]] == [
                sum(day >= step["day"] for day in days) for step in curve["steps"]
            ]
            words = f"{curve['patients']} patients, {curve['events']} deaths"
            assert words in reader.told("/overall-survival", **query)
        control = reader.data("/disease-control", **query)
        best = Counter(one["best_response"] for one in control["patients"])
        share = control["together"]["controlled"]
        assert {name: number for name, number in control["together"]["best_responses"].items() if number} == best
        assert share["count"] == sum(one["is_controlled"] for one in control["patients"])
        assert share["of"] == len(control["patients"]) == len(reader.rows("/disease-control", **query))
        for arm in control["arms"]:
            counted = f"{arm['controlled']['count']} of {arm['controlled']['of']} controlled"
            assert counted in reader.told("/disease-control", **query)


@pytest.mark.parametrize("database_url", KINDS[:1], indirect=True)
def test_adverse_events_and_adherence_agree_with_their_lists(db: Database, client: Any, trial: Site) -> None:
    reader = Reader(client, monitor(db).headers)
    for query in FILTERS:
        shown, rows = reader.data("/adverse-events", **query), reader.rows("/adverse-events", **query)
        assert len(rows) == len(shown["events"])
        for is_signed, table in ((True, shown["signed"]), (False, shown["drafts"])):
            for row in table:
                _opens(row, [one for one in shown["events"] if one["signed"] is is_signed], shown)
        for row in shown["signed"]:
            assert f"{row['patients']}/" in reader.told("/adverse-events", **query)
        told = reader.told("/adverse-events", **query)
        for arm in shown["arms"]:
            assert f"{arm['reports_per_patient_month']:.1f}" in told.partition("Reports per patient-month")[2]
            of_arm = [one for one in shown["patients"] if one["arm"] == arm["arm"]]
            assert (len(of_arm), sum(one["reports"] for one in of_arm)) == (arm["patients"], arm["reports"])
        asked, assessments = reader.data("/adherence", **query), reader.rows("/adherence", **query)
        came = Counter(row["came"] for row in assessments)
        whole = asked["together"]
        assert (len(assessments), came["on_time"]) == (whole["expected"], whole["on_time"])
        for groups in (asked["arms"], asked["sites"], asked["patients"]):
            assert sum(one["expected"] for one in groups) == whole["expected"]
        for arm in asked["arms"]:
            by_week = Counter(int(row["week"]) for row in assessments if row["arm"] == arm["arm"])
            assert {one["week"]: one["expected"] for one in arm["weeks"]} == by_week
            assert f"{arm['expected']} expected" in reader.told("/adherence", **query)


def _opens(row: dict[str, Any], events: list[dict[str, Any]], shown: dict[str, Any]) -> None:
    """A line of the table counts exactly the events of its term and arm in the list, and their patients."""
    found = [one for one in events if (one["term"], one["arm"]) == (row["term"], row["arm"])]
    worst: dict[str, int] = {}
    for one in found:
        worst[one["patient"]["id"]] = max(one["worst_grade"], worst.get(one["patient"]["id"], 0))
    assert (row["events"], row["patients"]) == (len(found), len(worst))
    assert row["grade_3_or_more"] == sum(grade >= 3 for grade in worst.values())
    assert row["serious"] == len({one["patient"]["id"] for one in found if one["serious"]})
    assert row["study_emergent"] == len({one["patient"]["id"] for one in found if one["study_emergent"]})
    assert {int(grade): number for grade, number in row["by_worst_grade"].items() if number} == Counter(worst.values())
    assert worst.keys() <= {one["patient"]["id"] for one in shown["patients"]}


@pytest.mark.parametrize("database_url", KINDS[:1], indirect=True)
def test_who_is_kept_blind_sees_one_group_of_all_and_no_arm_by_itself(db: Database, client: Any, trial: Site) -> None:
    with db.transaction(system("test")) as txn:
        first = txn.session.scalars(select(ProtocolVersion)).one()
        load_protocol(txn, first.content | {"blinded_roles": ["monitor"]})
    blind, care = Reader(client, monitor(db).headers), Reader(client, trial.nurse.headers)

    for path in ("/overall-survival", "/disease-control", "/adherence", "/adverse-events"):
        shown = blind.data(path)
        assert [arm["arm"] for arm in shown["arms"]] == ["all"]
        assert {one["arm"] for one in shown.get("events", shown["patients"]) if "arm" in one} <= {"all"}
        assert {row["arm"] for row in blind.rows(path)} == {"all"}
        assert "All patients" in blind.told(path)
        assert "NK" not in blind.told(path)
        refused = blind.ask(path, arm="nk")
        assert (refused.status_code, refused.json["code"]) == (403, "arms_blinded")
        assert {arm["arm"] for arm in care.data(path)["arms"]} == {"control", "nk"}
    assert blind.data("/overall-survival")["log_rank"] is None
