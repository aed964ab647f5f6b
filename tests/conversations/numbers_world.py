"""Whose a number is, in tests: questions asked at one, texts from one, and a record that is changed."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from backend.db import Transaction
from backend.patients import contact
from backend.patients.caregivers import CaregiverForm, name_caregiver
from backend.patients.models import Patient
from backend.sealing import seal, unseal
from backend.staff.models import Site
from backend.worklist.models import WorkItem
from notifications.channels import Refusal, Undeliverable
from notifications.channels.simulator import Simulator
from notifications.models import Attempt, InboundMessage, Message
from tests.conversations.release_world import TEST, World
from tests.databases import KINDS
from tests.phone import Phone

SQLITE = pytest.mark.parametrize("database_url", KINDS[:1], indirect=True)
NEW, SISTERS = "+8613800138077", "+8613800138088"
VISIT, SURVIVAL = "visit.m1@2027-03-25", "survival.m3@2027-05-25"
MORNING = "2027-03-04T10:00:00+08:00"


def rows(world: World, kind: Any, *which: Any) -> Sequence[Any]:
    with world.work.db.reading(TEST) as txn:
        found = txn.session.scalars(select(kind).where(*which)).all()
        txn.session.expunge_all()
        return found


def tasks(world: World, *, is_open: bool = True) -> list[str]:
    resolved = WorkItem.resolved_at.is_(None) if is_open else WorkItem.resolved_at.is_not(None)
    return sorted(one.reason for one in rows(world, WorkItem, resolved))


def last_text(world: World, number: str) -> InboundMessage:
    with world.work.db.reading(TEST) as txn:
        theirs = select(InboundMessage).where(InboundMessage.number_index == contact.phone_index(txn, number))
        row = txn.session.scalars(theirs.order_by(InboundMessage.received_at.desc()).limit(1)).one()
        txn.session.expunge_all()
        return row


def wrote(world: World, number: str, text: str) -> tuple[str | None, bool, str | None]:
    """What became of a text, whether it is known whose it is, and by what it was answered."""
    Phone(world.work, number).writes(text)
    received = last_text(world, number)
    answers = rows(world, Message, Message.in_reply_to == received.id, Message.channel == "sms")
    return received.handled_how, received.patient_id is not None, answers[0].template if answers else None


def was_asked(world: World, patient: Patient, number: str, thing: str = VISIT, **intent: Any) -> None:
    """A question about an item of the agenda has been delivered there by text."""

    def act(txn: Transaction, _ann: Patient) -> None:
        told: dict[str, Any] = {"recipient": "patient", "template": "visit_reminder", "asks": "visit", "values": {}}
        message = Message(
            id=uuid4(), patient_id=patient.id, site_id=patient.site_id, key=f"{thing}:{number}:{uuid4()}",
            agenda_key=thing.partition("@")[0], urgency="routine", priority=2, send_at=txn.now, next_try_at=txn.now,
            tries=0, status="delivered", channel="sms", created_at=txn.now, settled_at=txn.now, **(told | intent),
        )  # fmt: skip
        txn.session.add(message)
        txn.session.flush()
        attempt = Attempt(
            id=uuid4(), message_id=message.id, patient_id=patient.id, key_owner_id=patient.id, number=1, channel="sms",
            language="en", template="visit_reminder", template_version=1, status="accepted", provider_id=str(uuid4()),
            started_at=txn.now, looks=0,
        )  # fmt: skip
        attempt.address_sealed = seal(txn, attempt, "address_sealed", number)
        txn.session.add(attempt)

    world.do(act)


def patched(world: World, client: Any, headers: dict[str, str], **change: Any) -> Any:
    """The coordinator changes Ann's record as it is now; what is due is sent."""
    address = f"/api/v1/patients/{world.patient.id}"
    tag = client.get(address, headers=headers).headers["ETag"]
    answer = client.patch(address, json=change, headers={**headers, "If-Match": tag})
    assert answer.status_code == 200, answer.json
    world.work.dispatch()
    return answer.json


def at(world: World, number: str) -> list[str]:
    """By template, what reached a number."""
    with world.work.db.reading(TEST) as txn:
        texts = txn.session.scalars(select(Attempt).where(Attempt.channel == "sms").order_by(Attempt.started_at))
        return [one.template for one in texts if unseal(txn, one, "address_sealed") == number]


def names(world: World, **may: bool) -> UUID:
    form = CaregiverForm(name="Zhang Li", phone=SISTERS, relation="sister", **may)
    named: UUID = world.do(lambda txn, ann: name_caregiver(txn, ann, txn.session.get_one(Site, ann.site_id), form).id)
    return named


def refuses(world: World, number: str, code: str, why: Refusal) -> None:
    world.work.channels["sms"] = Simulator(world.work.db, {number: Undeliverable(code, why)})  # type: ignore[index]
