"""The plain form from the coordinator's link to the filed report, as somebody of seventy meets it."""

import re
from typing import Any

import pytest
from sqlalchemy import select

from backend.audit import AuditEvent
from backend.conversations import drafts
from backend.conversations.models import ConversationAnswer
from backend.db import Database
from backend.patients.models import Patient
from backend.patients.symptom_report import SymptomReport
from tests import people
from tests.conftest import Clock
from tests.web.form import TEST, Filler, leads_to, link_to, reports_of, words_of
from tests.web.test_pages import Tags

OURS = "http://127.0.0.1:8000"
on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def ben(db: Database) -> Patient:
    return people.ben(db)


def given(client: Any, db: Database, patient: Patient, **body: Any) -> dict[str, Any]:
    """A link that a coordinator made."""
    path = f"/api/v1/patients/{patient.id}/form-links"
    answer = client.post(path, headers=people.coordinator(db).headers, json=body)
    assert answer.status_code == 201, answer.json
    made: dict[str, Any] = answer.json
    return made


def by_text(db: Database, patient: Patient, item: str, value: float | None) -> None:
    """The patient has answered this by text message already."""
    with db.transaction(TEST) as txn:
        asked = drafts.live(txn, txn.session.get_one(Patient, patient.id))[0]
        drafts.record_answer(txn, asked, item, value, channel="sms", at=txn.now)


def test_a_patient_fills_in_what_is_due_with_pauses_slips_and_second_thoughts(
    db: Database, client: Any, clock: Clock, ben: Patient
) -> None:
    clock.move_to("2027-03-04T09:00:00+08:00")
    made = given(client, db, ben)
    form = Filler(client, made["link"].removeprefix(OURS))
    by_text(db, ben, "temperature_c", 37.4)
    first = form.look()
    assert (first.status_code, made["instrument"]) == (200, "weekly")
    assert 'lang="zh-CN"' in first.text
    assert 'href="tel:120"' in first.text
    assert ben.subject_number not in first.text + made["qr_svg"]
    _begins_and_slips(form)

    clock.move_to("2027-03-04T20:00:00+08:00")
    assert "欢迎回来" in words_of(form.look())
    _goes_on_to_the_end(form)
    sent, again = form.send("review"), form.send("review")

    assert [(one.status_code, "明天中午" in words_of(one)) for one in (sent, again)] == [(200, True)] * 2
    assert form.look().status_code == 410
    report = reports_of(db, ben)[0]
    assert (len(reports_of(db, ben)), report.agenda_key) == (1, made["agenda_key"])
    _says_what_was_answered(report)
    _is_the_patients_own_act(db, ben, report)


def _begins_and_slips(form: Filler) -> None:
    """Two rows of six: the page comes back with what was chosen, and keeps it. A wrong number stays to be seen."""
    assert leads_to(form.send("mind_and_breath", do="none")) == "bleeding_and_fever"
    open_rows = form.send("bleeding_and_fever", {"checklist.chills": "0", "checklist.fever_medicine": "0"})
    assert (open_rows.status_code, open_rows.text.count(" checked"), open_rows.text.count("sign open")) == (422, 2, 4)
    assert leads_to(form.send("bleeding_and_fever", do="none")) == "skin_and_belly"
    # The temperature came by text message.
    assert leads_to(form.send("skin_and_belly", do="none")) == "systolic_mmhg"
    slip = form.send("systolic_mmhg", value="1300")
    assert (slip.status_code, 'value="1300"' in slip.text, "50到260" in words_of(slip)) == (422, True, True)


def _goes_on_to_the_end(form: Filler) -> None:
    said = {"systolic_mmhg": {"value": "１３０"}, "nausea.frequency": {"value": "3"}, "nausea.severity": {"value": "1"}}
    said["other_symptoms"], said["wants_call"] = {"other_symptoms": "手抖<b>", "severity": "1"}, {"value": "1"}
    pages = list(form.fill("systolic_mmhg", said))
    assert "temperature_c" not in pages
    assert pages.index("nausea.severity") == pages.index("nausea.frequency") + 1
    assert "vomiting.severity" not in pages
    form.send("nausea.frequency", value="0")
    review = form.look("review")
    assert "手抖&lt;b&gt;" in review.text
    assert ("37.4 °C" in words_of(review), "恶心最厉害时" in words_of(review)) == (True, False)


def _says_what_was_answered(report: SymptomReport) -> None:
    assert (report.mode, report.language, report.wants_call, report.standing) == ("web_form", "zh-CN", True, "on_time")
    assert sum(value == 0 for item, value in report.answers.items() if item.startswith("checklist.")) == 18
    assert (report.answers["nausea.frequency"], report.answers["nausea.severity"]) == (0, "not_asked_by_branching")
    assert report.measurements == {"temperature_c": 37.4, "systolic_mmhg": 130}
    assert report.caveats == ["mode_not_validated"]
    ways = {item: came["channel"] for item, came in (report.provenance or {}).items()}
    assert {item for item, way in ways.items() if way == "sms"} == {"temperature_c"}
    assert {item for item, value in report.answers.items() if isinstance(value, int)} <= ways.keys()


def _is_the_patients_own_act(db: Database, patient: Patient, report: SymptomReport) -> None:
    with db.reading(TEST) as txn:
        wanted = AuditEvent.patient_id == patient.id
        noted = txn.session.execute(
            select(AuditEvent.verb, AuditEvent.originator, AuditEvent.actor_id, AuditEvent.request_id).where(wanted)
        ).all()
        words = txn.session.scalars(select(ConversationAnswer.words_sealed)).all()
    of_form = [one for one in noted if one.request_id and one.verb in ("conversation.answered", "report.submitted")]
    assert len(of_form) > 30
    assert {(one.originator, one.actor_id) for one in of_form} == {("patient", patient.id)}
    assert not [one for one in words if one and "手抖" in one]
    assert report.recorded_by == patient.id


def test_an_emergency_is_filed_with_the_page_that_shows_it_and_the_number_to_dial_stands_there_at_once(
    db: Database, client: Any, ben: Patient
) -> None:
    in_words = Filler(client, link_to(db, people.ann(db))).send("other_symptoms", {"other_symptoms": "我吐血了"})
    form = Filler(client, link_to(db, ben))
    form.send("mind_and_breath", do="none")

    answers = [form.send("bleeding_and_fever", {"checklist.vomited_blood": "1"}) for _ in range(2)]
    in_english = client.post(f"{form.link}?at=bleeding_and_fever&lang=en", data={"checklist.vomited_blood": "1"})

    for answer in answers:
        assert (answer.status_code, "请马上打电话" in words_of(answer)) == (200, True)
        assert answer.text.count('href="tel:120"') == 2
    assert "Bleeding inside can be dangerous" in words_of(in_english)
    assert "Please call now" in words_of(in_words)
    report = reports_of(db, ben)[0]
    assert (len(reports_of(db, ben)), report.tier, report.caveats) == (
        1, "T1", ["mode_not_validated", "not_finished"],
    )  # fmt: skip
    assert report.answers["checklist.vomited_blood"] == 1
    assert report.answers["checklist.confused"] == 0
    # What comes after that is not taken for received.
    late = form.send("bleeding_and_fever", {"checklist.vomited_blood": "0"})
    assert (late.status_code, "没有加进去" in words_of(late)) == (200, True)


@on_sqlite
def test_something_wrong_now_is_picked_from_a_list_asked_about_and_may_be_taken_back(
    db: Database, client: Any, ben: Patient
) -> None:
    form = Filler(client, link_to(db, ben, "ad_hoc"))
    assert leads_to(form.send("picked", {"picked": ["rash", "itching"]})) == "rash.presence"
    form.send("rash.presence", value="1")
    form.send("itching.severity", value="2")
    form.send("picked", {"picked": ["itching"]})
    list(form.fill("mind_and_breath", {"itching.severity": {"value": "2"}}))

    assert "Thank you" in words_of(client.post(f"{form.link}?at=review&lang=en"))
    report = reports_of(db, ben)[0]
    assert (report.language, report.answers["itching.severity"]) == ("en", 2)
    assert report.answers["rash.presence"] == "not_reached"


@on_sqlite
@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_every_page_is_plain_safe_and_says_nothing_of_whom_it_is_about(
    db: Database, client: Any, ben: Patient, language: str
) -> None:
    form = Filler(client, link_to(db, ben, "ad_hoc"))
    form.send("picked", {"picked": ["rash"]})
    looks = ["start", "review", "mind_and_breath", "temperature_c", "picked", "rash.presence", "other_symptoms"]
    answers = [form.look(at, language) for at in looks]
    answers += [client.post(f"{form.link}?at=temperature_c&lang={language}", data={"value": "x"})]
    answers += [client.get(f"/f/{'A' * 48}?lang={language}")]
    for answer in answers:
        page = Tags(answer.text)
        assert (page.inline, "<script" in answer.text, f'lang="{language}"' in answer.text) == ([], False, True)
        assert "unsafe" not in answer.headers["Content-Security-Policy"]
        headers = ("Cache-Control", "Referrer-Policy", "X-Robots-Tag")
        assert [answer.headers[name] for name in headers] == ["no-store", "no-referrer", "noindex"]
        assert not re.search(r"Ben|Wu|cancer|肝癌|NK|NCT", answer.text.replace("checklist", "")), answer.request.url
        assert form.link.split("/")[-1] not in answer.text
        for tag, attributes in page.tags:
            assert not [name for name in attributes if name == "style" or name.startswith("on")], tag
            for name in ("src", "href", "action"):
                assert re.match(r"/(?!/)|#|\?|tel:", attributes.get(name) or "/"), (tag, attributes)
        controls = [one for tag, one in page.tags if tag == "input" and one.get("type") in ("radio", "checkbox")]
        assert len(controls) == sum(tag == "label" and "for" not in one for tag, one in page.tags)
        assert bool(controls) == ("fieldset" in [tag for tag, _ in page.tags])


@on_sqlite
def test_a_telephone_number_stands_on_one_line_wherever_it_is_shown(db: Database, client: Any, ben: Patient) -> None:
    number = "+86 10 5555 0101"
    desk = people.administrator(db)
    client.patch("/api/v1/sites/site-01", headers=desk.headers, json={"emergency_phone": number})
    form = Filler(client, link_to(db, ben))

    answers = [form.look(), form.send("bleeding_and_fever", {"checklist.vomited_blood": "1"})]

    for answer in answers:
        shown = re.sub(r'href="[^"]*"', "", answer.text)
        assert shown.count(number) == shown.count(f'<span class="telephone">{number}</span>') >= 1
    with client.get("/static/form.css") as styles:
        assert ".telephone { white-space: nowrap; }" in styles.text
