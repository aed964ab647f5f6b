"""LINK, by text message: the form where a link may go, other ways where none may, and nothing to whom it is not for."""

import re
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from backend.db import Database
from backend.jobs import Work
from backend.patients.caregivers import CaregiverForm
from backend.patients.models import Patient
from notifications.models import InboundMessage, Message
from tests import people
from tests.conftest import Clock
from tests.phone import Phone
from tests.web.form import TEST, Filler, reports_of, words_of

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

ABROAD, SISTERS, SONS = "+6591234567", "+6591234568", "+6591234569"
LINK = re.compile(r"http://127\.0\.0\.1:8000(/f/[\w-]{48})")


def link_in(texts: list[str]) -> str:
    found = LINK.search(texts[-1])
    assert found, texts
    return found[1]


def test_a_link_goes_where_links_may_go_and_the_newest_opens_what_is_due(
    db: Database, client: Any, work: Work, clock: Clock
) -> None:
    clock.move_to("2027-03-04T09:30:00+08:00")
    abroad, phone = people.ann(db, phone=ABROAD), Phone(work, ABROAD)
    older, newest = link_in(phone.writes("LINK")), link_in(phone.writes(" 链接。"))

    assert (client.get(older).status_code, client.get(newest).status_code) == (410, 200)
    assert Filler(client, newest).send("mind_and_breath", {"checklist.seizure": "1"}).status_code == 200
    assert [(one.agenda_key, one.instrument) for one in reports_of(db, abroad)] == [("weekly.w1", "weekly")]
    # The next that is due, though late, is the one before treatment; with that as well, what is wrong now is asked.
    form = Filler(client, link_in(phone.writes("LINK")))
    assert "以上都没有" in words_of(form.look("mind_and_breath", "zh-CN"))
    form.send("mind_and_breath", {"checklist.seizure": "1"})
    assert "哪里不舒服" in words_of(Filler(client, link_in(phone.writes("LINK"))).look("picked", "zh-CN"))
    with db.reading(TEST) as txn:
        kept = [str(vars(row)) for row in txn.session.scalars(select(Message)).all()]
    assert not [row for row in kept if newest in row]


def test_no_link_goes_to_a_number_of_mainland_china_nor_to_who_may_not_report(
    db: Database, client: Any, work: Work
) -> None:
    sister = CaregiverForm(name="Mei", phone=SISTERS, relation="sister", may_report=True, may_confirm_survival=True)
    son = replace(sister, name="Bo", phone=SONS, relation="son", may_report=False)
    ben = people.ben(db, caregivers=(sister, son))

    assert "问卷" in Phone(work, people.BENS_PHONE).writes("链接")[-1]
    hers = Filler(client, link_in(Phone(work, SISTERS).writes("链接")))
    assert "您照顾的人" in words_of(hers.look())
    hers.send("mind_and_breath", {"checklist.seizure": "1"})
    assert [(one.respondent, one.mode, one.tier) for one in reports_of(db, ben)] == [("caregiver", "web_form", "T1")]
    assert not [text for text in Phone(work, SONS).writes("链接") if LINK.search(text)]
    with db.transaction(TEST) as txn:
        txn.session.get_one(Patient, ben.id).status = "withdrawn_from_reporting"
    assert not [text for text in Phone(work, SISTERS).writes("链接")[1:] if LINK.search(text)]
    with db.reading(TEST) as txn:
        left = select(InboundMessage.id).where(InboundMessage.handled_at.is_(None))
        assert len(txn.session.scalars(left).all()) == 2


def test_what_is_begun_on_the_form_is_finished_by_text_as_one_report(
    db: Database, client: Any, work: Work, clock: Clock
) -> None:
    clock.move_to("2027-03-04T09:30:00+08:00")
    ann, phone = people.ann(db, phone=ABROAD, channels=("sms",)), Phone(work, ABROAD)
    form = Filler(client, link_in(phone.writes("LINK")))
    for page in ("mind_and_breath", "bleeding_and_fever", "skin_and_belly"):
        form.send(page, do="none")

    asked = phone.writes("SURVEY")[-1]
    assert "temperature" in asked
    texts = [phone.writes("36.8")[-1]]
    while len(texts) < 40 and not reports_of(db, ann):
        # Yes and no are 1 and 2; whatever else is asked has a 0.
        texts.append(phone.writes("0" if re.search(r"\b0\b", texts[-1]) else "2")[-1])

    assert not [text for text in texts if "card" in text]
    report = reports_of(db, ann)[0]
    assert (report.mode, report.agenda_key, report.measurements) == ("sms", "weekly.w1", {"temperature_c": 36.8})
    ways = {item: came["channel"] for item, came in (report.provenance or {}).items()}
    assert {ways["checklist.seizure"], ways["fatigue.severity"]} == {"web_form", "sms"}
    assert client.get(form.link).status_code == 410
