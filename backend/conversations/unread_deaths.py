"""A text that tells of a death, or may, and that nobody has read yet: what was planned for that telephone waits.

Whose words they are may be unknown, and whom they are about: a telephone of two patients, a husband who is "gone".
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import and_, bindparam, exists, or_, select

from backend.agenda.news import NEWS
from backend.conversation_terms import WhyHere
from backend.db import Transaction, UTCDateTime
from backend.indexes import word
from backend.patients.models import Caregiver, Patient
from backend.terms import Urgency
from notifications.models import InboundMessage, Message

# Whoever has not read it by then may have no time for it, and the living are not left without their reminders.
LONGEST_WAIT = timedelta(hours=24)

# Asked before nearly every breath, and so put together once, of plain columns. Of what is certain to be about one
# patient a plain word of death has held contact long before, and a person may have lifted that since.
_TEXT = InboundMessage.__table__.c
_WAITS = and_(
    _TEXT.handled_at.is_(None),
    _TEXT.received_at > bindparam("since", type_=UTCDateTime()),
    or_(
        _TEXT.handled_how == word(WhyHere.PERHAPS_DEATH),
        (_TEXT.handled_how == word(WhyHere.DEATH)) & _TEXT.patient_id.is_(None),
    ),
)
_UNREAD = select(_TEXT.patient_id, _TEXT.number_index, _TEXT.handled_how).where(_WAITS)
# Of whomever a statement is about: whether any such text waits, whoever is meant. Needs what ``looking_back`` gives.
ANY_WAITS = exists().where(_WAITS).label("any_death_unread")


def looking_back(txn: Transaction) -> Mapping[str, datetime]:
    """How far back a text counts that nobody has read, as the statements here are told."""
    return {"since": txn.now - LONGEST_WAIT}


def unread_deaths(
    txn: Transaction, patients: Collection[Patient], caregivers: Mapping[UUID, Sequence[Caregiver]]
) -> Mapping[UUID, WhyHere]:
    """By patient, the plainest word of death that waits in the inbox, theirs or from a number of theirs.

    ``caregivers``: by patient, who is named.
    """
    waiting = txn.connection.execute(_UNREAD, looking_back(txn)).all()
    found: dict[UUID, WhyHere] = {}
    for patient in patients:
        theirs = {patient.phone_index, *(one.phone_index for one in caregivers[patient.id])} - {None}
        why = {how for whose, number, how in waiting if whose == patient.id or (whose is None and number in theirs)}
        if why:
            found[patient.id] = WhyHere.DEATH if WhyHere.DEATH in why else WhyHere.PERHAPS_DEATH
    return found


def may_have_to_wait(message: Message) -> bool:
    """Whether it was planned, and asks after, reminds or invites somebody who may have died.

    What people have just decided about an infusion is news, and waits for nothing.
    """
    is_planned = message.agenda_key is not None and message.in_reply_to is None and message.urgency != Urgency.REPLY
    return is_planned and message.template not in NEWS


def must_wait(message: Message, unread: WhyHere | None) -> bool:
    """Whether what may have to wait does, for what is unread about its patient.

    A reminder of an infusion waits only for a plain word of death: none must be missed because the medicine is "gone"
    (``药没了``).
    """
    return unread == WhyHere.DEATH or (unread is not None and message.urgency != Urgency.INFUSION)
