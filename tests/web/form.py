"""Somebody who fills in the plain form with a browser that runs no script."""

import html
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from backend.conversations import drafts, form_links
from backend.conversations.models import Conversation
from backend.db import Database, system
from backend.patients.models import Patient
from backend.patients.symptom_report import SymptomReport

TEST = system("test")
# What a well person answers to each kind of page.
WELL = {"none": {"do": "none"}, "number": {"do": "skip"}, "choice": {"value": "0"}, "pick": {}, "words": {"do": "skip"}}


class Filler:
    """One browser with one link."""

    def __init__(self, client: Any, link: str) -> None:
        self.client, self.link = client, link

    def look(self, at: str = "", lang: str = "") -> Any:
        """The page of that name, or where the link itself leads."""
        asked = {name: value for name, value in (("at", at), ("lang", lang)) if value}
        return self.client.get(self.link, query_string=asked)

    def send(self, at: str, fields: dict[str, Any] | None = None, **more: str) -> Any:
        """Send the page of that name."""
        return self.client.post(self.link, query_string={"at": at}, data={**(fields or {}), **more})

    def fill(self, at: str, said: dict[str, dict[str, str]], until: str = "review") -> Iterator[str]:
        """Answer page after page as ``said``, else as a well person does; the pages that came."""
        while at != until:
            yield at
            answer = self.send(at, said.get(at) or WELL[_kind(self.look(at).text)])
            assert answer.status_code == 303, (at, answer.status_code, words_of(answer))
            at = leads_to(answer)


def leads_to(answer: Any) -> str:
    """Which page a browser goes on to."""
    found = re.fullmatch(r"/f/[\w-]{48}\?at=([\w.]+)(&lang=[\w-]+)?", answer.headers["Location"])
    assert found, answer.headers["Location"]
    return found[1]


def words_of(answer: Any) -> str:
    """What is to be read on the page, without its marks."""
    main = answer.text.partition("<main")[2]
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", "<" + main)).split())


def _kind(page: str) -> str:
    marks = {"none": 'value="none"', "number": 'type="text"', "pick": 'name="picked"', "words": "<textarea"}
    return next((kind for kind, mark in marks.items() if mark in page), "choice")


def link_to(db: Database, patient: Patient, instrument: str = "weekly", **changes: Any) -> str:
    """A link to this patient's form of an instrument that is on no agenda, without the server's name."""
    with db.transaction(TEST) as txn:
        row = txn.session.get_one(Patient, patient.id)
        about: dict[str, Any] = {"version": 1, "agenda_key": None, "extent": "full", "language": row.language}
        about |= {"closes_at": txn.now + timedelta(days=7), **changes}
        return form_links.link_for(
            txn, drafts.open_conversation(txn, row, drafts.Opening(instrument=instrument, **about)), ""
        )


def reports_of(db: Database, patient: Patient) -> list[SymptomReport]:
    """What was filed, in the order it came."""
    with db.reading(TEST) as txn:
        of_patient = select(SymptomReport).where(SymptomReport.patient_id == patient.id)
        found = list(txn.session.scalars(of_patient.order_by(SymptomReport.received_at)))
        txn.session.expunge_all()
        return found


def answers_in(db: Database, patient: Patient) -> dict[str, float | None]:
    """What is kept of the patient's newest conversation, by item."""
    with db.reading(TEST) as txn:
        of_patient = select(Conversation).where(Conversation.patient_id == patient.id)
        newest = txn.session.scalars(of_patient.order_by(Conversation.opened_at.desc(), Conversation.id)).first()
        return drafts.values_of(drafts.answers_of(txn, newest)) if newest else {}
