"""What may go wrong with the plain form: links that open nothing, bad input, two who press at once, a lost database."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError

from backend.conversations import form_links
from backend.conversations.models import Conversation, ConversationAnswer
from backend.db import Database
from backend.patients import life
from backend.patients.models import Patient
from tests import people
from tests.conftest import Clock
from tests.web.form import TEST, Filler, answers_in, leads_to, link_to, reports_of, words_of

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
on_postgres = pytest.mark.parametrize("database_url", ["postgres"], indirect=True)


@pytest.fixture
def ann(db: Database) -> Patient:
    return people.ann(db)


def kept_answers(db: Database) -> int:
    with db.reading(TEST) as txn:
        return txn.session.scalar(select(func.count(ConversationAnswer.id))) or 0


@on_sqlite
def test_a_link_that_opens_nothing_says_whom_to_call_and_the_reason_does_not_show(
    db: Database, client: Any, clock: Clock, ann: Patient
) -> None:
    twice, filed = people.ann(db), Filler(client, link_to(db, ann))
    older, newer = (link_to(db, twice) for _ in range(2))
    assert (client.get(older).status_code, client.get(newer).status_code) == (410, 200)
    filed.send("mind_and_breath", {"checklist.seizure": "1"})
    dead = people.ben(db)
    of_dead, late = link_to(db, dead), link_to(db, people.ben(db))
    brief = link_to(db, people.ann(db), closes_at=None)
    with db.transaction(TEST) as txn:
        life.record_death(txn, txn.session.get_one(Patient, dead.id), "2027-03-01")
    clock.move_to("2027-03-04T07:59:59+08:00")
    assert (client.get(late).status_code, client.get(brief).status_code) == (200, 200)
    clock.move_to("2027-03-04T08:00:00+08:00")

    closed = [client.get(f"{one}?lang=en") for one in (older, filed.link, of_dead, late, brief)]
    lost = client.post(f"{late}?at=temperature_c&lang=en", data={"value": "39.9"})

    assert {answer.status_code for answer in (*closed, lost)} == {410}
    assert len({words_of(answer) for answer in closed}) == 1
    assert "Call 120" in words_of(closed[0])
    assert ("was not received" in words_of(lost), "was not received" in words_of(closed[0])) == (True, False)
    assert people.PASSWORD not in closed[0].text
    assert len(reports_of(db, ann)) == 1


def another_than(letter: str) -> str:
    return "B" if letter == "A" else "A"


@on_sqlite
def test_a_guess_learns_nothing_writes_nothing_of_the_trial_and_is_slowed_down(
    db: Database, client: Any, ann: Patient
) -> None:
    link = link_to(db, ann)
    token = link.removeprefix("/f/")
    guesses = [
        token[:-1] + another_than(token[-1]),
        another_than(token[0]) + token[1:],
        token[:-1],
        token + "A",
        token[24:] + token[:24],
        "%00",
        "中" * 48,
    ]
    for guess in guesses:
        for answer in (client.get(f"/f/{guess}?lang=en"), client.post(f"/f/{guess}?lang=en", data={"value": "1"})):
            assert (answer.status_code, "leads nowhere" in words_of(answer)) == (404, True), guess
    answers = [client.post(f"/f/{guesses[0]}") for _ in range(60 - 2 * len(guesses) + 1)]

    assert ({one.status_code for one in answers[:-1]}, answers[-1].status_code) == ({404}, 429)
    assert int(answers[-1].headers["Retry-After"]) > 0
    assert (client.get(link).status_code, kept_answers(db)) == (200, 0)
    with db.reading(TEST) as txn:
        row = txn.session.scalars(select(Conversation)).one()
        assert form_links.conversation_of(txn, token) is row
        assert token not in str(vars(row))
        assert form_links.conversation_of(txn, guesses[0]) is None


@on_sqlite
def test_nothing_that_is_sent_breaks_the_form_or_loses_what_was_sent_before(
    db: Database, client: Any, ann: Patient
) -> None:
    form = Filler(client, link_to(db, ann))
    form.send("mind_and_breath", do="none")
    before = answers_in(db, ann)
    bodies: list[Any] = [
        b"\xff\xfe\x00", b"value=%ff%fe%00", b"value=" + b"9" * 60_000, b"&" * 5000, b"value=1&" * 3000,
        b"other_symptoms=" + b"%F0%9F%A4%92" * 200, b'{"value": 1}', b"", b"do=skip&do=next&do=none&value=0&value=4",
    ]  # fmt: skip
    kinds = ("application/x-www-form-urlencoded", "application/json", "multipart/form-data; boundary=x", "")
    wheres = ("", "review", "start", "temperature_c", "fatigue.severity", "card.any_sign", "%00", "x" * 3000, "中")
    seen = set()
    for number, where in enumerate([*wheres, *wheres]):
        for body in bodies[number % 2 :: 2]:
            answer = client.post(f"{form.link}?at={where}", data=body, content_type=kinds[number % len(kinds)])
            seen.add(answer.status_code)
        seen.add(form.look(where, "tlh").status_code)

    assert seen <= {200, 303, 422, 413}
    assert before.items() <= answers_in(db, ann).items()
    assert client.post(form.link, data=b"x" * 70_000).status_code == 413
    assert client.put(form.link).status_code == 405
    assert reports_of(db, ann) == []


@on_sqlite
def test_when_nothing_can_be_kept_the_page_says_so_and_offers_to_send_the_same_again(
    db: Database, client: Any, ann: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    form = Filler(client, link_to(db, ann))
    trouble: list[Exception] = [ValueError("a defect of ours"), OperationalError("", {}, Exception("locked"))]

    def fails(*_: Any, **__: Any) -> Any:
        raise trouble[0]

    for status in (500, 503):
        with monkeypatch.context() as without:
            without.setattr(Database, "transaction", fails)
            answer = client.post(f"{form.link}?at=temperature_c&lang=en", data={"value": '36.8"><b>', "do": "next"})
        assert (answer.status_code, "was not received" in words_of(answer)) == (status, True)
        trouble.pop(0)
    assert '<input type="hidden" name="value" value="36.8&#34;&gt;&lt;b&gt;">' in answer.text
    assert kept_answers(db) == 0


@on_sqlite
def test_two_telephones_and_old_pages_change_nothing_wrong(db: Database, client: Any, ann: Patient) -> None:
    hers, his = Filler(client, link_to(db, ann)), Filler(client, "")
    his.link = hers.link
    assert leads_to(hers.send("nausea.frequency", value="3")) == "nausea.severity"
    assert leads_to(his.send("nausea.frequency", value="0")) == "vomiting.frequency"
    # She still sees the question that his answer has hidden: hers is kept, and she goes on to what is asked.
    assert leads_to(hers.send("nausea.severity", value="2")) == "mind_and_breath"
    assert his.look("nausea.severity").status_code == 200
    assert "nausea.severity" in answers_in(db, ann)
    assert leads_to(hers.send("review")) == "mind_and_breath"
    for _ in range(2):
        form_before = kept_answers(db)
        hers.send("temperature_c", value="36.8")
    assert kept_answers(db) == form_before
    list(hers.fill("mind_and_breath", {}))
    his.send("review")
    late = hers.send("temperature_c", value="39.9")
    assert "was not added" in words_of(late)
    report = reports_of(db, ann)[0]
    assert (report.measurements, report.answers["nausea.severity"]) == (
        {"temperature_c": 36.8}, "not_asked_by_branching",
    )  # fmt: skip


@on_sqlite
def test_staff_give_out_links_to_what_can_be_answered_now_and_to_nothing_else(
    db: Database, client: Any, clock: Clock, ann: Patient
) -> None:
    clock.move_to("2027-03-04T09:30:00+08:00")
    path, headers = f"/api/v1/patients/{ann.id}/form-links", people.coordinator(db).headers

    made = [client.post(path, headers=headers, json=body).json for body in ({}, {"agenda_key": "baseline"}, {})]
    refused = [client.post(path, headers=headers, json={"agenda_key": key}) for key in ("weekly.w7", "", 7)]
    with db.transaction(TEST) as txn:
        txn.session.get_one(Patient, ann.id).status = "withdrawn_from_reporting"
    left = client.post(path, headers=headers, json={})

    assert [one["agenda_key"] for one in made] == ["weekly.w1", "baseline", "weekly.w1"]
    assert made[0]["qr_svg"].startswith("<svg")
    assert made[0]["expires_at"] <= "2027-03-07T01:30:00+00:00"
    paths = [one["link"].removeprefix("http://127.0.0.1:8000") for one in made]
    assert [client.get(one).status_code for one in paths] == [410] * 3
    assert {(one.status_code, list(one.json["errors"])[0]) for one in refused} == {(422, "agenda_key")}
    assert (left.status_code, left.json["code"]) == (409, "no_longer_possible")


@on_postgres
def test_a_page_that_arrives_twice_at_once_is_one_answer_and_one_report(db: Database, app: Any, ann: Patient) -> None:
    link = link_to(db, ann)

    def at_once(at: str, data: dict[str, str]) -> list[Any]:
        with ThreadPoolExecutor(4) as pool:
            waiting = [pool.submit(Filler(app.test_client(), link).send, at, data) for _ in range(4)]
            return [one.result() for one in waiting]

    assert {leads_to(answer) for answer in at_once("mind_and_breath", {"do": "none"})} == {"bleeding_and_fever"}
    assert kept_answers(db) == 6
    answers = at_once("bleeding_and_fever", {"checklist.vomited_blood": "1"})
    assert {(one.status_code, "Please call now" in words_of(one)) for one in answers} == {(200, True)}
    assert (len(reports_of(db, ann)), kept_answers(db)) == (1, 7)
