"""Whose the numbers are that texts came from, or were once: for whoever has to find out who wrote."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

from sqlalchemy import Select, or_, select

from backend.conversations.models import FormerNumber
from backend.db import Transaction
from backend.patients.models import Caregiver, Patient
from backend.staff.models import StaffMember
from notifications import numbers
from notifications.models import InboundMessage


class WriterKind(StrEnum):
    """Who wrote a text, as far as its number tells."""

    PATIENT = "patient"
    CAREGIVER = "caregiver"
    STAFF = "staff"
    # One of several: patients who share a telephone, or a caregiver of more than one.
    SEVERAL = "several"
    FORMER_NUMBER = "former_number"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Writer:
    """Who wrote, and, of a caregiver, as whom they were named."""

    kind: WriterKind
    caregiver: Caregiver | None = None


SEVERAL = Writer(WriterKind.SEVERAL)


@dataclass(frozen=True)
class Whose:
    """Everybody whose a number is, and the patients whose it was before."""

    patients: Sequence[Patient] = ()
    caregivers: Sequence[Caregiver] = ()
    are_staff: bool = False
    formerly: Sequence[Patient] = ()

    def writer_of(self, received: InboundMessage) -> Writer:
        """Who wrote this text from this number, as it is known now. Never the first of several."""
        if received.patient_id is not None:
            return self._of_this_patient(received.patient_id, received)
        if self.patients or self.caregivers:
            return self._of_this_patient(next(iter(_present(self))), received) if len(_present(self)) == 1 else SEVERAL
        if self.are_staff:
            return Writer(WriterKind.STAFF)
        return Writer(WriterKind.FORMER_NUMBER if self.formerly else WriterKind.UNKNOWN)

    def _of_this_patient(self, patient_id: UUID, received: InboundMessage) -> Writer:
        if received.number_index is None or any(one.id == patient_id for one in self.patients):
            return Writer(WriterKind.PATIENT)
        named = next((one for one in self.caregivers if one.patient_id == patient_id), None)
        if named is not None:
            return Writer(WriterKind.CAREGIVER, named)
        was = any(one.id == patient_id for one in self.formerly)
        return Writer(WriterKind.FORMER_NUMBER if was else WriterKind.UNKNOWN)


NOBODYS = Whose()


@dataclass(frozen=True)
class People:
    """Behind some texts: by number index whose it is, and every patient who is spoken of."""

    by_number: Mapping[str, Whose]
    patients: Mapping[UUID, Patient]
    # Whom somebody else looks after: never shown, but nobody may take the others for all there are.
    _hidden: Collection[UUID] = field(default=frozenset())

    def whose(self, received: InboundMessage) -> Whose:
        """Of the number of this text."""
        return self.by_number.get(received.number_index or "", NOBODYS)

    def possible(self, received: InboundMessage) -> list[Patient]:
        """Where nobody is certain: every patient it may be from or about, as far as the reader may know them."""
        if received.patient_id is not None:
            return []
        return self._shown(_present(self.whose(received)))

    def formerly(self, received: InboundMessage) -> list[Patient]:
        """Whose number it was, and is not any more."""
        whose = self.whose(received)
        return self._shown({one.id for one in whose.formerly} - _present(whose))

    def are_more_elsewhere(self, received: InboundMessage) -> bool:
        """Whether it may also be from somebody whom another site looks after."""
        return received.patient_id is None and bool(_present(self.whose(received)) & set(self._hidden))

    def _shown(self, ids: Collection[UUID]) -> list[Patient]:
        return sorted((self.patients[one] for one in ids if one in self.patients), key=lambda one: one.subject_number)


def people_behind(txn: Transaction, texts: Sequence[InboundMessage], may_read: Callable[[UUID], bool]) -> People:
    """In as few statements as for one text. ``may_read`` tells at which sites the reader may."""
    indexes = {one.number_index for one in texts if one.number_index}
    caregivers = _caregivers(txn, indexes)
    former = txn.session.scalars(select(FormerNumber).where(FormerNumber.number_index.in_(indexes))).all()
    certain = {one.patient_id for one in texts if one.patient_id}
    ids = certain | {one.patient_id for one in caregivers} | {one.patient_id for one in former}
    found = select(Patient).where(or_(Patient.phone_index.in_(indexes), Patient.id.in_(ids)))
    patients = {one.id: one for one in txn.session.scalars(found.order_by(Patient.subject_number))}
    staff = set(txn.connection.scalars(_numbers_of_staff(indexes)))
    strangers = numbers.strangers_among(txn, indexes)
    by_number: dict[str, Whose] = {}
    for index in indexes:
        whose = Whose(
            [one for one in patients.values() if one.phone_index == index],
            [one for one in caregivers if one.phone_index == index],
            index in staff,
            [patients[one.patient_id] for one in former if one.number_index == index],
        )
        by_number[index] = _a_strangers(whose, patients) if index in strangers else whose
    shown = {one.id: one for one in patients.values() if may_read(one.site_id)}
    return People(by_number, shown, patients.keys() - shown.keys())


def _a_strangers(whose: Whose, patients: Mapping[UUID, Patient]) -> Whose:
    """By the record it is theirs, but a stranger has it: what comes from it is not theirs any more."""
    theirs = {one.id for one in whose.formerly} | _present(whose)
    return Whose(are_staff=whose.are_staff, formerly=[patients[one] for one in theirs])


def _caregivers(txn: Transaction, indexes: Collection[str]) -> Sequence[Caregiver]:
    named = select(Caregiver).where(Caregiver.phone_index.in_(indexes), Caregiver.ended_at.is_(None))
    return txn.session.scalars(named.order_by(Caregiver.named_at, Caregiver.id)).all()


def _numbers_of_staff(indexes: Collection[str]) -> Select[str | None]:
    return select(StaffMember.phone_index).where(
        StaffMember.phone_index.in_(indexes), StaffMember.deactivated_at.is_(None)
    )


def _present(whose: Whose) -> set[UUID]:
    return {one.id for one in whose.patients} | {one.patient_id for one in whose.caregivers}
