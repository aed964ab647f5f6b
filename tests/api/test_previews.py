"""Every act on a calendar can be looked at first: the preview changes nothing, and the act then does just that."""

import json
import re
from collections.abc import Iterator
from typing import Any

from flask import Flask
from sqlalchemy import Select, Table, select

from backend.db import Database, system
from backend.fsck.schema import APPEND_ONLY
from backend.tables import metadata
from tests.documented import document_of, operations
from tests.people import PASSWORD, ann, investigator

API = "/api/v1"
OF_PATIENT = "patients/{patient_id}"
CYCLE = OF_PATIENT + "/cycles/{number}"
# Moving to another version has a test of its own, beside what it needs.
ELSEWHERE = {("POST", "patients/{}/protocol-moves")}
# What stands in an address for something of a kind, whether a place for it or itself.
NAMED = re.compile(r"\{[a-z_]+\}|[0-9a-f]{8}-[0-9a-f-]{27}|(?<=agenda/)[^/]+")
# Written by every request that is signed in.
OF_A_SESSION = "staff_session"

Step = tuple[str, str, str, dict[str, Any]]


class Told:
    """What the story has been told so far: the moment it is at, and the ids that later acts name."""

    def __init__(self, patient_id: str) -> None:
        self.patient_id = patient_id
        self.last: dict[str, Any] = {}
        self.ids: dict[str, str] = {}

    def reversal(self, of: str) -> dict[str, Any]:
        return {"of": self.ids[of], "reason": "Entered for the wrong patient.", "password": PASSWORD}

    def heard(self, path: str, answer: dict[str, Any]) -> None:
        """Remember the id of what an act made, by its name."""
        for name, made in answer.items():
            if isinstance(made, dict) and made.get("id"):
                self.ids[name] = made["id"]
        if "attendance_id" in answer:
            self.ids["attendance"] = answer["attendance_id"]
        if path == "deviations":
            self.ids["deviation"] = answer["id"]
        if answer.get("cycle"):
            self.ids |= {f"start {day}": answer["cycle"][f"day_{day}_start_id"] for day in (1, 2)}


def everything(db: Database) -> dict[str, list[str]]:
    """Every row of every table, as text; of what the database keeps from changing, its id."""
    with db.reading(system("test")) as txn:
        return {
            table.name: sorted(repr(tuple(row)) for row in txn.connection.execute(_columns(table)))
            for table in metadata.sorted_tables
            if table.name != OF_A_SESSION
        }


def _columns(table: Table) -> Select[Any]:
    return select(table.c.id) if table.name in APPEND_ONLY and "id" in table.c else select(table)


def cycles(told: Told) -> Iterator[Step]:
    """A collection, confirmed, moved, failed, and the next one, given."""
    at = "2027-03-01T09:00:00"
    yield at, "POST", OF_PATIENT + "/cycles", {"number": 1, "donor_collection_on": "2027-03-01"}
    yield at, "PATCH", CYCLE, {"status": "confirmed"}
    yield at, "PATCH", CYCLE, {"status": "confirmed", "day_1_on": "2027-03-18"}
    yield at, "PATCH", CYCLE, {"status": "release_failed"}
    yield at, "POST", OF_PATIENT + "/reversals", told.reversal("cycle")
    yield at, "POST", OF_PATIENT + "/cycles", {"number": 1, "donor_collection_on": "2027-03-02"}
    yield at, "PATCH", CYCLE, {"status": "confirmed"}
    at = "2027-03-18T20:00:00"
    yield at, "POST", CYCLE + "/infusions", {"day": 1, "started_at": "2027-03-17T10:00:00+08:00"}
    missed = {"status": "missed", "on": "2027-03-18"}
    yield at, "POST", OF_PATIENT + "/agenda/cycle-1.2.day-2/attendance", missed
    yield at, "POST", OF_PATIENT + "/reversals", told.reversal("attendance")
    yield at, "POST", CYCLE + "/infusions", {"day": 2, "started_at": "2027-03-18T10:00:00+08:00"}
    yield at, "POST", OF_PATIENT + "/reversals", told.reversal("start 2")
    yield at, "POST", OF_PATIENT + "/reversals", told.reversal("start 1")


def follow_up(told: Told) -> Iterator[Step]:
    """A visit, a departure from the protocol, stays in hospital and pauses, with an end each."""
    at = "2027-03-25T12:00:00"
    attended = {"status": "attended", "on": "2027-03-25"}
    yield at, "POST", OF_PATIENT + "/agenda/visit.m1/attendance", attended
    yield at, "POST", OF_PATIENT + "/reversals", told.reversal("attendance")
    other = {"kind": "dose_changed", "occurred_on": "2027-03-20", "subject": "drug", "important": True}
    yield at, "POST", "deviations", other | {"patient": told.patient_id, "reason": "A rash."}
    yield at, "POST", OF_PATIENT + "/reversals", told.reversal("deviation")
    stay = {"admitted_on": "2027-03-24", "planned": False, "reason": "A fever."}
    yield at, "POST", OF_PATIENT + "/hospitalisations", stay
    discharge = OF_PATIENT + "/hospitalisations/" + told.ids["hospitalisation"]
    yield at, "PATCH", discharge, {"discharged_on": "2027-03-25"}
    yield at, "POST", OF_PATIENT + "/reversals", told.reversal("hospitalisation")
    yield at, "POST", OF_PATIENT + "/pauses", {"reason": "A journey.", "until": "2027-04-05"}
    yield at, "POST", OF_PATIENT + "/pauses/" + told.ids["pause"] + "/ends", {}


def stops(told: Told) -> Iterator[Step]:
    """Treatments stopped, withdrawals, and each of them taken back."""
    at = "2027-03-26T12:00:00"
    for treatment in ("targeted_drug", "cells"):
        stopped = {"treatment": treatment, "on": "2027-03-26", "reason": "A rash."}
        yield at, "POST", OF_PATIENT + "/discontinuations", stopped
        yield at, "POST", OF_PATIENT + "/reversals", told.reversal("discontinuation")
    for scope in ("reporting", "study"):
        left = {"from": scope, "on": "2027-03-26", "reason": "Wishes to be left alone."}
        yield at, "POST", OF_PATIENT + "/withdrawals", left
        yield at, "POST", OF_PATIENT + "/reversals", told.reversal("withdrawal")


def without_new_ids(shown: Any) -> Any:
    """What a preview cannot know yet, and the act then says."""
    if not isinstance(shown, dict):
        return shown
    return {name: without_new_ids(value) for name, value in shown.items() if name not in ("id", "attendance_id")}


def test_what_a_preview_says_is_what_the_act_does_and_it_leaves_no_trace(db, client, clock, work):
    patient = ann(db)
    told, seen, now = Told(str(patient.id)), set(), ""

    for story in (cycles, follow_up, stops):
        for moment, method, path, body in story(told):
            if moment != now:
                now = moment
                clock.move_to(f"{moment}+08:00")
                headers = investigator(db).headers
                work.plan()
            address = f"{API}/{path}".format(patient_id=patient.id, number=1)
            before = everything(db)
            preview = client.open(f"{address}?preview=true", method=method, json=body, headers=headers)
            left_behind = everything(db)
            act = client.open(address, method=method, json=body, headers=headers)

            assert (preview.status_code, act.status_code in (200, 201)) == (200, True), (path, preview.json, act.json)
            assert [name for name in before if before[name] != left_behind[name]] == [], path
            assert preview.json["diff"] == act.json["diff"], path
            assert without_new_ids(preview.json) == without_new_ids(act.json), path
            told.heard(path, json.loads(act.text))
            seen.add((method, NAMED.sub("{}", path)))

    assert seen >= can_be_previewed(client.application) - ELSEWHERE


def can_be_previewed(app: Flask) -> set[tuple[str, str]]:
    """Every documented operation that takes ``?preview=``."""
    return {
        (method, NAMED.sub("{}", path.removeprefix(f"{API}/")))
        for path, method, operation in operations(document_of(app))
        if any(one.get("name") == "preview" for one in operation.get("parameters", ()))
    }
