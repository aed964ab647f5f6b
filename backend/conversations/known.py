"""What decisions about messages rest on, read once for all the patients whose messages are decided about together.

Whoever asks first for one kind of thing has it read for everybody; what nobody asks for is not read.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any, NamedTuple, Protocol
from uuid import UUID

from sqlalchemy import BindParameter, Text, bindparam, exists, func, or_, select

from backend import clock
from backend.agenda.course import AgendaItem, Course
from backend.agenda.history import courses_of, protocol_for
from backend.agenda.news import NEWS, pair_of
from backend.agenda.one_message import what_decides
from backend.agenda.reminders import ASKS_FOR_ANSWERS
from backend.among import among
from backend.conversation_terms import ConversationStatus, WhyHere
from backend.conversations.models import Conversation
from backend.conversations.unread_deaths import ANY_WAITS, looking_back, unread_deaths
from backend.conversations.whom_to_call import HasTelephones
from backend.db import Transaction, UTCDateTime
from backend.indexes import whichever_index, word
from backend.patients import contact
from backend.patients.caregivers import caregivers_of_all
from backend.patients.models import Caregiver, Patient
from backend.patients.turns import take_turns
from backend.sealing import DataKey, open_these, unseal
from backend.staff.models import Site
from backend.terms import AgendaKind, ChannelKind, MessageStatus, Urgency
from notifications.against import against
from notifications.models import Attempt, InboundMessage, Message, NumberStop, OptOut

# The day that a message's key speaks of.
SPOKEN_OF = re.compile(r"@(\d{4}-\d{2}-\d{2}):")
# Asked before every breath, and so put together once; of plain columns where nothing of it is changed.
_ROW, _TEXT = Message.__table__.c, InboundMessage.__table__.c
LEFT = (word(MessageStatus.SENT), word(MessageStatus.DELIVERED))
# By the attempts of the last days: among all that a patient was ever sent it would be looked for longer every year.
_ROUTINE_TEXTS = (
    select(_ROW.id, _ROW.patient_id, _ROW.status, _ROW.settled_at)
    .join_from(Attempt, Message, _ROW.id == Attempt.message_id)
    .where(
        among(Attempt.patient_id, "whose"),
        Attempt.started_at >= bindparam("begun_since", type_=UTCDateTime()),
        _ROW.channel == word(ChannelKind.SMS),
        _ROW.urgency == word(Urgency.ROUTINE),
        whichever_index(
            or_(
                _ROW.status == word(MessageStatus.SENDING),
                _ROW.status.in_(LEFT) & (_ROW.settled_at >= bindparam("since", type_=UTCDateTime())),
            )
        ),
    )
    .distinct()
)
_DAYS: BindParameter[str] = bindparam("days", type_=Text())
_NEWS = select(Message).where(
    Message.patient_id == bindparam("patient"),
    Message.template.in_([word(one) for one in sorted(NEWS)]),
    func.substr(Message.agenda_key, 1, func.length(_DAYS)) == _DAYS,
    Message.created_at >= bindparam("since", type_=UTCDateTime()),
)
_IS_LIVE_OR_REFUSED = or_(Conversation.ended_at.is_(None), Conversation.status == word(ConversationStatus.REFUSED))
_SURVEYS = (
    select(Conversation)
    .where(among(Conversation.patient_id, "whose"), _IS_LIVE_OR_REFUSED)
    .order_by(Conversation.opened_at, Conversation.id)
)
# With most patients nothing is special: one look at them, their site and their key tells what need not be read.
_SITE = Site.__table__.c
_AT_A_GLANCE = (
    select(
        Patient,
        *(_SITE[name] for name in ("time_zone", "emergency_phone", "office_phone", "text_surveys")),
        *DataKey.__table__.c,
        contact.IS_HELD,
        contact.SHARES,
        ANY_WAITS,
        exists().where(Conversation.patient_id == Patient.id, _IS_LIVE_OR_REFUSED).label("was_asked"),
        or_(
            exists().where(OptOut.number_index == Patient.phone_index, OptOut.started_at.is_(None)),
            exists().where(NumberStop.number_index == Patient.phone_index, NumberStop.lifted_at.is_(None)),
        ).label("has_a_hindrance"),
    )
    .select_from(Patient)
    .join(Site, Site.id == Patient.site_id)
    .outerjoin(DataKey, DataKey.owner_id == Patient.id)
    .where(among(Patient.id, "whose"))
    .order_by(Patient.id)
    # Somebody may have loaded a patient before their turn had come.
    .execution_options(populate_existing=True)
)

_SENDER = select(_TEXT.id, _TEXT.key_owner_id, _TEXT.number_sealed).where(_TEXT.id == bindparam("id"))

# A text that was begun so long ago is none of today's, even if it is said only today to have arrived.
LONGEST_ON_ITS_WAY = timedelta(days=3)
# So many patients with one telephone may have all that each of them alone might have in a day.
SHARERS_IN_FULL = 2


class AtTheSite(HasTelephones, Protocol):
    """What of a patient's site decides about a message."""

    @property
    def time_zone(self) -> str:
        """Where it is."""

    @property
    def text_surveys(self) -> str:
        """How questionnaires may be answered by text message: a word of ``TextSurveys``."""


class _Seen(NamedTuple):
    """A patient as ``_AT_A_GLANCE`` gives them, with what is read of the site. Without a key no ``owner_id``."""

    patient: Patient
    time_zone: str
    emergency_phone: str
    office_phone: str | None
    text_surveys: str
    owner_id: UUID | None
    wrapped: str
    master_key: str
    forgotten_at: datetime | None
    is_held: bool
    shares: bool
    any_death_unread: bool
    was_asked: bool
    has_a_hindrance: bool


@dataclass(frozen=True)
class _Sender:
    """Where a text came from, as the text has it sealed."""

    id: UUID
    key_owner_id: UUID
    number_sealed: str | None

    __tablename__ = InboundMessage.__tablename__

    @property
    def row_id(self) -> str:
        return str(self.id)


class Known:
    """Patients who are held still until this transaction has ended, and what is known of them."""

    def __init__(self, txn: Transaction, patient_ids: Collection[UUID]) -> None:
        """Takes the patients' turns. What is read here is held: the session forgets what nobody holds."""
        self._txn = txn
        self._items: dict[UUID, Sequence[AgendaItem]] = {}
        self._courses: dict[frozenset[AgendaKind], Mapping[UUID, Course]] = {}
        self._seen = _at_a_glance(txn, take_turns(txn, patient_ids))
        self.patients: Mapping[UUID, Patient] = {one.patient.id: one.patient for one in self._seen}
        self.site_of: Mapping[UUID, AtTheSite] = {one.patient.id: one for one in self._seen}
        keys: Iterable[Any] = (one for one in self._seen if one.owner_id is not None)
        open_these(txn, keys)

    @cached_property
    def holds(self) -> Mapping[UUID, Sequence[str]]:
        """By patient, why contact with them is held now; only those with whom it is."""
        held = [one.patient.id for one in self._seen if one.is_held]
        return contact.why_held(self._txn, held) if held else {}

    @cached_property
    def caregivers(self) -> Mapping[UUID, Sequence[Caregiver]]:
        """By patient, whom they have named and not taken back."""
        return caregivers_of_all(self._txn, self.patients)

    @cached_property
    def unread_deaths(self) -> Mapping[UUID, WhyHere]:
        """By patient, why a text of a death waits for a person to read it; only those of whom one does."""
        if not any(one.any_death_unread for one in self._seen):
            return {}
        return unread_deaths(self._txn, self.patients.values(), self.caregivers)

    def items_about(self, message: Message) -> Sequence[AgendaItem]:
        """Of the patient's agenda as much as decides about a message on one of its items."""
        if message.id not in self._items:
            assert message.patient_id is not None
            assert message.agenda_key is not None
            patient_id, now = message.patient_id, self._txn.now
            said = SPOKEN_OF.search(message.key)
            self._items[message.id] = what_decides(
                protocol_for(self._txn, self.patients[patient_id]),
                lambda kinds: self._courses_about(kinds)[patient_id],
                message.agenda_key,
                date.fromisoformat(said[1]) if said else now.date(),
                now,
            )
        return self._items[message.id]

    def _courses_about(self, asking: frozenset[AgendaKind]) -> Mapping[UUID, Course]:
        """By patient, what items that ask for answers, of no other kinds than these, are computed from.

        Of several patients everything, once: their messages are about this and that.
        """
        about = asking if len(self.patients) == 1 else ASKS_FOR_ANSWERS
        if about not in self._courses:
            self._courses[about] = courses_of(self._txn, self.patients.values(), about)
        return self._courses[about]

    def news_since(self, message: Message) -> Sequence[Message]:
        """What has been said, or is to be, of the same infusion days since this reminder of one was to go."""
        days = f"{pair_of(message.agenda_key or '')}.day-"
        about = {"patient": message.patient_id, "days": days, "since": message.send_at}
        return self._txn.session.scalars(_NEWS, about).all()

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
        return {
            patient_id: [one for one in found if one.ended_at is None]
            for patient_id, found in self._asked_about.items()
        }

    def has_declined(self, patient_id: UUID, agenda_key: str) -> bool:
        """Whether the patient did not want to answer this one."""
        about_it = (one for one in self._asked_about[patient_id] if one.agenda_key == agenda_key)
        return any(one.status == ConversationStatus.REFUSED for one in about_it)

    @cached_property
    def _asked_about(self) -> Mapping[UUID, Sequence[Conversation]]:
        found: dict[UUID, list[Conversation]] = {patient_id: [] for patient_id in self.patients}
        asked = [one.patient.id for one in self._seen if one.was_asked]
        for one in self._txn.session.scalars(_SURVEYS, {"whose": asked}) if asked else ():
            found[one.patient_id].append(one)
        return found

    @cached_property
    def phones(self) -> Mapping[UUID, str]:
        """By patient, their own numbers."""
        opened = {one.id: unseal(self._txn, one, "phone_sealed") for one in self.patients.values()}
        return {patient_id: number for patient_id, number in opened.items() if number is not None}

    @cached_property
    def against(self) -> Collection[tuple[str, str]]:
        """What stands against the numbers of these patients, as far as it has been committed: the number, and why.

        ``OPTED_OUT`` while a STOP holds, ``OF_NO_USE`` where nothing arrives.
        """
        hindered = self._numbers_of(one.patient.id for one in self._seen if one.has_a_hindrance)
        return frozenset((one.number, one.why) for one in against(self._txn, hindered))

    @cached_property
    def sharers(self) -> Mapping[str, Collection[UUID]]:
        """By number of these patients that is somebody else's as well, everybody whose own it is."""
        shared = self._numbers_of(one.patient.id for one in self._seen if one.shares)
        return contact.whose_phones(self._txn, shared) if shared else {}

    def _numbers_of(self, patient_ids: Iterable[UUID]) -> Collection[str]:
        return {self.phones[one] for one in patient_ids if one in self.phones}


def number_that_wrote(txn: Transaction, inbound_id: UUID) -> str | None:
    """The number that this text came from; None when it was written in the app."""
    sender = _Sender(*txn.connection.execute(_SENDER, {"id": inbound_id}).one())
    return unseal(txn, sender, "number_sealed")


def _at_a_glance(txn: Transaction, patient_ids: Collection[UUID]) -> Sequence[_Seen]:
    found = txn.session.execute(_AT_A_GLANCE, {"whose": patient_ids, "now": txn.now, **looking_back(txn)})
    return [_Seen._make(row) for row in found]


def _counted(txn: Transaction, since: Mapping[UUID, datetime]) -> Mapping[UUID, int]:
    counted = dict.fromkeys(since, 0)
    earliest = min(since.values())
    of_all = {"whose": list(since), "since": earliest, "begun_since": earliest - LONGEST_ON_ITS_WAY}
    for _, patient_id, status, settled_at in txn.connection.execute(_ROUTINE_TEXTS, of_all):
        counted[patient_id] += status == MessageStatus.SENDING or settled_at >= since[patient_id]
    return counted


def _midnight(txn: Transaction, patient: Patient) -> datetime:
    return clock.start_of_day(clock.local_day(txn.now, patient.time_zone), patient.time_zone)
