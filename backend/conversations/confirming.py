"""Who answers at a number that was changed: the year of birth by text, or a person of the team who has found out.

Two wrong years, or three days without the right one, and somebody telephones.
"""

import re
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import bindparam, func, select

from backend.contact_terms import PhoneConfirmation
from backend.conversation_terms import WhyHere
from backend.conversations import answers
from backend.conversations.answers import Sender, may_count
from backend.conversations.strangers import stop_asking
from backend.db import Database, Transaction, system
from backend.errors import NoLongerPossible
from backend.patients import new_numbers
from backend.patients.models import Patient
from backend.patients.turns import take_turn
from backend.terms import NO_LONGER_FOLLOWED
from backend.triage.words import folded
from backend.worklist import phone_checks
from notifications import inbound
from notifications.models import InboundMessage
from notifications.opt_outs import AROUND_A_WORD

CALLER = system("number check")
MOST_WRONG_YEARS = 2
WRONG_YEAR, CONFIRMED = "wrong_year", "number_confirmed"
# What came of the task where the record says something else now.
CORRECTED = "corrected"
CHARACTERS = str.maketrans("〇零一二三四五六七八九", "00123456789")
A_YEAR = re.compile(r"(?:i was )?(?:born )?(?:in )?((?:19|20)\d\d) ?(?:年|年生|年出生|生)?")
# Asked again and again, and so put together once, of plain columns.
_PATIENT = Patient.__table__.c
_SILENT = select(_PATIENT.id).where(_PATIENT.phone_unconfirmed_since <= bindparam("since")).order_by(_PATIENT.id)


def year_in(text: str) -> int | None:
    """The year that is all the text says: ``1961``, ``１９６１``, ``1961年``, ``一九六一年``."""
    found = A_YEAR.fullmatch(folded(text).strip(AROUND_A_WORD).translate(CHARACTERS))
    return int(found[1]) if found else None


def take(txn: Transaction, received: InboundMessage, sender: Sender) -> bool:
    """Whether the text is no answer, because nobody at its number has shown who they are: the right year shows it.

    Everything else is kept for a person, as whose words nobody knows.
    """
    if may_count(received, sender):
        return False
    year, wrong = year_in(inbound.text_of(txn, received)), _wrong_years(txn, sender.patient)
    if year is None or wrong >= MOST_WRONG_YEARS:
        _leave_to_a_person(txn, received, sender, may_still_try=wrong < MOST_WRONG_YEARS)
    elif year == sender.patient.birth_year:
        settle(txn, sender.patient, PhoneConfirmation.TEXT)
        answers.answer(txn, received, sender, "number_confirmed_reply", CONFIRMED)
    else:
        _refuse(txn, received, sender, is_last=wrong + 1 == MOST_WRONG_YEARS)
    return True


def confirm_by_hand(txn: Transaction, patient: Patient, how: PhoneConfirmation) -> None:
    """A person of the team has spoken to the patient at the number. Raises ``NoLongerPossible`` for one confirmed."""
    take_turn(txn, patient)
    if new_numbers.is_confirmed(patient):
        raise NoLongerPossible("This patient's number is not waiting to be confirmed.")
    settle(txn, patient, how)


def after_a_change(txn: Transaction, patient: Patient) -> None:
    """The record has been changed: what is settled by it is no task any more, and nothing is asked at a new number."""
    phone_checks.close_what_is_settled(txn, patient, CORRECTED)
    if patient.phone_unconfirmed_since == txn.now:
        stop_asking(txn, patient, patient.phone_index)


def settle(txn: Transaction, patient: Patient, how: PhoneConfirmation) -> None:
    """From now on what comes from the number is the patient's, and nobody need call to find out."""
    new_numbers.confirm(txn, patient, how)
    phone_checks.close_what_is_settled(txn, patient, how)


def ask_for_calls(db: Database) -> dict[str, int]:
    """Have somebody call where three days have brought no right year, and nobody where that does not matter now."""
    with db.reading(CALLER) as txn:
        silent = silent_numbers(txn)
    return have_called(db, silent)


def silent_numbers(txn: Transaction) -> Sequence[UUID]:
    """The patients from whose numbers three days have brought no right year."""
    return txn.connection.scalars(_SILENT, {"since": txn.now - new_numbers.SILENCE}).all()


def have_called(db: Database, silent: Sequence[UUID]) -> dict[str, int]:
    """Have somebody call each of these, where it still matters."""
    asked = sum(_ask(db, patient_id) for patient_id in silent)
    return {"numbers_to_confirm": asked} if asked else {}


def _ask(db: Database, patient_id: UUID) -> int:
    with db.transaction(CALLER) as txn:
        patient = txn.session.get_one(Patient, patient_id)
        take_turn(txn, patient)
        if new_numbers.is_confirmed(patient):
            return 0
        if patient.status in NO_LONGER_FOLLOWED:
            phone_checks.close_what_is_settled(txn, patient, CORRECTED)
            return 0
        return int(phone_checks.ask_who_answers(txn, patient) is not None)


def _wrong_years(txn: Transaction, patient: Patient) -> int:
    """How many have been tried since the number was entered."""
    tried = select(func.count(InboundMessage.id)).where(
        InboundMessage.number_index == patient.phone_index,
        InboundMessage.received_at >= patient.phone_unconfirmed_since,
        InboundMessage.handled_how == WRONG_YEAR,
    )
    return txn.session.scalar(tried) or 0


def _leave_to_a_person(txn: Transaction, received: InboundMessage, sender: Sender, *, may_still_try: bool) -> None:
    said = new_numbers.PLEASE_CONFIRM if may_still_try else "still_unclear_reply"
    answers.say(txn, received, sender, said)
    site_id = sender.patient.site_id
    inbound.leave_to_a_person(txn, received, site_id=site_id, why=WhyHere.UNCONFIRMED_NUMBER)


def _refuse(txn: Transaction, received: InboundMessage, sender: Sender, *, is_last: bool) -> None:
    """Nobody is told the right one, and nobody may try a hundred."""
    inbound.mark_handled(txn, received, WRONG_YEAR, None, site_id=sender.patient.site_id)
    if is_last:
        phone_checks.ask_who_answers(txn, sender.patient)
    answers.say(txn, received, sender, "call_noted_reply" if is_last else "confirm_number_again_reply")
