"""A patient about whom everything that can be said in words was said, each word one that nobody else would use."""

from dataclasses import dataclass
from typing import Any

from backend.conversations import handle
from backend.db import Database, system
from backend.jobs import Work
from backend.patients.models import Patient
from notifications.inbound import ReceivedText, receive
from tests import people, sent

API = "/api/v1"
TEST = system("test")

NAME = "Qiu Wanderlust"
PHONE = "+8613911122233"
EMAIL = "qiu.wanderlust@example.org"
RELATIVE, RELATIVES_PHONE, RELATION = "Qiu Featherstone", "+8613911122244", "godmother-in-law"
TEXTED = "the quinces taste of tin today"
WRITTEN_IN_THE_APP = "my left ear hums like a kettle"
OTHER_SYMPTOM = "marmalade coloured fingertips"
WHY_ON_BEHALF = "her grandson dropped the phone in the well"
INFORMANT, CAUSE, KIN = "Uncle Featherstone", "a fall from the plum tree", "mother's brother"
OUTCOME, NOTE = "rang the blue teahouse", "the teahouse keeper knows her"
CORRECTION = "the notary misread her papers"
WORDS = (
    NAME,
    EMAIL,
    RELATIVE,
    RELATION,
    TEXTED,
    WRITTEN_IN_THE_APP,
    OTHER_SYMPTOM,
    WHY_ON_BEHALF,
    INFORMANT,
    CAUSE,
    KIN,
    OUTCOME,
    NOTE,
    CORRECTION,
)
NUMBERS = (PHONE, RELATIVES_PHONE)


@dataclass(frozen=True)
class Told:
    """Qiu, those who look after her, and what she was given to sign in with."""

    patient_id: str
    subject_number: str
    coordinator: people.Person
    investigator: people.Person
    phone: dict[str, str]
    secrets: tuple[str, ...]


class Teller:
    """Speaks HTTP, and insists on what comes back."""

    def __init__(self, client: Any, headers: dict[str, str]) -> None:
        self.client, self.headers = client, headers

    def post(self, path: str, body: Any, expected: int = 201, method: str = "POST", **headers: str) -> Any:
        answer = self.client.open(f"{API}{path}", method=method, json=body, headers=self.headers | headers)
        assert answer.status_code == expected, answer.text
        return answer.json

    def get(self, path: str) -> Any:
        answer = self.client.get(f"{API}{path}", headers=self.headers)
        assert answer.status_code == 200, answer.text
        return answer.json


def told(db: Database, client: Any, work: Work) -> Told:
    """Qiu is enrolled, reports, writes, is written about, and something is sent to her."""
    coordinator, investigator = people.coordinator(db), people.investigator(db)
    site = Teller(client, coordinator.headers)
    caregiver = {"name": RELATIVE, "phone": RELATIVES_PHONE, "relation": RELATION}
    may = {"may_report": True, "may_confirm_survival": True}
    body = people.enrolment_body(name=NAME, phone=PHONE, email=EMAIL, caregivers=[caregiver | may])
    enrolled = site.post("/patients", body)
    place = f"/patients/{enrolled['id']}"
    code = site.post(f"{place}/activation-codes", None)["code"]
    tokens = site.post("/auth/activations", {"code": code, "birth_year": body["birth_year"]})
    phone = people.bearer(tokens["access_token"])
    others = [{"text": OTHER_SYMPTOM, "severity": 2}]
    urgent = sent.answers(checklist__black_or_bloody_stool=1)
    Teller(client, phone).post("/me/reports", sent.report_body(other_symptoms=others, answers=urgent))
    Teller(client, phone).post("/me/messages", {"text": WRITTEN_IN_THE_APP})
    site.post(f"{place}/reports", sent.staff_report_body(on_behalf_reason=WHY_ON_BEHALF))
    correct(site, client, place)
    text_from(db, PHONE, TEXTED)
    work.dispatch()
    secrets = (code, tokens["access_token"], tokens["refresh_token"])
    return Told(enrolled["id"], enrolled["subject_number"], coordinator, investigator, phone, secrets)


def correct(site: Teller, client: Any, place: str) -> None:
    """A mistake in the record is put right, and why."""
    etag = client.get(f"{API}{place}", headers=site.headers).headers["ETag"]
    site.post(place, {"birth_year": 1962, "reason": CORRECTION}, 200, "PATCH", **{"If-Match": etag})


def died(client: Any, qiu: Told) -> None:
    """Her death is told, agreed to, and nothing about her waits for anybody."""
    site, physician = Teller(client, qiu.coordinator.headers), Teller(client, qiu.investigator.headers)
    for one in site.get("/inbox")["items"]:
        site.post(f"/inbox/{one['id']}/resolutions", {"outcome": OUTCOME, "note": NOTE})
    death = sent.death_body(informant=INFORMANT, cause=CAUSE, relation=KIN)
    report = site.post(f"/patients/{qiu.patient_id}/death-reports", death)
    physician.post(f"/death-reports/{report['id']}/approvals", {})
    for task in site.get("/worklist")["items"]:
        site.post(f"/worklist/{task['id']}/resolutions", {"outcome": OUTCOME, "note": NOTE})


def text_from(db: Database, number: str, text: str) -> None:
    """A text comes in and is understood, as far as it can be."""
    kept = receive(db, ReceivedText(f"provider-{abs(hash((number, text)))}", number, "10690000", text))
    assert kept is not None
    handle.understand(db, kept)


def row_of(txn: Any, qiu: Told) -> Patient:
    """Her record."""
    return txn.session.query(Patient).filter_by(subject_number=qiu.subject_number).one()
