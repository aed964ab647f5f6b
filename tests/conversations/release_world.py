"""What the table of the release decision is arranged with: Ann, one message about her, and one change at a time."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import select

from backend import clock as the_clock
from backend.agenda import changes
from backend.agenda.planning import replan
from backend.conversations.release import release
from backend.conversations.release_to_staff import StaffWays
from backend.db import Transaction, system
from backend.jobs import Work
from backend.patients.models import Patient
from backend.sealing import seal
from backend.terms import Recipient, Urgency
from notifications import Later, Send, numbers, queue
from notifications.models import Attempt, Message
from notifications.outbox import Letter
from tests import people
from tests.conftest import Clock

TEST = system("test")
MORNING = "2027-03-04T10:00:00+08:00"
EMAIL_TOO = StaffWays("https://followup.example.org", has_email=True)


@dataclass
class World:
    """One patient, one message that is about to go, and everything that may still change."""

    work: Work
    clock: Clock
    patient: Patient
    message_id: UUID | None = None
    ways: StaffWays = field(default=EMAIL_TOO)
    kept: dict[str, Any] = field(default_factory=dict)

    def do(self, act: Callable[[Transaction, Patient], Any]) -> Any:
        """One committed act about Ann."""
        with self.work.db.transaction(TEST) as txn:
            return act(txn, txn.session.get_one(Patient, self.patient.id))

    def change(self, kind: Any, row_id: UUID | None, **columns: Any) -> None:
        """Set columns of a stored row, past every rule: what matters here is what release sees."""

        def act(txn: Transaction, _ann: Patient) -> None:
            row = txn.session.get_one(kind, row_id)
            for name, value in columns.items():
                setattr(row, name, value)

        self.do(act)

    def of_ann(self, **columns: Any) -> None:
        """Columns of her record."""
        self.change(Patient, self.patient.id, **columns)

    def says(self, **columns: Any) -> None:
        """Columns of the message."""
        self.change(Message, self.message_id, **columns)

    def at(self, moment: str) -> None:
        """Both clocks show this moment."""
        self.clock.move_to(moment)

    def plans(self) -> None:
        """The outbox holds what the agenda asks for now."""
        self.do(replan)

    def takes(self, key: str) -> None:
        """From now on it is about the message with this key."""
        self.message_id = self.do(
            lambda txn, _: txn.session.scalars(select(Message.id).where(Message.key == key)).one()
        )

    def writes(self, key: str, **intent: Any) -> None:
        """It is about a message that somebody has just queued."""
        told: dict[str, Any] = {
            "template": "thanks_reply",
            "recipient": Recipient.PATIENT,
            "send_at": the_clock.now(),
            "urgency": Urgency.ROUTINE,
            "patient_id": self.patient.id,
            "site_id": self.patient.site_id,
        }
        letter = Letter(key=key, **(told | intent))
        self.do(lambda txn, _: queue(txn, letter))
        self.takes(key)

    def confirms_cycle(self, collected: date = date(2027, 3, 5)) -> None:
        """A first cycle with its two days."""
        self.do(lambda txn, ann: changes.plan_cycle(txn, ann, 1, collected))
        self.do(lambda txn, ann: changes.confirm_cycle(txn, ann, 1))

    def decision(self) -> str:
        """What release says now, in a few words."""
        with self.work.db.transaction(TEST) as txn:
            message = txn.session.get_one(Message, self.message_id)
            said = release(txn, message, self.work.templates[message.template], self.ways)
        if isinstance(said, Send):
            return f"send by {said.channel}"
        return f"later: {said.reason}" if isinstance(said, Later) else f"suppress: {said.reason}"

    def without_email(self) -> None:
        """This server has no way to send e-mail."""
        self.ways = replace(self.ways, has_email=False)


@dataclass(frozen=True)
class Row:
    """One reason: the situation just short of it and what is said there, and the one step more.

    ``place`` is the rule that gives it, ``said`` how the source writes the reason where that is no plain word.
    """

    place: str
    decision: str
    nearly: str
    near: Callable[[World], None]
    hit: Callable[[World], None]
    said: str | None = None

    @property
    def source(self) -> tuple[str, str, str]:
        """Rule, kind of decision, and the reason as the source has it."""
        kind, _, reason = self.decision.partition(": ")
        return self.place, kind, self.said or reason

    @property
    def name(self) -> str:
        """For the list of tests."""
        return f"{self.place}-{self.decision.replace(': ', '-')}"


def a_report_is_due(world: World) -> None:
    """Thursday morning: the first weekly report is asked for, by text."""
    world.plans()
    world.at(MORNING)
    world.takes("weekly.w1@2027-03-04:0d")


def a_visit_is_ahead(world: World) -> None:
    """A week before the first visit."""
    world.at("2027-03-18T10:00:30+08:00")
    world.plans()
    world.takes("visit.m1@2027-03-25:-7d")


def an_infusion_is_ahead(world: World) -> None:
    """Two evenings before the first infusion, just before its reminder; the days were confirmed long before."""
    world.confirms_cycle()
    world.at("2027-03-18T18:00:30+08:00")
    world.takes("cycle-1.day-1@2027-03-20:-2d")


def life_is_asked_after(world: World, on: str = "2027-05-28T09:00:30+08:00", label: str = "3d") -> None:
    """Three months on, three days after the first time of asking."""
    world.at(on)
    world.plans()
    world.takes(f"survival.m3@2027-05-25:{label}")


def moment(said: str) -> datetime:
    """ISO 8601 with an offset."""
    return datetime.fromisoformat(said)


def made(work: Work, clock: Clock) -> World:
    """Ann, just enrolled."""
    return World(work, clock, people.ann(work.db))


def takes_no_texts(world: World, number: str) -> None:
    """A provider has said so of the number, about another message to it."""

    def act(txn: Transaction, ann: Patient) -> None:
        attempt = Attempt(
            id=uuid4(), message_id=world.message_id, key_owner_id=ann.id, number=1, channel="sms", language="en",
            template="visit_reminder", template_version=1, status="refused", code="21211", started_at=txn.now, looks=0,
        )  # fmt: skip
        txn.session.add(attempt)
        txn.session.flush()
        numbers.stop(txn, number, attempt)

    world.do(act)


def with_number(number: str) -> Callable[[Transaction, Patient], None]:
    """As it can only have come past every door: none lets such a number in."""

    def act(txn: Transaction, ann: Patient) -> None:
        ann.phone_sealed = seal(txn, ann, "phone_sealed", number)

    return act


def a_routine_text_went(
    txn: Transaction, patient_id: UUID, begun_at: datetime | None = None, tries: int = 1, **columns: object
) -> None:
    """To this patient, and today, but for the changes; ``tries``: how often it was begun."""
    now, message_id = txn.now, uuid4()
    usual = {
        "recipient": "patient", "patient_id": patient_id, "template": "report_due", "values": {},
        "key": f"sent:{message_id}", "urgency": "routine", "priority": 2, "send_at": now, "next_try_at": now,
        "tries": 0, "status": "delivered", "channel": "sms", "created_at": now, "settled_at": now,
    }  # fmt: skip
    txn.session.add(Message(**(usual | columns), id=message_id))
    txn.session.flush()
    for number in range(tries):
        txn.session.add(
            Attempt(
                message_id=message_id,
                patient_id=patient_id,
                key_owner_id=patient_id,
                number=number + 1,
                channel="sms",
                language="en",
                template="report_due",
                template_version=1,
                status="accepted",
                started_at=begun_at or now,
                looks=0,
            )  # fmt: skip
        )
