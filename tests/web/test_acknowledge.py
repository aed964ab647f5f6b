"""The page behind an e-mail's address: looking changes nothing, one button takes the emergency on."""

import re
from typing import Any
from uuid import UUID

import pytest

from backend.conversations import page_links
from backend.db import Database
from backend.jobs import Work
from backend.patients.models import Patient
from backend.staff.members import update_member
from backend.terms import PageAnswer
from backend.triage.models import PagedPerson, StaffPage
from backend.triage.page_answers import answer_page
from backend.triage.paging import end
from tests import people
from tests.triage.called import TEST, Called, on_call, reports, row_of, staff, the_page, with_email
from tests.web.test_pages import Tags

BUTTON = "I am taking this on"


@pytest.fixture
def lin(work: Work) -> Called:
    member = staff(work)
    on_call(work, member)
    return member


@pytest.fixture
def ann(db: Database) -> Patient:
    return people.ann(db)


@pytest.fixture
def address(db: Database, client: Any, work: Work, ann: Patient, lin: Called) -> str:
    """What stands in Lin's e-mail, without the server's name."""
    mailing, box = with_email(work)
    reports(client, people.phone_of(db, ann).headers, checklist__seizure=1)
    mailing.dispatch()
    found = re.search(r"http://127\.0\.0\.1:8000(/console/pages/\S+)", box.letters[0].text)
    assert found is not None
    return found[1]


def test_looking_says_what_has_happened_and_changes_nothing(
    db: Database, client: Any, ann: Patient, address: str
) -> None:
    for method in ("GET", "HEAD", "GET"):
        answer = client.open(address, method=method, query_string={"lang": "en"})

    assert answer.status_code == 200
    assert f'Patient <span class="number">{ann.subject_number}</span>' in answer.text
    assert "Waiting since 08:00, Mon 1 March" in answer.text
    assert Tags(answer.text).tags.count(("button", {"type": "submit"})) == 1
    assert the_page(db).acknowledged_at is None


@pytest.mark.parametrize(("language", "said"), [("en", "death has been recorded"), ("zh-CN", "死亡已登记")])
def test_a_call_that_ended_with_a_death_names_nobody(
    db: Database, client: Any, address: str, language: str, said: str
) -> None:
    with db.transaction(TEST) as txn:
        page = txn.session.get_one(StaffPage, the_page(db).id)
        end(txn, page, by=None, how=PageAnswer.DEATH_RECORDED)

    answer = client.get(address, query_string={"lang": language})

    assert said in answer.text
    assert ("button", {"type": "submit"}) not in Tags(answer.text).tags


def test_the_button_takes_it_on_in_the_persons_name(db: Database, client: Any, lin: Called, address: str) -> None:
    answer = client.post(f"{address}?lang=en")

    assert "You have taken this on: 08:00, Mon 1 March." in answer.text
    assert BUTTON not in answer.text
    assert (the_page(db).acknowledged_by, the_page(db).acknowledged_how) == (lin.id, "link")


def test_whoever_comes_second_sees_who_was_first(db: Database, client: Any, work: Work, address: str) -> None:
    other = staff(work)
    with db.transaction(TEST) as txn:
        answer_page(txn, txn.session.get_one(StaffPage, the_page(db).id), row_of(txn, other), PageAnswer.REPLY)

    for answer in (client.get(f"{address}?lang=en"), client.post(f"{address}?lang=en")):
        assert "Somebody Called has taken this on: 08:00, Mon 1 March." in answer.text
        assert BUTTON not in answer.text
    assert the_page(db).acknowledged_by == other.id


def test_a_wrong_address_is_a_page_that_knows_nothing(db: Database, client: Any, ann: Patient, address: str) -> None:
    person, token = address.split("/")[-2:]
    wrong = [
        f"/console/pages/{person}/{token[:-1]}",
        f"/console/pages/{person}/{token[:-1]}{'A' if token[-1] != 'A' else 'B'}",
        f"/console/pages/{ann.id}/{token}",
        f"/console/pages/nobody/{token}",
        f"/console/pages/{person}/%E4%B8%AD",
    ]

    for one in wrong:
        for answer in (client.get(f"{one}?lang=en"), client.post(f"{one}?lang=en")):
            assert (answer.status_code, answer.mimetype) == (404, "text/html"), one
            assert ann.subject_number not in answer.text
    assert the_page(db).acknowledged_at is None


def test_the_address_of_somebody_who_has_left_opens_nothing(
    db: Database, client: Any, lin: Called, address: str
) -> None:
    with db.transaction(TEST) as txn:
        update_member(txn, row_of(txn, lin), {"active": False})

    assert client.post(address).status_code == 404
    assert the_page(db).acknowledged_at is None


def test_each_persons_address_is_their_own(db: Database, address: str) -> None:
    person, token = address.split("/")[-2:]
    with db.reading(TEST) as txn:
        row = txn.session.get_one(PagedPerson, UUID(person))
        assert page_links.is_right(txn, row.id, token)
        assert not page_links.is_right(txn, row.page_id, token)


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_it_holds_nothing_inline_in_either_language(client: Any, address: str, language: str) -> None:
    answer = client.get(f"{address}?lang={language}")
    page = Tags(answer.text)

    assert page.inline == []
    assert not [one for _, attributes in page.tags for one in attributes if one == "style" or one.startswith("on")]
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Robots-Tag"] == "noindex"


def test_presses_of_one_address_are_limited(client: Any, address: str) -> None:
    wrong = address[:-1] + "~"

    answers = [client.post(wrong).status_code for _ in range(121)]

    assert (set(answers[:-1]), answers[-1]) == ({404}, 429)


def test_a_guess_never_opens_a_transaction_that_writes(
    db: Database, client: Any, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    writing = Database.transaction

    def noted(self: Database, actor: Any, *given: Any, **named: Any) -> Any:
        opened.append(actor.name)
        return writing(self, actor, *given, **named)

    monkeypatch.setattr(Database, "transaction", noted)
    client.post(address[:-1] + "~")
    by_a_guess = opened.count("page link")
    client.post(address)

    assert (by_a_guess, opened.count("page link")) == (0, 1)
    assert the_page(db).acknowledged_at is not None
