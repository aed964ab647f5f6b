"""Every reason for which a message to a member of staff waits or is not sent, each with a near miss."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select

from backend import clock
from backend.adverse_events.models import AdverseEvent
from backend.db import Transaction
from backend.patients.models import Patient
from backend.sealing import shred
from backend.staff.models import StaffMember
from backend.terms import Recipient, Urgency
from backend.triage.models import CandidateEvent, StaffPage
from notifications import inbound
from notifications.models import InboundMessage, Message
from tests import people
from tests.conversations.release_world import Row, World
from tests.phone import Phone
from tests.triage.called import on_call, staff

TEXT, LETTER = "send by sms", "send by email"


def a_page_goes_out(world: World, template: str = "page_sms") -> None:
    """Ann wrote of a danger; whoever is on call is about to hear of it."""
    lin = staff(world.work)
    on_call(world.work, lin)
    Phone(world.work, people.ANNS_PHONE).writes("I am bleeding")
    world.kept["lin"] = lin.id
    world.kept["page"] = _one(world, StaffPage)
    world.kept["candidate"] = _one(world, CandidateEvent)
    about = select(Message.id).where(Message.template == template)
    world.message_id = world.do(lambda txn, _: txn.session.scalars(about).one())


def a_letter_goes_out(world: World) -> None:
    a_page_goes_out(world, "page_email")


def a_physician_is_told(world: World) -> None:
    """That nobody has taken note of it."""
    a_page_goes_out(world)
    values = {"candidate": str(world.kept["candidate"]), "tier": "T1", "step": "investigator"}
    _write(world, "escalated_sms", values=values)


def told_in_the_evening(world: World) -> None:
    a_physician_is_told(world)
    world.at("2027-03-01T21:59:59+08:00")


def a_newer_round_is_out(world: World) -> None:
    """The letter of an older round goes all the same: it alone carries the link."""
    a_letter_goes_out(world)
    world.change(StaffPage, world.kept["page"], rounds=2)


def the_text_of_the_older_round(world: World) -> None:
    about = select(Message.id).where(Message.template == "page_sms")
    world.message_id = world.do(lambda txn, _: txn.session.scalars(about).one())


def an_answer_goes_back(world: World) -> None:
    a_page_goes_out(world)

    def heard(txn: Transaction, _ann: Patient) -> UUID:
        text = inbound.ReceivedText("from-staff", "+8613900999999", "", "1")
        kept = inbound.keep(txn, text)
        assert kept is not None
        return kept.id

    world.kept["heard"] = world.do(heard)
    reply = {"in_reply_to": world.kept["heard"], "urgency": Urgency.REPLY, "values": {"count": "1"}}
    _write(world, "page_reply", **reply)


def another_has_left(world: World) -> None:
    a_page_goes_out(world)
    world.change(StaffMember, staff(world.work).id, deactivated_at=clock.now())


def no_worker_runs(world: World) -> None:
    world.kept["lin"] = staff(world.work).id
    _write(world, "worker_silent_email", patient_id=None, values={"date": "2027-03-01", "time": "08:00"})


def a_serious_event_waits(world: World) -> None:
    """Its safety report is due tomorrow, and a physician is about to be reminded."""
    a_page_goes_out(world)
    due_at = clock.now() + timedelta(days=1)

    def entered(txn: Transaction, ann: Patient) -> UUID:
        words = dict.fromkeys(("relation_cells", "relation_drug", "action_cells", "action_drug"), "unlikely")
        moments = dict.fromkeys(("received_at", "first_known_at", "serious_known_at", "recorded_at"), txn.now)
        emerged = dict.fromkeys(("study_emergent", "cells_emergent", "drug_emergent"), True)
        row = AdverseEvent(
            patient_id=ann.id, site_id=ann.site_id, source="visit", ctcae_version="5.0", term_code="10052015", grade=3,
            onset_on="2027-03-01", outcome="unknown", serious=["hospitalisation"], emergence={}, version=1,
            report_due_at=due_at, **words, **moments, **emerged,
        )  # fmt: skip
        txn.session.add(row)
        return row.id

    world.kept["event"] = world.do(entered)
    about = {"event": str(world.kept["event"]), "due_at": due_at.isoformat()}
    _write(world, "safety_report_sms", values=about)


def _one(world: World, kind: Any) -> UUID:
    found: UUID = world.do(lambda txn, _: txn.session.scalars(select(kind.id)).one())
    return found


def _write(world: World, template: str, **intent: Any) -> None:
    told = {"recipient": Recipient.STAFF, "staff_id": world.kept["lin"], "urgency": Urgency.SAFETY}
    world.writes(f"to-staff:{template}", template=template, **(told | intent))


def _member(world: World, **columns: Any) -> None:
    world.change(StaffMember, world.kept["lin"], **columns)


ROWS = (
    Row(
        "release_to_staff",
        "suppress: nobody_to_write_to",
        TEXT,
        a_page_goes_out,
        lambda world: world.says(staff_id=None),
    ),
    Row(
        "release_to_staff",
        "suppress: forgotten",
        TEXT,
        a_page_goes_out,
        lambda world: world.do(lambda txn, ann: shred(txn, ann.id)),
    ),
    Row(
        "release_to_staff",
        "suppress: left",
        TEXT,
        another_has_left,
        lambda world: _member(world, deactivated_at=clock.now()),
    ),
    Row(
        "_about_the_page",
        "suppress: acknowledged",
        TEXT,
        a_page_goes_out,
        lambda world: world.change(StaffPage, world.kept["page"], acknowledged_at=clock.now()),
    ),
    Row("_about_the_page", "suppress: newer_round", LETTER, a_newer_round_is_out, the_text_of_the_older_round),
    Row(
        "_about_the_candidate",
        "suppress: acknowledged",
        TEXT,
        a_physician_is_told,
        lambda world: world.change(CandidateEvent, world.kept["candidate"], status="acknowledged"),
    ),
    Row(
        "_about_the_candidate",
        "suppress: tier_changed",
        TEXT,
        a_physician_is_told,
        lambda world: world.change(CandidateEvent, world.kept["candidate"], tier="T2"),
    ),
    Row(
        "_about_hours",
        "later: quiet_hours",
        TEXT,
        told_in_the_evening,
        lambda world: world.at("2027-03-01T22:00:00+08:00"),
    ),
    Row(
        "_about_the_server",
        "suppress: left",
        LETTER,
        no_worker_runs,
        lambda world: _member(world, deactivated_at=clock.now()),
    ),
    Row("_about_the_server", "suppress: no_email_gateway", LETTER, no_worker_runs, World.without_email),
    Row(
        "_about_the_safety_report",
        "suppress: reported",
        TEXT,
        a_serious_event_waits,
        lambda world: world.change(AdverseEvent, world.kept["event"], reported_at=clock.now()),
    ),
    Row(
        "_about_the_safety_report",
        "suppress: no_longer_serious",
        TEXT,
        a_serious_event_waits,
        lambda world: world.change(AdverseEvent, world.kept["event"], report_due_at=None),
    ),
    Row("_to", "suppress: no_email_gateway", LETTER, a_letter_goes_out, World.without_email),
    Row("_to", "suppress: no_number", TEXT, a_page_goes_out, lambda world: _member(world, phone_sealed=None)),
    Row(
        "_back_to_the_sender",
        "suppress: no_number",
        TEXT,
        an_answer_goes_back,
        lambda world: world.change(InboundMessage, world.kept["heard"], number_sealed=None),
    ),
)
