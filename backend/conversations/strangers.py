"""Somebody at a number says that they are not whom we mean: not one text more goes there until a person has looked."""

from collections.abc import Sequence
from uuid import UUID

from backend import audit, clock
from backend.conversations import answers, drafts, states
from backend.conversations.answers import Sender
from backend.conversations.reading import Command, command_in, plain_word
from backend.conversations.states import Happened
from backend.db import Transaction
from backend.patients import life
from backend.patients.models import Caregiver, Patient
from backend.patients.turns import one_at_a_time_for
from backend.worklist import phone_checks
from notifications import inbound, numbers
from notifications.models import InboundMessage

HOW = "wrong_number"
# Beside those of ``reading``.
NOT_ME = frozenset({"this is not me", "this isn't me", "this isnt me", "不是本人", "我不是本人", "非本人"})


def says_wrong_number(text: str) -> bool:
    """Whether the whole text says that its writer is not whom we mean, and nothing beside it. Pure."""
    return plain_word(text) in NOT_ME or command_in(text) is Command.WRONG_NUMBER


def take(
    txn: Transaction, received: InboundMessage, patients: Sequence[Patient], sender: Sender | None, site_id: UUID | None
) -> bool:
    """Stop the number, have a person look, for each patient who is written to there, and say sorry once.

    False where the text says no such thing, or is from nobody's number.
    """
    number = inbound.number_of(txn, received)
    if number is None or not patients or not says_wrong_number(inbound.text_of(txn, received)):
        return False
    # Patients first, in one order always, and the number after, as whoever sends does: so none waits for the other.
    in_order = sorted(patients, key=lambda one: one.id)
    for patient in in_order:
        one_at_a_time_for(txn, patient.id)
    stop = numbers.stop_by_word(txn, number, numbers.WRITES_WRONG)
    for patient in in_order:
        phone_checks.ask_whose_it_is(txn, patient, stop)
        stop_asking(txn, patient, stop.number_index)
    answers.say(txn, received, sender or lender(patients), "wrong_number_reply")
    inbound.mark_handled(txn, received, HOW, None, site_id=site_id)
    return True


def lender(patients: Sequence[Patient]) -> Sender:
    """An answer to a number that is nobody's for certain goes in the language and with the phone of one who lives."""
    return Sender(next((one for one in patients if not life.is_dead(one)), patients[0]), None)


def stop_asking(txn: Transaction, patient: Patient, number_index: str | None) -> None:
    """What was asked at this number is asked there no more, and no link that went there opens anything.

    What was answered stays, and goes on where it stopped once somebody asks for it, or another prompt does.
    """
    for conversation in drafts.live(txn, patient):
        whose = txn.session.get(Caregiver, conversation.caregiver_id) if conversation.caregiver_id else patient
        if whose is None or whose.phone_index != number_index:
            continue
        drafts.hold(txn, conversation)
        if conversation.asked is not None:
            conversation.asked, conversation.question_id = None, None
            conversation.status = states.after(conversation.status, Happened.FELL_SILENT)
        if conversation.link_expires_at is not None:
            conversation.link_expires_at = min(conversation.link_expires_at, clock.wall())
        if txn.session.is_modified(conversation):
            audit.record(txn, "conversation.set_aside", conversation)
            txn.session.flush()
