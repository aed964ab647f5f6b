"""Forgetting: what named the patient is gone for good, what the trial learnt is not, and everything still works."""

from typing import Any

import pytest
from sqlalchemy import select

from backend import audit
from backend.audit import AuditEvent
from backend.audit_seals import Sealer
from backend.audit_verification import verify
from backend.conversations.release import release
from backend.db import Database
from backend.errors import Forgotten, NoLongerPossible, StillNeeded, WrongDataKey
from backend.jobs import Work
from backend.patients.forgetting import forget
from backend.patients.identifiers import identifiers_of
from backend.patients.models import Caregiver, Patient
from backend.patients.symptom_report import SymptomReport
from backend.sealing import DataKey, is_forgotten, seal, unseal
from backend.terms import ForgettingReason, PatientStatus, Recipient, Urgency
from backend.triage.models import CandidateEvent, CandidateFinding
from notifications import Letter, Suppress, queue
from notifications.models import InboundMessage, Message, OptOut
from tests import people
from tests.keys import life
from tests.keys.life import API, TEST

ENDED = ForgettingReason.RETENTION_ENDED


@pytest.fixture
def qiu(db: Database, client: Any, work: Work) -> life.Told:
    """Told of in every way there is, and dead."""
    known = life.told(db, client, work)
    life.died(client, known)
    return known


def forget_her(db: Database, qiu: life.Told) -> None:
    with db.transaction(TEST) as txn:
        forget(txn, life.row_of(txn, qiu), ENDED)


def learnt(db: Database) -> dict[str, list[tuple[object, ...]]]:
    """All that the trial knows of its patients, and the trail, as they are stored."""
    with db.reading(TEST) as txn:
        return {
            table.__tablename__: [tuple(row) for row in txn.session.execute(select(*table.__table__.columns))]
            for table in (SymptomReport, CandidateEvent, CandidateFinding, AuditEvent)
        }


def test_after_forgetting_every_route_about_the_patient_works_and_says_no_name(
    db: Database, client: Any, qiu: life.Told
) -> None:
    site = life.Teller(client, qiu.coordinator.headers)
    place = f"/patients/{qiu.patient_id}"
    shown = ("", "/caregivers", "/agenda", "/reports", "/audit-events", "/death-reports")
    paths = [place + one for one in shown] + [
        f"/patients?status={PatientStatus.DIED}",
        f"/messages?patient={qiu.patient_id}",
        *("/candidate-events", "/inbox", "/worklist", "/survival/worklist", "/audit-events"),
    ]
    paths += [f"{place}/reports/{one['id']}" for one in site.get(f"{place}/reports")["items"]]
    before = {path: str(site.get(path)) for path in paths}
    assert any(life.NAME in text for text in before.values())

    forget_her(db, qiu)

    after = {path: str(site.get(path)) for path in paths}
    assert [(path, word) for path, text in after.items() for word in life.WORDS + life.NUMBERS if word in text] == []
    record = site.get(place)
    assert [record[name] for name in ("name", "phone", "email")] == [None, None, None]
    assert record["subject_number"] == qiu.subject_number


def test_what_the_trial_learnt_and_the_trail_are_as_they_were(db: Database, qiu: life.Told) -> None:
    before = learnt(db)

    forget_her(db, qiu)

    after = learnt(db)
    trail, added = after.pop("audit_event"), len(before["audit_event"])
    assert trail[:added] == before.pop("audit_event")
    assert after == before
    assert before["symptom_report"]
    assert before["candidate_event"]
    with db.reading(TEST) as txn:
        noted = txn.session.query(AuditEvent.record_id, AuditEvent.reason).filter_by(verb="patient.forgotten").all()
    assert [tuple(one) for one in noted] == [(qiu.patient_id, ENDED)]


def test_the_sealed_trail_is_whole_before_and_after(db: Database, qiu: life.Told) -> None:
    Sealer(db).seal_waiting()
    was_whole = verify(db).is_sound

    forget_her(db, qiu)
    Sealer(db).seal_waiting()

    assert was_whole
    assert verify(db).is_sound


def test_nothing_sealed_under_the_key_opens_and_nothing_can_be_added(db: Database, qiu: life.Told) -> None:
    forget_her(db, qiu)

    with db.transaction(TEST) as txn:
        patient = life.row_of(txn, qiu)
        assert set(vars(identifiers_of(txn, patient)).values()) == {None}
        assert patient.name_sealed is not None
        corrected = select(AuditEvent).where(AuditEvent.verb == "patient.changed")
        assert {audit.reason_of(txn, one) for one in txn.session.scalars(corrected)} == {None}
        with pytest.raises(Forgotten):
            seal(txn, patient, "name_sealed", "somebody")


def test_no_number_of_theirs_is_looked_up_or_kept_any_more(db: Database, qiu: life.Told) -> None:
    life.text_from(db, life.PHONE, "STOP")
    life.text_from(db, life.RELATIVES_PHONE, "STOP")

    forget_her(db, qiu)

    with db.reading(TEST) as txn:
        assert life.row_of(txn, qiu).phone_index is None
        assert set(txn.session.scalars(select(Caregiver.phone_index))) == {None}
        texts = txn.session.execute(select(InboundMessage.number_index, InboundMessage.text_sealed)).all()
        assert {tuple(one) for one in texts} == {(None, None)}
        assert all(one.startswith("forgotten:") for one in txn.session.scalars(select(OptOut.number_index)))


def test_a_number_shared_with_another_patient_stays_the_others(db: Database, client: Any, work: Work) -> None:
    other = people.ann(db, name="Somebody Else", phone=life.PHONE)
    qiu = life.told(db, client, work)
    life.text_from(db, life.PHONE, "STOP")
    life.died(client, qiu)

    forget_her(db, qiu)

    with db.reading(TEST) as txn:
        kept = txn.session.get_one(Patient, other.id)
        assert kept.phone_index is not None
        assert txn.session.scalars(select(OptOut.number_index)).all() == [kept.phone_index]
        ambiguous = select(InboundMessage).where(InboundMessage.number_index == kept.phone_index)
        assert [unseal(txn, one, "text_sealed") for one in txn.session.scalars(ambiguous)]


def test_a_text_is_sealed_under_the_key_of_whoever_wrote_it(db: Database, client: Any, work: Work) -> None:
    qiu = life.told(db, client, work)

    with db.reading(TEST) as txn:
        owners = set(txn.session.scalars(select(InboundMessage.key_owner_id)))
        [texted] = txn.session.scalars(select(InboundMessage).where(InboundMessage.channel == "sms"))
        assert unseal(txn, texted, "text_sealed") == life.TEXTED
        assert unseal(txn, texted, "number_sealed") == life.PHONE
    assert {str(one) for one in owners} == {qiu.patient_id}


def test_no_phone_stays_signed_in_and_none_can_be(db: Database, client: Any, qiu: life.Told) -> None:
    forget_her(db, qiu)

    site = life.Teller(client, qiu.coordinator.headers)
    assert client.get(f"{API}/me", headers=qiu.phone).status_code == 401
    refused = site.post(f"/patients/{qiu.patient_id}/activation-codes", None, 409)
    assert refused["code"] == "no_longer_possible"


def test_words_about_a_forgotten_patient_are_refused_by_name(db: Database, client: Any, qiu: life.Told) -> None:
    forget_her(db, qiu)
    site = life.Teller(client, qiu.coordinator.headers)

    caregiver = {"name": "A Cousin", "phone": "+8613911122255", "relation": "cousin"}
    refused = site.post(f"/patients/{qiu.patient_id}/caregivers", caregiver, 409)

    assert refused["code"] == "forgotten"


@pytest.mark.parametrize("template", ["weekly_prompt", "danger_reply"])
def test_nothing_is_sent_to_a_forgotten_patient(db: Database, work: Work, qiu: life.Told, template: str) -> None:
    forget_her(db, qiu)

    with db.transaction(TEST) as txn:
        row = life.row_of(txn, qiu)
        letter = Letter(
            key="late",
            template=template,
            recipient=Recipient.PATIENT,
            send_at=txn.now,
            urgency=Urgency.REPLY,
            patient_id=row.id,
            site_id=row.site_id,
        )
        message = queue(txn, letter)
        assert message is not None
        assert release(txn, message, next(iter(work.templates.values()))) == Suppress("forgotten")


def test_nobody_is_forgotten_who_is_followed_or_about_whom_something_waits(
    db: Database, client: Any, work: Work
) -> None:
    qiu = life.told(db, client, work)
    with pytest.raises(StillNeeded, match="on_study"):
        forget_her(db, qiu)
    life.died(client, qiu)
    life.text_from(db, life.PHONE, "plums")
    with pytest.raises(StillNeeded, match="inbox"):
        forget_her(db, qiu)

    with db.transaction(TEST) as txn:
        txn.session.query(InboundMessage).update({"handled_at": txn.now})
        one = txn.session.scalars(select(Message).limit(1)).one()
        one.status = "in_doubt"
    with pytest.raises(StillNeeded, match="on its way"):
        forget_her(db, qiu)

    with db.reading(TEST) as txn:
        assert identifiers_of(txn, life.row_of(txn, qiu)).name == life.NAME


def test_somebody_is_forgotten_once(db: Database, qiu: life.Told) -> None:
    forget_her(db, qiu)

    with pytest.raises(NoLongerPossible, match="before"):
        forget_her(db, qiu)


def test_a_key_that_was_lost_is_never_taken_for_one_that_was_forgotten(db: Database, qiu: life.Told) -> None:
    with db.transaction(TEST) as txn:
        txn.session.delete(txn.session.get_one(DataKey, life.row_of(txn, qiu).id))

    with db.reading(TEST) as txn:
        patient = life.row_of(txn, qiu)
        assert not is_forgotten(txn, patient.id)
        with pytest.raises(WrongDataKey, match="gone"):
            identifiers_of(txn, patient)


def test_a_message_waiting_for_her_is_recalled(db: Database, client: Any, work: Work) -> None:
    qiu = life.told(db, client, work)
    life.died(client, qiu)
    with db.transaction(TEST) as txn:
        txn.session.query(Message).filter_by(status="cancelled").update({"status": "queued"})
        waiting = txn.session.query(Message).filter_by(status="queued").count()
        erased = forget(txn, life.row_of(txn, qiu), ENDED)

    assert erased.recalled == waiting > 0
