"""Thirteen months of a patient with cells and of one without, over HTTP, on a demo's clock.

What people enter, what must reach a telephone and which calls must be made stand in ``year-of-nk.txt`` and
``year-of-control.txt``, written from the trial's calendar by hand and not by the product. Everything that reached a
telephone is listed there, so that one message too many fails as one too few does.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from backend import clock as the_clock
from backend.app import create_app
from backend.config import Mode
from backend.db import Database, system
from backend.demo_clock import keep
from backend.jobs import work_of
from tests import people
from tests.databases import KEYRING, settings_of
from tests.sent import answers, report_body, staff_report_body
from tests.triage.called import staff

API = "/api/v1"
HERE = Path(__file__).parent
ZONE = "Asia/Shanghai"
ENDS = "2025-03-31T12:00"
CALLS = ("patient_silent", "survival_check_unanswered", "call_about_moved_date")
SISTERS_PHONE = "+8613800138002"
SISTER = {"name": "Mei", "phone": SISTERS_PHONE, "relation": "sister", "may_report": False}
BY_TEXT = {"channels": ["sms"], "preferred_time": "19:30", "caregivers": [SISTER | {"may_confirm_survival": True}]}
ENROLLED: dict[str, dict[str, Any]] = {
    "nk": {"consented_on": "2024-01-30", "randomised_on": "2024-01-31"},
    "control": BY_TEXT | {"consented_on": "2024-02-28", "randomised_on": "2024-02-29", "phone": people.BENS_PHONE},
}


class Demo:
    """The doors of a demo, its clock, and a coordinator."""

    def __init__(self, db: Database, client: Any) -> None:
        self.client = client
        self.coordinator = people.coordinator(db).headers

    def send(self, path: str, body: Any, who: dict[str, str], *, method: str = "POST", expected: int = 201) -> Any:
        answer = self.client.open(f"{API}{path}", method=method, json=body, headers=who)
        assert answer.status_code == expected, f"{path} {body}: {answer.text}"
        return answer.json

    def all_of(self, path: str) -> Iterator[Any]:
        cursor = ""
        while cursor is not None:
            address = f"{API}{path}&limit=200" + (f"&cursor={cursor}" if cursor else "")
            page = self.client.get(address, headers=self.coordinator).json
            yield from page["items"]
            cursor = page["next_cursor"]

    def move_to(self, moment: str) -> None:
        """To a minute of Beijing; whatever falls due on the way happens."""
        if the_clock.now() != datetime.fromisoformat(f"{moment}:00+08:00"):
            answer = self.client.post("/demo/clock", json={"to": f"{moment}:00+08:00"})
            assert answer.status_code == 200, answer.text

    def put_on_call(self, somebody: Any) -> None:
        """For as long as a roster may be."""
        now = the_clock.now()
        shift = {"staff_id": str(somebody), "from": now.isoformat(), "to": (now + timedelta(days=399)).isoformat()}
        self.send("/sites/site-01/on-call", {"shifts": [shift]}, self.coordinator, method="PUT", expected=200)


class Year:
    """One patient, and what is entered about the patient on which day."""

    def __init__(self, demo: Demo, arm: str) -> None:
        self.demo, self.staff = demo, demo.coordinator
        body = people.enrolment_body(arm=arm, **ENROLLED[arm])
        self.numbers = [body["phone"], *(one["phone"] for one in body["caregivers"])]
        self.id = demo.send("/patients", body, self.staff)["id"]
        self.of_patient = f"/patients/{self.id}"
        code = demo.send(f"{self.of_patient}/activation-codes", None, self.staff)["code"]
        activation = {"code": code, "birth_year": 1961, "device_id": f"a phone of {arm}"}
        self.phone = people.bearer(demo.send("/auth/activations", activation, {})["access_token"])

    def enter(self, act: str) -> None:
        """One line of the story: a verb, and what it is about."""
        verb, *about = act.split()
        getattr(self, f"_{verb}")(*about)

    def arrived(self) -> list[str]:
        """What left for the patient and the sister, as the story writes it."""
        sent = [one for one in self.demo.all_of(f"/messages?patient={self.id}") if one["channel"] is not None]
        assert {(one["status"], one["channel"]) for one in sent} == {("delivered", "sms")}
        return sorted(
            f"{_local(one['settled_at'])}  {one['recipient']:9}  {one['template']:21}  {one['key']}" for one in sent
        )

    def texts(self) -> list[str]:
        """When each text reached their telephones."""
        phones = [self.demo.client.get(f"/demo/phones/{number}").json for number in self.numbers]
        return sorted(_local(text["at"]) for phone in phones for text in phone["messages"])

    def calls(self) -> list[str]:
        """Every task to telephone the patient there was, as the story writes it."""
        listed = (task for task in self.demo.all_of("/worklist?status=all") if task["patient"]["id"] == self.id)
        return sorted(
            f"{_local(task['due_at'])}  {task['for_role'] or 'everybody':12}  "
            f"{_closed(task['resolved_at'])}  {task['key']}"
            for task in listed
            if task["reason"] in CALLS
        )

    def _app(self, form: str) -> None:
        self.demo.send("/me/reports", report_body(**_filled(form)), self.phone)

    def _phone(self, form: str) -> None:
        self.demo.send(f"{self.of_patient}/reports", staff_report_body(**_filled(form)), self.staff)

    def _attended(self, key: str, status: str = "attended") -> None:
        body = {"status": status, "on": the_clock.local_day(the_clock.now(), ZONE).isoformat()}
        self.demo.send(f"{self.of_patient}/agenda/{key}/attendance", body, self.staff, expected=200)

    def _missed(self, key: str) -> None:
        self._attended(key, "missed")

    def _collect(self, number: str, on: str) -> None:
        body = {"number": int(number), "donor_collection_on": on}
        self.demo.send(f"{self.of_patient}/cycles", body, self.staff)

    def _confirm(self, number: str, **changes: str) -> None:
        body = {"status": "confirmed"} | changes
        self.demo.send(f"{self.of_patient}/cycles/{number}", body, self.staff, method="PATCH", expected=200)

    def _move(self, number: str, on: str) -> None:
        self._confirm(number, day_1_on=on)

    def _fail(self, number: str) -> None:
        self._confirm(number, status="release_failed")

    def _start(self, number: str, day: str) -> None:
        body = {"day": int(day), "started_at": the_clock.now().isoformat()}
        self.demo.send(f"{self.of_patient}/cycles/{number}/infusions", body, self.staff)

    def _spoke(self) -> None:
        """At the first try nobody answers, which closes nothing."""
        for outcome in ("no_answer", "spoke_to_patient"):
            (task,) = self.demo.all_of("/worklist?reason=call_about_moved_date")
            self.demo.send(f"/worklist/{task['id']}/resolutions", {"outcome": outcome}, self.staff)


def _filled(form: str) -> dict[str, Any]:
    now = the_clock.now().isoformat()
    well = {"answers": answers(checklist__seizure=0), "measurements": {"temperature_c": 36.8}}
    return {"id": str(uuid4()), "instrument": form, "started_at": now, "completed_at": now} | well


def _local(moment: str, shown: str = "%Y-%m-%d %a %H:%M") -> str:
    return the_clock.local(datetime.fromisoformat(moment), ZONE).strftime(shown)


def _closed(moment: str | None) -> str:
    return f"closed {_local(moment, '%Y-%m-%d %H:%M')}" if moment else "still open"


def _written(arm: str) -> dict[str, list[str]]:
    """The three lists of a story, by their titles."""
    lists: dict[str, list[str]] = {}
    title = ""
    for line in (HERE / f"year-of-{arm}.txt").read_text(encoding="utf-8").splitlines():
        title = line if line in ("entered", "arrived", "calls") else title
        if title and line and line != title:
            lists.setdefault(title, []).append(line)
    return lists


def _entries(arm: str, lines: list[str]) -> Iterator[tuple[str, str, str]]:
    """(when, whose year, what): first of all, at eight in the morning, the patient is enrolled."""
    yield f"{ENROLLED[arm]['randomised_on']}T08:00", arm, ""
    for line in lines:
        day, _, hour, act = line.split(maxsplit=3)
        yield f"{day}T{hour}", arm, act


@pytest.fixture
def demo(database_url: str, tmp_path: Path, clock: Any) -> Iterator[Demo]:
    """Somebody is on call; like any demo's, the database does not wait for the disk."""
    clock.move_to("2024-01-31T08:00:00+08:00")
    settings = replace(settings_of(database_url, tmp_path), mode=Mode.DEMO)
    db = Database(database_url, KEYRING, threads=8, outlives_power_cuts=False)
    with db.transaction(system("test")) as txn:
        keep(txn)
    made = Demo(db, create_app(settings, db).test_client())
    made.put_on_call(staff(work_of(db, settings)).id)
    yield made
    db.close()


# The rules are the same on both databases, and so are the months; the shorter stories run on PostgreSQL too.
# Half a minute where nothing else runs.
@pytest.mark.timeout(600)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_year_brings_the_prompts_and_the_calls_of_the_calendar_and_no_others(demo: Demo) -> None:
    written, years = {arm: _written(arm) for arm in ENROLLED}, dict[str, Year]()

    for moment, arm, act in sorted(entry for name in ENROLLED for entry in _entries(name, written[name]["entered"])):
        demo.move_to(moment)
        if act:
            years[arm].enter(act)
        else:
            years[arm] = Year(demo, arm)
    demo.move_to(ENDS)

    for arm, year in years.items():
        assert year.arrived() == sorted(written[arm]["arrived"])
        assert year.texts() == sorted(line[:20] for line in written[arm]["arrived"])
        assert year.calls() == sorted(written[arm]["calls"])
