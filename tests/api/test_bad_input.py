"""Whatever is sent to whichever door: a refusal in one shape that names the field, nothing written, never a 500."""

import base64
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import func, literal, select, union_all

from backend.access import ALLOWED, Verb
from backend.api.permissions import TABLE, Who
from backend.db import Database, system
from backend.tables import metadata
from backend.terms import Role
from notifications.inbound import ReceivedText, receive
from tests.people import Person, ann, coordinator, enrolment_body, investigator, member, phone_of
from tests.sent import answers, confirmation_body, death_body, report_body, staff_report_body
from tests.waiting import a_confirmed_cycle_and_a_death_report, a_task

API = "/api/v1"
ROLES = (Role.COORDINATOR, Role.PRINCIPAL_INVESTIGATOR, Role.ADMINISTRATOR, Role.MONITOR)
PLACE = re.compile(r"<(?:(\w+):)?(\w+)>")
FILLED = {"uuid": lambda: str(uuid4()), "int": lambda: "1", None: lambda: "x"}
A_VISIT = "visit.m1"
# What a patient's phone sends here is kept when it is refused; tests/api/test_refused_reports.py has that.
MY_REPORTS = f"{API}/me/reports"
OF_ONES_OWN = {"staff_session", "device_token", "attempt_count"}


@dataclass(frozen=True)
class Door:
    """One method of one route, with an address that leads to it and who may knock."""

    method: str
    address: str
    headers: dict[str, str]
    takes_body: bool
    is_list: bool


def everyone(db: Database) -> dict[Any, Person]:
    staff = {role: member(db, role, "*" if role is Role.ADMINISTRATOR else "site-01") for role in ROLES}
    return {**staff, Who.PATIENT: phone_of(db, ann(db))}


def may_knock(wanted: Who | Verb, people: dict[Any, Person]) -> dict[str, str]:
    if wanted is Who.ANYONE:
        return {}
    if isinstance(wanted, Who):
        return people[Who.PATIENT if wanted in (Who.PATIENT, Who.SIGNED_IN) else Role.COORDINATOR].headers
    return next(people[role].headers for role in ROLES if role in ALLOWED[wanted])


def doors(app: Any, people: dict[Any, Person]) -> Iterator[Door]:
    """Every method of every route in the table, as the published document describes it."""
    document = app.test_client().get(f"{API}/openapi.json").json
    for rule in app.url_map.iter_rules():
        for method, wanted in TABLE.get(rule.endpoint, {}).items():
            operation = document["paths"][PLACE.sub(r"{\2}", rule.rule)][method.lower()]
            listed = {one["name"] for one in operation.get("parameters", []) if "name" in one}
            address = PLACE.sub(lambda place: FILLED[place[1]](), rule.rule)
            yield Door(method, address, may_knock(wanted, people), "requestBody" in operation, "cursor" in listed)


def rows(db: Database) -> dict[str, int]:
    """How many rows each table holds, but for what signing in and staying signed in leave behind."""
    counts = [
        select(literal(table.name).label("name"), func.count().label("rows")).select_from(table)
        for table in metadata.sorted_tables
        if table.name not in OF_ONES_OWN
    ]
    with db.reading(system("test")) as txn:
        return dict(txn.session.execute(union_all(*counts)).all())


def assert_problem(answer: Any, status: int, code: str, field: str | None = None) -> None:
    where = f"{answer.request.method} {answer.request.path}: {answer.status_code} {answer.get_data(as_text=True)[:200]}"
    assert answer.status_code == status, where
    assert answer.content_type == "application/problem+json", where
    assert answer.json["code"] == code, where
    assert {"type", "title", "status", "detail", "request_id"} <= answer.json.keys(), where
    assert field is None or field in answer.json["errors"], where


GARBAGE = [
    (b"{", 400, "malformed_body", None),
    (b"{'a': 1}", 400, "malformed_body", None),
    (b"\xff\xfe\x00", 400, "malformed_body", None),
    (b"[" * 60_000, 400, "malformed_body", None),
    (b'{"a":' * 10_000, 400, "malformed_body", None),
    (b'{"a": ' + b"9" * 5_000 + b"}", 400, "malformed_body", None),
    (b'{"a": 9223372036854775808}', 400, "malformed_body", None),
    (b'{"a": 1e999}', 400, "malformed_body", None),
    (b'{"a": NaN}', 400, "malformed_body", None),
    (b'{"a": 1, "a": 2}', 400, "malformed_body", None),
    (b'{"a": "\\u0000"}', 422, "invalid_input", "a"),
    (b'{"a": [{"b": "\\ud800"}]}', 422, "invalid_input", "a.0.b"),
    (b"[]", 422, "invalid_input", "body"),
    (b'"text"', 422, "invalid_input", "body"),
    (b"7", 422, "invalid_input", "body"),
    (b"null", 422, "invalid_input", "body"),
    (b'{"nonsense": 1}', 422, "invalid_input", "nonsense"),
    (b'{"a": "' + b"x" * 65_536 + b'"}', 413, "body_too_large", None),
]


def test_no_door_takes_garbage(app, db):
    people = everyone(db)
    listed = [door for door in doors(app, people) if door.takes_body and door.address != MY_REPORTS]
    before = rows(db)

    for door in listed:
        for body, status, code, field in GARBAGE:
            answer = app.test_client().open(
                door.address, method=door.method, data=body, headers=door.headers, content_type="application/json"
            )
            assert_problem(answer, status, code, field)

    assert len(listed) > 20
    assert rows(db) == before


def test_no_door_takes_what_is_not_declared_as_json(app, db):
    people = everyone(db)
    before = rows(db)

    for door in doors(app, people):
        if door.takes_body and door.address != MY_REPORTS:
            for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""):
                answer = app.test_client().open(
                    door.address, method=door.method, data=b'{"a": 1}', headers=door.headers, content_type=kind
                )
                assert_problem(answer, 415, "unsupported_media_type")

    assert rows(db) == before


def test_a_method_that_a_door_has_not_is_refused_with_those_it_has(app, db):
    for door in doors(app, everyone(db)):
        answer = app.test_client().open(door.address, method="PROPFIND", headers=door.headers)

        assert_problem(answer, 405, "method_not_allowed")
        assert door.method in answer.headers["Allow"]


def test_an_id_that_is_none_leads_nowhere(app, db):
    for door in doors(app, everyone(db)):
        for part in door.address.split("/"):
            if len(part) == 36:
                for wrong in ("1", part[:-1], part + "0", "%00", "' or 1=1"):
                    address = door.address.replace(part, wrong)
                    answer = app.test_client().open(address, method=door.method, headers=door.headers)
                    assert_problem(answer, 404, "not_found")


def test_a_cursor_we_never_gave_and_a_page_too_long_are_refused(app, db):
    cursors = ["x", "AAAA", "💥", "W10", "x" * 401, _cursor([]), _cursor(["a"] * 9), _cursor({}), _cursor([[1]] * 2)]
    cursors += [_cursor(["T1", "yesterday", "1"]), _cursor(["0001-01-01T00:00:00", str(uuid4())])]
    people = everyone(db)
    listed = [door for door in doors(app, people) if door.is_list]

    for door in listed:
        for query in [{"cursor": one} for one in cursors]:
            answer = app.test_client().get(door.address, query_string=query, headers=door.headers)
            # A patient that is not there is not there, whatever the cursor says.
            assert answer.status_code in (422, 404), (door.address, query)
        for limit in ("0", "-1", "201", "x", "1.5", "9" * 5_000):
            answer = app.test_client().get(door.address, query_string={"limit": limit}, headers=door.headers)
            assert_problem(answer, 422, "invalid_input", "limit")
        unknown = app.test_client().get(door.address, query_string={"colour": "red"}, headers=door.headers)
        assert_problem(unknown, 422, "invalid_input", "colour")

    assert len(listed) > 8


def test_a_stranger_and_a_stale_token_are_told_alike(app, db):
    people = everyone(db)

    for door in doors(app, people):
        if door.headers:
            for headers in ({}, {"Authorization": "Bearer stale"}, {"Authorization": "Basic YTpi"}):
                answer = app.test_client().open(door.address, method=door.method, headers=headers)
                assert_problem(answer, 401, "not_signed_in")
                assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_every_door_takes_what_is_whole_and_leaves_a_trace(app, db):
    for door, body in whole_bodies(db):
        before = rows(db)

        answer = app.test_client().open(door.address, method=door.method, json=body, headers=door.headers)

        assert answer.status_code in (200, 201), (door.address, answer.get_data(as_text=True))
        assert rows(db)["audit_event"] > before["audit_event"], door.address


def whole_bodies(db: Database) -> list[tuple[Door, dict[str, Any]]]:
    """A valid body for each door of the trial, sent by who may."""
    patient = ann(db)
    staff, judge, phone = coordinator(db), investigator(db), phone_of(db, patient)
    received = receive(db, ReceivedText("provider-1", "+8613800138009", "", "who is this?"))
    task = a_task(db, patient)
    about = f"{API}/patients/{patient.id}"
    report = a_confirmed_cycle_and_a_death_report(db, patient)
    own: list[tuple[str, str, Person, dict[str, Any]]] = [
        ("POST", f"{API}/me/reports", phone, a_full_report()),
        ("POST", f"{about}/reports", staff, staff_report_body()),
        ("POST", f"{API}/me/survival-confirmations", phone, confirmation_body(key=None)),
        ("POST", f"{about}/survival-statuses", staff, {"status": "alive", "as_of": "2027-03-01", "source": "phone"}),
        ("POST", f"{about}/cycles", staff, {"number": 2, "donor_collection_on": "2027-03-01"}),
        ("PATCH", f"{about}/cycles/1", staff, {"status": "confirmed", "day_1_on": "2027-03-20"}),
        ("POST", f"{about}/agenda/{A_VISIT}/attendance", staff, {"status": "attended", "on": "2027-03-01"}),
        ("POST", f"{API}/me/agenda/cycle-1.day-1/reply", phone, {"reply": "coming", "note": "x"}),
        ("POST", f"{about}/cycles/1/infusions", staff, {"day": 1, "started_at": "2027-03-01T07:00:00+08:00"}),
        ("POST", f"{API}/me/messages", phone, {"text": "hello", "id": str(uuid4())}),
        ("POST", f"{API}/inbox/{received}/resolutions", staff, {"outcome": "called", "note": "x"}),
        ("POST", f"{API}/worklist/{task}/resolutions", staff, {"outcome": "called", "note": "x"}),
        ("POST", f"{API}/patients", staff, enrolment_body()),
        ("PATCH", f"{API}/me/preferences", phone, {"language": "en", "quiet_from": "21:00", "time_zone": "Asia/Tokyo"}),
        ("POST", f"{about}/death-reports", staff, death_body()),
        ("POST", f"{API}/death-reports/{report}/denials", judge, {"reason": "x"}),
    ]
    return [(Door(method, address, who.headers, True, False), body) for method, address, who, body in own]


def a_full_report() -> dict[str, Any]:
    return report_body(
        answers=answers(nausea__frequency=1, nausea__severity=1),
        instrument="core",
        measurements={"temperature_c": 37.0},
        other_symptoms=[{"text": "x", "severity": 1}],
    )


def _cursor(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"measurements": {"temperature_c": 44}}, ["measurements.temperature_c"]),
        ({"measurements": {"temperature_c": "38"}}, ["measurements.temperature_c"]),
        ({"measurements": {"pulse": 60}}, ["measurements.pulse"]),
        ({"measurements": {"stools_over_baseline": 2.5}}, ["measurements.stools_over_baseline"]),
        ({"answers": answers(nausea__frequency=0, nausea__severity=2)}, ["answers.1.value"]),
        ({"answers": answers(nausea__frequency=5)}, ["answers.0.value"]),
        ({"answers": answers(nausea__frequency=-1)}, ["answers.0.value"]),
        ({"answers": answers(nausea__frequency=True)}, ["answers.0.value"]),
        ({"answers": [{"item": "nausea.frequency", "value": "3"}]}, ["answers.0.value"]),
        ({"answers": [{"item": "nausea.frequency", "value": 1.5}]}, ["answers.0.value"]),
        ({"answers": [{"item": "nausea.frequency"}]}, ["answers.0.value"]),
        ({"answers": [{"item": "nausea.frequency", "value": 1, "unit": "x"}]}, ["answers.0.unit"]),
        ({"answers": answers(nausea__colour=1)}, ["answers.0.item"]),
        ({"answers": answers(nausea__frequency=1) * 2}, ["answers.1.item"]),
        ({"answers": answers(nausea__frequency=1) * 401}, ["answers"]),
        ({"other_symptoms": [{"text": "x"}] * 21}, ["other_symptoms"]),
        ({"other_symptoms": [{"text": "x" * 2_001}]}, ["other_symptoms.0.text"]),
        ({"other_symptoms": [{"text": "痛" * 2_000}] * 8 + [{"text": "x"}]}, ["other_symptoms"]),
        ({"other_symptoms": [{"text": "  "}]}, ["other_symptoms.0.text"]),
        ({"other_symptoms": [{"text": "x", "severity": 5}]}, ["other_symptoms.0.severity"]),
        ({"completed_at": "2027-03-01T07:55:00"}, ["completed_at"]),
        ({"completed_at": "0001-01-01T00:00:00+14:00"}, ["completed_at"]),
        ({"started_at": "9999-12-31T23:59:59-12:00"}, ["started_at"]),
        ({"instrument": "horoscope"}, ["instrument"]),
        ({"instrument_version": 99}, ["instrument_version"]),
        ({"agenda_key": "weekly.w1"}, ["agenda_key"]),
        ({"id": "7"}, ["id"]),
        ({"mode": "phone"}, ["mode"]),
        ({"respondent": "staff"}, ["respondent"]),
        ({"language": "fr"}, ["language"]),
        ({"on_behalf_reason": "x"}, ["on_behalf_reason"]),
        ({"wants_call": "yes"}, ["wants_call"]),
    ],
)
def test_a_report_that_cannot_be_is_refused_by_field(db, client, changes, fields):
    phone = phone_of(db, ann(db))
    before = rows(db)

    body = report_body(instrument="core", answers=answers(nausea__frequency=1)) | changes

    refused = client.post(f"{API}/me/reports", json=body, headers=phone.headers)

    assert_problem(refused, 422, "invalid_input")
    assert [*refused.json["errors"]] == fields
    assert refused.json["kept"]
    assert rows(db)["symptom_report"] == before["symptom_report"]


def test_a_character_that_cannot_be_stored_is_refused_where_it_stands(db, client):
    phone = phone_of(db, ann(db))
    body = json.dumps(report_body(other_symptoms=[{"text": "a"}, {"text": "@"}]))

    for letter in ("\\ud800", "\\u0000"):
        answer = client.post(
            f"{API}/me/reports",
            data=body.replace("@", letter),
            headers=phone.headers,
            content_type="application/json",
        )
        assert_problem(answer, 422, "invalid_input", "other_symptoms.1.text")


def test_every_complaint_comes_at_once(db, client):
    phone = phone_of(db, ann(db))
    body = report_body(
        instrument="core",
        answers=answers(nausea__frequency=9, nausea__colour=1),
        measurements={"temperature_c": 44, "pulse": 1},
    )

    refused = client.post(f"{API}/me/reports", json=body, headers=phone.headers)

    assert sorted(refused.json["errors"]) == [
        "answers.0.value",
        "answers.1.item",
        "measurements.pulse",
        "measurements.temperature_c",
    ]
