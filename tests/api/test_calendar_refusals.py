"""What cannot have been, or cannot be: each refused by name, with the field and the rule, and a preview of it too."""

from typing import Any
from uuid import uuid4

from tests.api.test_previews import everything
from tests.people import PASSWORD, ann, ben, investigator

API = "/api/v1"
NOBODY = str(uuid4())
ATTENDED = {"status": "attended", "on": "2027-03-20"}
STAY = {"admitted_on": "2027-03-10", "planned": True, "reason": "A scan."}
STOPPED = {"treatment": "targeted_drug", "on": "2027-03-20", "reason": "A rash."}
LEFT = {"from": "study", "on": "2027-03-20", "reason": "Wishes to be left alone."}
DEVIATION = {"kind": "dose_changed", "subject": "drug", "important": True, "reason": "A rash."}

# What is asked, on which address, and how it is refused: the status, the field (or the code), and words of the rule.
REFUSALS: tuple[tuple[str, str, dict[str, Any], int, str, str], ...] = (
    (
        "POST",
        "cycles",
        {"number": 3, "donor_collection_on": "2027-02-19"},
        422,
        "donor_collection_on",
        "Before consent",
    ),
    ("POST", "cycles", {"number": 3, "donor_collection_on": "2031-03-01"}, 422, "donor_collection_on", "a year ahead"),
    ("POST", "cycles", {"number": 4, "donor_collection_on": "2027-03-19"}, 422, "number", "from 1 to 3"),
    ("POST", "cycles", {"number": 1, "donor_collection_on": "2027-03-19"}, 409, "already_exists", "Cycle 1 has its"),
    ("PATCH", "cycles/2", {"status": "confirmed", "day_1_on": "2031-03-01"}, 422, "day_1_on", "a year ahead"),
    ("PATCH", "cycles/2", {"status": "confirmed", "day_1_on": "2027-03-10"}, 422, "day_1_on", "after the collection"),
    ("PATCH", "cycles/2", {"status": "confirmed", "day_1_on": "2027-03-19"}, 422, "day_1_on", "in the past"),
    ("PATCH", "cycles/1", {"status": "confirmed", "day_1_on": "2027-03-30"}, 409, "no_longer_possible", "never moves"),
    ("PATCH", "cycles/3", {"status": "confirmed"}, 404, "not_found", ""),
    (
        "POST",
        "cycles/1/infusions",
        {"day": 2, "started_at": "2027-03-16T09:00:00+08:00"},
        422,
        "started_at",
        "Day 2 comes",
    ),
    (
        "POST",
        "cycles/1/infusions",
        {"day": 1, "started_at": "2027-03-16T11:00:00+08:00"},
        409,
        "no_longer_possible",
        "day 1",
    ),
    ("POST", "cycles/1/infusions", {"day": 3, "started_at": "2027-03-17T09:00:00+08:00"}, 422, "day", "Must be one of"),
    (
        "POST",
        "cycles/2/infusions",
        {"day": 1, "started_at": "2027-03-20T12:01:00+08:00"},
        422,
        "started_at",
        "in the future",
    ),
    (
        "POST",
        "cycles/2/infusions",
        {"day": 1, "started_at": "2027-03-10T09:00:00+08:00"},
        422,
        "started_at",
        "collection",
    ),
    ("POST", "cycles/2/infusions", {"day": 1, "started_at": "2027-02-19T09:00:00+08:00"}, 422, "started_at", "consent"),
    (
        "POST",
        "cycles/2/infusions",
        {"day": 2, "started_at": "2027-03-20T09:00:00+08:00"},
        422,
        "started_at",
        "Day 2 comes",
    ),
    ("POST", "agenda/visit.m99/attendance", ATTENDED, 404, "not_found", ""),
    ("POST", "agenda/weekly.w1/attendance", ATTENDED, 422, "key", "Only visits"),
    ("POST", "agenda/cycle-2.day-1/attendance", ATTENDED, 422, "status", "Record the start"),
    ("POST", "agenda/visit.m1/attendance", ATTENDED | {"on": "2027-03-21"}, 422, "on", "not come yet"),
    ("POST", "agenda/visit.m1/attendance", ATTENDED | {"on": "2031-03-20"}, 422, "on", "not come yet"),
    ("POST", "agenda/visit.m1/attendance", ATTENDED | {"on": "2027-02-24"}, 422, "on", "Before randomisation"),
    ("POST", "agenda/imaging.m0/attendance", ATTENDED | {"on": "2027-02-19"}, 422, "on", "Before consent"),
    ("POST", "hospitalisations", STAY | {"discharged_on": "2027-03-09"}, 422, "discharged_on", "Before the admission"),
    ("POST", "hospitalisations", STAY | {"admitted_on": "2027-02-19"}, 422, "admitted_on", "Before consent"),
    ("POST", "hospitalisations", STAY | {"admitted_on": "2031-02-19"}, 422, "admitted_on", "not come yet"),
    ("POST", "discontinuations", STOPPED, 409, "already_exists", "was discontinued on 2027-03-18"),
    ("POST", "discontinuations", STOPPED | {"treatment": "cells", "on": "2027-02-19"}, 422, "on", "Before consent"),
    ("POST", "discontinuations", STOPPED | {"treatment": "cells", "on": "2027-03-15"}, 422, "on", "which was given"),
    ("POST", "discontinuations", STOPPED | {"treatment": "cells", "on": "2031-03-15"}, 422, "on", "not come yet"),
    ("POST", "withdrawals", LEFT | {"on": "2027-02-19"}, 422, "on", "Before consent"),
    ("POST", "withdrawals", LEFT | {"on": "2031-03-20"}, 422, "on", "not come yet"),
    ("POST", "pauses", {"reason": "A journey.", "until": "2027-03-20"}, 422, "until", "to come"),
    ("POST", "pauses", {"reason": "A journey.", "until": "2027-01-01"}, 422, "until", "to come"),
    ("POST", "pauses", {"reason": "A journey.", "until": "2031-01-01"}, 422, "until", "At most 90 days"),
    ("POST", "deviations", DEVIATION | {"occurred_on": "2027-02-19"}, 422, "occurred_on", "Before consent"),
    ("POST", "deviations", DEVIATION | {"occurred_on": "2027-03-21"}, 422, "occurred_on", "not come yet"),
    ("POST", "reversals", {"of": "undone"}, 409, "no_longer_possible", "reversed before"),
    ("POST", "reversals", {"of": "reversal"}, 409, "no_longer_possible", "A reversal is not reversed"),
    ("POST", "reversals", {"of": "cycle"}, 409, "no_longer_possible", "The start of day 1 is recorded (cycle-1.day-1)"),
    ("POST", "reversals", {"of": "another's"}, 404, "not_found", ""),
    ("POST", "reversals", {"of": "nobody's"}, 404, "not_found", ""),
)


def test_what_cannot_be_is_refused_by_name_and_so_is_its_preview(db, client, clock):
    scene = Scene(db, client, clock)
    before = everything(db)

    for method, path, body, status, where, words in REFUSALS:
        for preview in ("", "?preview=true"):
            answer = scene.ask(method, path + preview, body)
            told = (method, path, body, answer.status_code, answer.json)
            assert answer.status_code == status, told
            fields = answer.json.get("errors") or {}
            assert where in (fields if status == 422 else (answer.json["code"],)), told
            assert words in (" ".join(fields[where]) if status == 422 else answer.json["detail"]), told

    left = everything(db)
    assert [name for name in before if before[name] != left[name] and name != "rate_count"] == []


class Scene:
    """Ann on 20 March: her first cells given on the 16th, more confirmed for the 25th, the drug stopped on the 18th."""

    def __init__(self, db: Any, client: Any, clock: Any) -> None:
        self.client, self.ann, other = client, ann(db), ben(db)
        self.at = f"{API}/patients/{self.ann.id}"
        self.headers = investigator(db).headers
        first = self.told("POST", "cycles", {"number": 1, "donor_collection_on": "2027-03-01"})["cycle"]
        self.told("PATCH", "cycles/1", {"status": "confirmed"})
        clock.move_to("2027-03-20T12:00:00+08:00")
        self.headers = investigator(db).headers
        self.told("POST", "cycles/1/infusions", {"day": 1, "started_at": "2027-03-16T10:00:00+08:00"})
        self.told("POST", "cycles", {"number": 2, "donor_collection_on": "2027-03-10"})
        self.told("PATCH", "cycles/2", {"status": "confirmed"})
        mistake = self.told("POST", "discontinuations", STOPPED)["discontinuation"]["id"]
        self.ids = {"cycle": first["id"], "undone": mistake, "nobody's": NOBODY}
        self.ids["reversal"] = self.told("POST", "reversals", {"of": "undone"})["reversal"]["id"]
        self.told("POST", "discontinuations", STOPPED | {"on": "2027-03-18"})
        his = client.post(f"{API}/patients/{other.id}/discontinuations", json=STOPPED, headers=self.headers)
        self.ids["another's"] = his.json["discontinuation"]["id"]

    def ask(self, method: str, path: str, body: dict[str, Any]) -> Any:
        address = f"{self.at}/{path}"
        if path.startswith("deviations"):
            address, body = f"{API}/{path}", body | {"patient": str(self.ann.id)}
        if path.startswith("reversals"):
            body = {"of": self.ids[body["of"]], "reason": "Entered by mistake.", "password": PASSWORD}
        return self.client.open(address, method=method, json=body, headers=self.headers)

    def told(self, method: str, path: str, body: dict[str, Any]) -> Any:
        answer = self.ask(method, path, body)
        assert answer.status_code in (200, 201), answer.json
        return answer.json
