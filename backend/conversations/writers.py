"""Whose the number is that a text has just come from, and whether one of them alone can have written it."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import BindParameter, bindparam, exists, literal, select

from backend.conversation_terms import WhyHere
from backend.conversations import staff_replies
from backend.conversations.answers import Sender
from backend.db import Transaction
from backend.patients import contact
from backend.patients.models import Caregiver, Patient
from backend.patients.new_numbers import former_owners
from backend.staff.models import StaffMember
from notifications import inbound, numbers
from notifications.models import InboundMessage, NumberStop

# Most numbers are one patient's and nobody else's: one look gives the patients, and tells which other tables need not
# be read for it. There is a row also where it is no patient's.
_INDEX: BindParameter[str] = bindparam("index")
_STANDS_IN = (
    select(
        Patient,
        exists().where(Caregiver.phone_index == _INDEX).label("caregivers"),
        exists().where(StaffMember.phone_index == _INDEX).label("staff"),
        exists().where(NumberStop.number_index == _INDEX, NumberStop.lifted_at.is_(None)).label("stops"),
    )
    .select_from(select(literal(1).label("one")).subquery("number").outerjoin(Patient, Patient.phone_index == _INDEX))
    .order_by(Patient.subject_number)
)


@dataclass(frozen=True)
class Writers:
    """Whose number it is: patients by their own, caregivers by theirs, and members of staff by theirs."""

    patients: tuple[Patient, ...] = ()
    caregivers: tuple[Caregiver, ...] = ()
    staff: tuple[StaffMember, ...] = ()
    # Whose it was before, or still is by the record though a stranger has it: nothing that comes from it is theirs.
    formerly: tuple[Patient, ...] = ()
    is_a_strangers: bool = False

    @property
    def are_staff_only(self) -> bool:
        """Whether the number is no patient's and no caregiver's."""
        return not self.patients and not self.caregivers

    @property
    def why_nobody_is_certain(self) -> WhyHere:
        """For a person to read, where there is no ``only_sender``."""
        if not self.are_staff_only:
            return WhyHere.SHARED_NUMBER
        if self.formerly:
            return WhyHere.WRONG_NUMBER if self.is_a_strangers else WhyHere.FORMER_NUMBER
        return WhyHere.STAFF_NUMBER if self.staff else WhyHere.UNKNOWN_NUMBER

    def only_sender(self, txn: Transaction) -> Sender | None:
        """The one person who can have written; None when there is no one, or more than one. Never the first."""
        if len(self.patients) == 1 and all(one.patient_id == self.patients[0].id for one in self.caregivers):
            return Sender(self.patients[0], None)
        if not self.patients and len({one.patient_id for one in self.caregivers}) == 1:
            caregiver = self.caregivers[0]
            return Sender(txn.session.get_one(Patient, caregiver.patient_id), caregiver)
        return None

    def all_patients(self, txn: Transaction) -> Sequence[Patient]:
        """Everybody the text may be about."""
        looked_after = [txn.session.get_one(Patient, one.patient_id) for one in self.caregivers]
        return list(dict.fromkeys((*self.patients, *looked_after, *self.formerly)))

    def written_to(self, txn: Transaction) -> Sequence[Patient]:
        """Those about whom texts go to the number."""
        return () if self.are_staff_only else self.all_patients(txn)

    def only_site(self) -> UUID | None:
        """The site of all of them, if they have one in common; that of the staff where nobody else has the number."""
        sites = {one.site_id for one in (*self.patients, *self.formerly)} | {one.site_id for one in self.caregivers}
        sites |= {one.home_site_id for one in self.staff if one.home_site_id} if self.are_staff_only else set()
        return sites.pop() if len(sites) == 1 else None


def writers_of(txn: Transaction, received: InboundMessage) -> Writers:
    """Everybody who may have written this text. What was written in the app is that patient's alone."""
    if received.patient_id is not None:
        return Writers((txn.session.get_one(Patient, received.patient_id),))
    if received.number_index is None:
        return Writers()
    found = txn.session.execute(_STANDS_IN, {"index": received.number_index}).all()
    _, caregivers, staff, stops = found[0]
    by_record = Writers(
        tuple(patient for patient, *_ in found if patient is not None),
        _caregivers_with(txn, received) if caregivers else (),
        tuple(staff_replies.members_by_phone(txn, received.number_index)) if staff else (),
    )
    if stops and numbers.is_a_strangers(txn, received.number_index):
        return Writers(staff=by_record.staff, formerly=tuple(by_record.all_patients(txn)), is_a_strangers=True)
    if not by_record.are_staff_only or by_record.staff:
        return by_record
    return Writers(formerly=tuple(former_owners(txn, received.number_index)))


def _caregivers_with(txn: Transaction, received: InboundMessage) -> tuple[Caregiver, ...]:
    return tuple(contact.caregivers_by_phone(txn, inbound.number_of(txn, received) or ""))
