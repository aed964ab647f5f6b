"""What decisions about messages rest on, read once for all the patients whose messages are decided about together.

Whoever asks first for one kind of thing has it read for everybody; what nobody asks for is not read.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from uuid import UUID

from sqlalchemy import Uuid, bindparam, or_, select

from backend import clock
from backend.agenda.course import Course
from backend.agenda.history import courses_of
from backend.conversations.models import Conversation
from backend.db import Transaction, UTCDateTime
from backend.patients import contact
from backend.patients.caregivers import caregivers_of_all
from backend.patients.models import Caregiver, ContactHold, Patient
from backend.patients.turns import hold_still
from backend.sealing import DataKey, unseal
from backend.staff.models import Site
from backend.terms import ChannelKind, MessageStatus, Urgency
from notifications import numbers, opt_outs
from notifications.models import Message, NumberStop, OptOut

# Asked before every breath, and so put together once, of plain columns.
_ROW = Message.__table__.c
_ROUTINE_TEXTS = select(_ROW.patient_id, _ROW.status, _ROW.settled_at).where(
    _ROW.patient_id.in_(bindparam("whose", expanding=True, type_=Uuid())),
    _ROW.channel == ChannelKind.SMS,
    _ROW.urgency == Urgency.ROUTINE,
    or_(
        _ROW.status == MessageStatus.SENDING,
        _ROW.status.in_((MessageStatus.SENT, MessageStatus.DELIVERED))
        & (_ROW.settled_at >= bindparam("since", type_=UTCDateTime())),
    ),
)

# So many patients with one telephone may have all that each of them alone might have in a day.
SHARERS_IN_FULL = 2


class Known:
    """Patients who are held still until this transaction has ended, and what is known of them."""

    def __init__(self, txn: Transaction, patient_ids: Collection[UUID]) -> None:
        """Takes the patients' turns. What is read here is held: the session forgets what nobody holds."""
        self._txn = txn
        self.patients: Mapping[UUID, Patient] = {one.id: one for one in hold_still(txn, patient_ids)}
        sites = select(Site).where(Site.id.in_({one.site_id for one in self.patients.values()}))
        self.sites: Mapping[UUID, Site] = {site.id: site for site in txn.session.scalars(sites)}
        self._keys = txn.session.scalars(select(DataKey).where(DataKey.owner_id.in_(self.patients))).all()

    @cached_property
    def holds(self) -> Mapping[UUID, Sequence[ContactHold]]:
        """By patient, what holds contact with them now."""
        return contact.holds_of_all(self._txn, self.patients)

    @cached_property
    def caregivers(self) -> Mapping[UUID, Sequence[Caregiver]]:
        """By patient, whom they have named and not taken back."""
        return caregivers_of_all(self._txn, self.patients)

    @cached_property
    def courses(self) -> Mapping[UUID, Course]:
        """By patient, what their agenda is computed from."""
        return courses_of(self._txn, self.patients.values())

    def has_had_enough(self, patient_id: UUID, most: int) -> bool:
        """Whether so many routine texts went to this patient today, or twice as many to a telephone that is shared.

        Twice, so that nobody's texts wait for ever behind those of whoever comes first.
        """
        if self.routine_texts_today[patient_id] >= most:
            return True
        sharers = self.sharers.get(self.phones.get(patient_id, ""), ())
        return len(sharers) > SHARERS_IN_FULL and self._routine_texts_to(sharers) >= SHARERS_IN_FULL * most

    @cached_property
    def routine_texts_today(self) -> Mapping[UUID, int]:
        """By patient, how many routine texts have left, or are leaving, since midnight where they live."""
        since = {one.id: _midnight(self._txn, one) for one in self.patients.values()}
        return _counted(self._txn, since)

    def _routine_texts_to(self, sharers: Collection[UUID]) -> int:
        """The same of everybody who shares a telephone, also those who are not written to just now."""
        rows = self._txn.session.scalars(select(Patient).where(Patient.id.in_(sharers)))
        return sum(_counted(self._txn, {one.id: _midnight(self._txn, one) for one in rows}).values())

    @cached_property
    def surveys(self) -> Mapping[UUID, Sequence[Conversation]]:
        """By patient, the questionnaires that are being answered question by question."""
        found: dict[UUID, list[Conversation]] = {patient_id: [] for patient_id in self.patients}
        live = select(Conversation).where(Conversation.patient_id.in_(found), Conversation.ended_at.is_(None))
        for one in self._txn.session.scalars(live.order_by(Conversation.opened_at, Conversation.id)):
            found[one.patient_id].append(one)
        return found

    @cached_property
    def phones(self) -> Mapping[UUID, str]:
        """By patient, their own numbers."""
        opened = {one.id: unseal(self._txn, one, "phone_sealed") for one in self.patients.values()}
        return {patient_id: number for patient_id, number in opened.items() if number is not None}

    @cached_property
    def stops(self) -> Mapping[str, OptOut]:
        """By number of these patients, the STOPs that hold, as far as this has been committed."""
        return opt_outs.standings(self._txn, frozenset(self.phones.values()))

    @cached_property
    def of_no_use(self) -> Mapping[str, NumberStop]:
        """By number of these patients, why nothing is sent to it."""
        return numbers.standing_of(self._txn, frozenset(self.phones.values()))

    @cached_property
    def sharers(self) -> Mapping[str, Collection[UUID]]:
        """By number of these patients, everybody whose own number it is."""
        return contact.whose_phones(self._txn, frozenset(self.phones.values()))


def _counted(txn: Transaction, since: Mapping[UUID, datetime]) -> Mapping[UUID, int]:
    counted = dict.fromkeys(since, 0)
    for row in txn.connection.execute(_ROUTINE_TEXTS, {"whose": list(since), "since": min(since.values())}):
        counted[row.patient_id] += row.status == MessageStatus.SENDING or row.settled_at >= since[row.patient_id]
    return counted


def _midnight(txn: Transaction, patient: Patient) -> datetime:
    return clock.start_of_day(clock.local_day(txn.now, patient.time_zone), patient.time_zone)
