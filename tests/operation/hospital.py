"""A small hospital in the middle of its work: something of everything that an invariant speaks of."""

from datetime import date
from pathlib import Path

from backend.adverse_events.judgement import Judgement
from backend.adverse_events.models import AdverseEvent
from backend.adverse_events.recording import enter
from backend.adverse_events.signing import Hand, sign
from backend.agenda import changes
from backend.app import create_app
from backend.audit_seals import Sealer
from backend.config import Settings
from backend.db import Database, system
from backend.event_terms import EventSource
from backend.jobs import work_of
from backend.patients.models import Patient
from backend.patients.sign_in import issue_code
from backend.survival import deaths
from backend.survival.models import DeathReport
from backend.terms import Reply
from tests import people
from tests.adverse_events.sent import in_control
from tests.databases import settings_of
from tests.sent import answers, report_body

API = "/api/v1"
BEGAN = {"consented_on": date(2027, 1, 20), "randomised_on": date(2027, 1, 25)}


def a_hospital_at_work(db: Database, home: Path) -> None:
    """An emergency taken note of, texts sent, a death on record and one reported, codes, phones, a sealed trail."""
    settings = settings_of(db.url, home)
    coordinator = people.coordinator(db)
    _ann_reports_an_emergency(db, settings, coordinator)
    ben = people.ben(db, **BEGAN)
    with db.transaction(system("test")) as txn:
        issue_code(txn, txn.session.get_one(Patient, ben.id))
    _an_event_is_signed(db, ben)
    _somebody_dies(db, coordinator)
    Sealer(db).seal_waiting()


def _ann_reports_an_emergency(db: Database, settings: Settings, coordinator: people.Person) -> None:
    ann = people.ann(db, **BEGAN)
    client = create_app(settings, db).test_client()
    bleeding = report_body(answers=answers(checklist__black_or_bloody_stool=1))
    client.post(f"{API}/me/reports", json=bleeding, headers=people.phone_of(db, ann).headers)
    waiting = client.get(f"{API}/candidate-events", headers=coordinator.headers).json["items"]
    for candidate in waiting:
        address = f"{API}/candidate-events/{candidate['id']}/acknowledgements"
        assert client.post(address, json={}, headers=coordinator.headers).status_code < 300
    with db.transaction(system("test")) as txn:
        patient = txn.session.get_one(Patient, ann.id)
        changes.plan_cycle(txn, patient, 1, date(2027, 2, 16))
        changes.confirm_cycle(txn, patient, 1)
        changes.reply_to(txn, patient, "cycle-1.day-1", Reply.COMING)
    work = work_of(db, settings)
    work.plan()
    assert work.dispatch()["sent"]


def _an_event_is_signed(db: Database, patient: Patient) -> None:
    investigator = people.investigator(db)
    judged = Judgement(**in_control(serious=(), onset_on="2027-02-27"))
    with db.transaction(investigator.actor) as txn:
        event_id = enter(txn, txn.session.get_one(Patient, patient.id), judged, EventSource.VISIT).id
    with db.transaction(investigator.actor) as txn:
        hand = Hand(investigator.headers["Authorization"].partition(" ")[2], people.PASSWORD)
        sign(txn, txn.session.get_one(AdverseEvent, event_id), hand, "reviewed")


def _somebody_dies(db: Database, coordinator: people.Person) -> None:
    investigator = people.investigator(db)
    dead, perhaps = people.ann(db, name="Dora Li", phone=None, **BEGAN), people.ann(db, name="Elsa Li", **BEGAN)
    for patient in (dead, perhaps):
        with db.transaction(coordinator.actor) as txn:
            deaths.report_death(txn, txn.session.get_one(Patient, patient.id), died_on="2027-02-26")
    with db.transaction(investigator.actor) as txn:
        patient = txn.session.get_one(Patient, dead.id)
        report = txn.session.query(DeathReport).filter_by(patient_id=dead.id).one()
        deaths.approve(txn, patient, report)
