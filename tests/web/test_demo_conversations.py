"""What a phone of the demo shows besides its texts, and conversations that are played on it."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

import notifications
from backend import clock as the_clock
from backend.db import Database, system
from backend.errors import BadSeedFile
from backend.patients.symptom_report import SymptomReport
from backend.staff.models import Site
from backend.survival import deaths
from backend.terms import PauseKind, Recipient
from notifications import opt_outs
from notifications.outbox import Letter
from schemas.demo_conversations import RecordedConversationFile
from schemas.seed_files import read_seed_file
from seeds.demo.recorded import recordings
from tests.people import ANNS_PHONE, BENS_PHONE, ann, ben

ROOT = Path(__file__).parents[2]
TEST = system("test")
# What a text does in either database is held elsewhere; here it is who writes it.
ON_ONE_DATABASE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
PLAYED = f"/demo/phones/{ANNS_PHONE}/replays"


def shown(demo, number):
    return demo.get(f"/demo/phones/{number}").json


def played(demo, name, number=ANNS_PHONE):
    """The texts that a recorded conversation added to a phone."""
    before = len(shown(demo, number)["messages"])
    answer = demo.post(f"/demo/phones/{number}/replays", json={"name": name})
    assert answer.status_code == 201, answer.text
    return [(one["direction"], one["text"]) for one in answer.json["messages"][before:]]


def queue_for(db: Database, patient, key: str) -> None:
    with db.transaction(TEST) as txn:
        letter = Letter(
            key=key, template="report_due", recipient=Recipient.PATIENT, send_at=txn.now, patient_id=patient.id
        )
        notifications.queue(txn, letter)


@ON_ONE_DATABASE
def test_a_phone_tells_what_became_of_each_text_and_why_one_did_not_leave(db, demo, ticker):
    ann(db)
    patient = ben(db, language="en", caregivers=())
    etag = demo.get("/demo/phones").headers["ETag"]
    demo.post("/demo/clock", json={"to": "2027-03-01T23:00:00+08:00"})
    queue_for(db, patient, "at-night")
    ticker.run("dispatch")
    demo.post(f"/demo/phones/{BENS_PHONE}", json={"text": "help"})
    demo.post("/demo/clock", json={"by": "1m"})
    demo.post(f"/demo/phones/{BENS_PHONE}", json={"text": "my cousin's garden is full of snow"})

    by_night = shown(demo, BENS_PHONE)
    demo.post(f"/demo/phones/{BENS_PHONE}", json={"text": "STOP"})
    demo.post("/demo/clock", json={"to": "2027-03-02T10:00:00+08:00"})
    next_day = shown(demo, BENS_PHONE)

    states = [(one["direction"], one["state"]) for one in by_night["messages"]]
    assert states[-4:] == [
        ("inbound", "handled"),
        ("outbound", "delivered"),
        ("inbound", "for_a_person"),
        ("outbound", "delivered"),
    ]
    held = by_night["not_sent"][-1]
    assert (held["state"], held["reason"], held["template"]) == ("queued", "quiet_hours", "report_due")
    assert held["until"] > held["at"]
    assert ("suppressed", "opted_out") in {(one["state"], one["reason"]) for one in next_day["not_sent"]}
    assert [one for one in next_day["not_sent"] if one["until"]] == []
    assert demo.get("/demo/phones", headers={"If-None-Match": etag}).status_code == 200


@ON_ONE_DATABASE
def test_what_the_app_shows_instead_is_told_too(db, demo):
    ann(db)
    demo.post(f"/demo/phones/{ANNS_PHONE}", json={"text": "STOP"})

    demo.post("/demo/clock", json={"by": "4d"})

    assert "in_app" in {one["state"] for one in shown(demo, ANNS_PHONE)["not_sent"]}


def test_what_was_decided_at_once_is_told_as_one_and_nobody_elses_is_told(db, demo):
    patient = ann(db)
    ben(db)
    demo.post("/demo/clock", json={"by": "2h"})
    for key in ("one", "two", "three"):
        queue_for(db, patient, key)
    with db.transaction(TEST) as txn:
        notifications.cancel(txn, patient.id, keys=["one", "two", "three"], reason="answered")

    [note] = [one for one in shown(demo, ANNS_PHONE)["not_sent"] if one["reason"] == "answered"]

    assert (note["state"], note["count"]) == ("cancelled", 3)
    assert [one for one in shown(demo, BENS_PHONE)["not_sent"] if one["reason"] == "answered"] == []


@ON_ONE_DATABASE
def test_every_recorded_conversation_is_answered_live_in_the_language_of_the_phone(db, demo):
    ann(db)
    ben(db, language="zh-CN")

    assert list(recordings()) == ["weekly_questionnaire", "danger", "stop_and_start", "wrong_number", "death"]
    # Nobody asks a stranger anything, so there is nothing to answer.
    assert played(demo, "weekly_questionnaire", "+8613800138999") == [("inbound", "问卷")]
    stopped = [text for _, text in played(demo, "stop_and_start", BENS_PHONE)]
    assert stopped[0] == "退订"
    assert "恢复" in stopped
    assert stopped[-2] == "帮助"
    death = played(demo, "death", BENS_PHONE)
    assert [way for way, _ in death] == ["inbound", "outbound"]
    assert "多保重" in death[1][1]
    danger = played(demo, "danger")
    assert danger[0] == ("inbound", "I have been vomiting blood since this morning")
    assert "This may be an emergency" in danger[1][1]
    assert "sorry" in played(demo, "wrong_number")[-1][1].lower()


@ON_ONE_DATABASE
def test_a_questionnaire_that_is_due_is_answered_to_its_end_one_step_after_another(db, demo):
    patient = ann(db)
    with db.transaction(TEST) as txn:
        txn.session.get_one(Site, patient.site_id).text_surveys = "short"
    demo.post("/demo/clock", json={"to": "2027-03-05T10:00:00+08:00"})
    began, steps = the_clock.now(), [0]

    while steps[-1] is not None and len(steps) < 9:
        answer = demo.post(PLAYED, json={"name": "weekly_questionnaire", "step": steps[-1]}).json
        steps.append(answer["next_step"])

    # The temperature, the card of danger signs, and one question for everything else.
    assert steps == [0, 1, 2, 2, None]
    assert answer["messages"][-1]["direction"] == "outbound"
    assert the_clock.now() - began >= timedelta(minutes=5)
    with db.reading(TEST) as txn:
        filed = txn.session.scalars(select(SymptomReport.mode).where(SymptomReport.patient_id == patient.id))
        assert list(filed) == ["sms"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": "nothing of the kind"}, "name"),
        ({"name": "../staff"}, "name"),
        ({"name": "danger", "step": 2}, "step"),
        ({"name": "danger", "step": -1}, "step"),
        ({"name": "danger", "step": "0"}, "step"),
        ({"name": "danger", "and": 1}, "and"),
        ({}, "name"),
    ],
)
@ON_ONE_DATABASE
def test_what_cannot_be_played_is_refused_with_its_field_and_writes_nothing(db, demo, client, body, field):
    answer = demo.post(PLAYED, json=body)

    assert answer.status_code == 422
    assert list(answer.json["errors"]) == [field]
    assert shown(demo, ANNS_PHONE)["messages"] == []
    assert client.post(PLAYED, json={"name": "danger"}).status_code == 404


@pytest.mark.parametrize(
    ("was", "becomes", "told"),
    [
        ("after: 1m", "after: a minute", ":10: steps.0.after: Give weeks, days"),
        ("after: 1m", "after: 2w", ":10: steps.0.after: Must be a week at most."),
        ('{en: "STOP", zh-CN: "退订"}', '{en: "STOP"}', ":11: steps.0.writes: Is missing in zh-CN."),
        ("place: 3", "place: three", ":2: place: Must be a whole number."),
        ("steps:", "stages:", "stages: Unknown field."),
    ],
)
def test_a_slip_in_a_recorded_conversation_is_told_with_its_line(tmp_path, was, becomes, told):
    text = (ROOT / "seeds/demo/conversations/stop_and_start.yaml").read_text(encoding="utf-8")
    assert was in text
    path = tmp_path / "slip.yaml"
    path.write_text(text.replace(was, becomes, 1), encoding="utf-8")

    with pytest.raises(BadSeedFile) as refusal:
        read_seed_file(path, RecordedConversationFile())

    assert told in str(refusal.value)


def test_every_reason_for_which_a_patient_is_not_written_to_has_its_words():
    folder = ROOT / "backend" / "conversations"
    decided = "".join((folder / name).read_text(encoding="utf-8") for name in ("release.py", "release_to_writer.py"))
    used = set(re.findall(r'Suppress\("(\w+)"\)|Later\([^"]*, "(\w+)"\)', decided))
    page = (ROOT / "backend/web/templates/demo_words.html").read_text(encoding="utf-8")
    reasons = re.search(r'id="reasons">(.*?)</template>', page, re.DOTALL)

    assert used
    assert reasons is not None
    told = set(re.findall(r'data-code="(\w+)"', reasons[1]))
    held = {*PauseKind, deaths.HELD_BECAUSE_REPORTED, deaths.HELD_BECAUSE_DIED, opt_outs.OPTED_OUT}
    assert ({one or other for one, other in used} | held) - told == set()
