"""The phones of a demo: whose they are, what is on them, and what happens when somebody writes on one."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from sqlalchemy import func, select

import notifications
from backend import clock
from backend.conversations.handle import understand
from backend.db import Database, Transaction
from backend.errors import InvalidInput
from backend.patients.caregivers import caregivers_of
from backend.patients.models import Caregiver, Patient
from backend.phones import e164
from backend.sealing import keyring_of, unseal
from backend.staff.models import Site
from backend.terms import Direction, MessageStatus
from notifications.channels.simulator import PhoneText, Simulator
from notifications.models import Message, SimulatedText
from notifications.scheduler import Ticker
from seeds.demo.script import scripted_numbers

MORNING = time(9, 0)
HOME_ZONE = "Asia/Shanghai"
HOME_REGION = "CN"
DIALLED = re.compile(r"\+[1-9][0-9]{2,14}")


@dataclass(frozen=True)
class Owner:
    """Somebody who reads this phone: a patient, or a caregiver of one."""

    subject_number: str
    is_caregiver: bool


@dataclass(frozen=True)
class Phone:
    """A simulated phone, as the list shows it. ``received`` counts the texts that reached it."""

    number: str
    owners: Sequence[Owner]
    language: str
    time_zone: str
    received: int
    last: PhoneText | None


def every_phone(txn: Transaction) -> list[Phone]:
    """The phones of patients and caregivers, in the order of subject numbers; a shared one once.

    Those of the script lead: what the page says is to be tried happens on theirs.
    """
    shared: dict[str, list[tuple[Patient, Owner]]] = {}
    for number, patient, owner in sorted(_numbers(txn), key=lambda one: one[0] not in scripted_numbers()):
        shared.setdefault(number, []).append((patient, owner))
    counts, newest = _received(txn), _newest(txn)
    return [
        Phone(
            number=number,
            owners=[owner for _, owner in people],
            language=people[0][0].language,
            time_zone=people[0][0].time_zone,
            received=counts.get(_index(txn, number), 0),
            last=newest.get(_index(txn, number)),
        )
        for number, people in shared.items()
    ]


def state_of_all(txn: Transaction) -> str:
    """Changes whenever a phone, a text, what becomes of one, or the clock's setting does; cheap enough to be asked for
    all the time.
    """
    texts = txn.session.execute(select(func.count(SimulatedText.id), func.max(SimulatedText.at))).one()
    patients = txn.session.execute(select(func.count(Patient.id), func.sum(Patient.version))).one()
    settled = txn.session.execute(select(func.count(Message.settled_at), func.max(Message.settled_at))).one()
    put_off = txn.session.execute(
        select(func.count(Message.id), func.max(Message.next_try_at)).where(
            Message.status == MessageStatus.QUEUED, Message.reason.is_not(None)
        )
    ).one()
    caregivers = txn.session.scalar(select(func.count(Caregiver.id)))
    moved = round(clock.ahead().total_seconds())
    return "-".join(re.sub(r"\W", "", str(part)) for part in (*texts, *settled, *put_off, *patients, caregivers, moved))


def write_from(db: Database, ticker: Ticker, number: str, text: str) -> None:
    """Somebody writes: it is kept, understood, and what there is to answer is sent, as a worker would."""
    inbound_id = notifications.receive(db, Simulator(db).write_from(number, text))
    if inbound_id is not None:
        understand(db, inbound_id)
    ticker.run("dispatch")


def number_of(typed: str) -> str:
    """A number as we keep it. One that no country gives out is taken as it was dialled: it may text us too."""
    dialled = typed.strip()
    try:
        return e164(dialled, HOME_REGION, field="number")
    except InvalidInput:
        if DIALLED.fullmatch(dialled):
            return dialled
        raise


def zone_of_study(txn: Transaction) -> str:
    """Where the first site's clock hangs."""
    return txn.session.scalar(select(Site.time_zone).order_by(Site.code).limit(1)) or HOME_ZONE


def tomorrow_morning(moment: datetime, zone: str) -> datetime:
    """Nine o'clock of the next day: by then the morning's texts have gone."""
    return clock.at_local(clock.local_day(moment, zone) + timedelta(days=1), MORNING, zone)


def _numbers(txn: Transaction) -> Iterator[tuple[str, Patient, Owner]]:
    for patient in txn.session.scalars(select(Patient).order_by(Patient.subject_number)).all():
        own = unseal(txn, patient, "phone_sealed")
        if own:
            yield own, patient, Owner(patient.subject_number, is_caregiver=False)
        for caregiver in caregivers_of(txn, patient):
            number = unseal(txn, caregiver, "phone_sealed")
            if number:
                yield number, patient, Owner(patient.subject_number, is_caregiver=True)


def _received(txn: Transaction) -> dict[str, int]:
    rows = (
        select(SimulatedText.number_index, func.count().label("received"))
        .where(SimulatedText.direction == Direction.OUTBOUND)
        .group_by(SimulatedText.number_index)
    )
    return {row.number_index: row.received for row in txn.session.execute(rows)}


def _newest(txn: Transaction) -> dict[str, PhoneText]:
    order = (SimulatedText.at.desc(), SimulatedText.id.desc())
    place = func.row_number().over(partition_by=SimulatedText.number_index, order_by=order).label("place")
    placed = select(SimulatedText.id, place).subquery()
    rows = select(SimulatedText).join(placed, placed.c.id == SimulatedText.id).where(placed.c.place == 1)
    return {
        row.number_index: PhoneText(Direction(row.direction), unseal(txn, row, "text_sealed") or "", row.at)
        for row in txn.session.scalars(rows)
    }


def _index(txn: Transaction, number: str) -> str:
    return keyring_of(txn).blind_index("phone", number)
