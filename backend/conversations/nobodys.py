"""Texts from a number of several people, or of somebody who has it no more: kept for a person, never taken as one's.

What can be said to whoever wrote is the same for all of them, and tells nothing about any.
"""

from collections.abc import Collection, Sequence

from backend.conversation_terms import WhyHere
from backend.conversations import answers
from backend.conversations.reading import Command
from backend.conversations.replies import EMERGENCIES, Digit, Meaning
from backend.conversations.strangers import lender
from backend.db import Transaction
from backend.patients import life
from backend.patients.models import Patient
from notifications.models import InboundMessage

Read = Digit | Command | Meaning
DEATHS = frozenset({Meaning.DEATH, Meaning.DEATH_AND_DANGER})


def why_read_first(meaning: Read) -> WhyHere | None:
    """Why a person must read the text of somebody nobody knows before others; None where it can wait its turn."""
    if meaning in EMERGENCIES:
        return WhyHere.DANGER
    if meaning in DEATHS:
        return WhyHere.DEATH
    return WhyHere.PERHAPS_DEATH if meaning is Meaning.PERHAPS_DEATH else None


def say(
    txn: Transaction,
    received: InboundMessage,
    patients: Sequence[Patient],
    meanings: Collection[Read],
    *,
    is_written_to: bool,
) -> WhyHere | None:
    """Answer as far as that needs nobody's name; why a person must read it first, None for no reason of its own.

    ``meanings``: what it means by the words of each patient's protocol. ``is_written_to``: texts go to the number; to
    one where a stranger may be nothing is said but kind words after words of death.
    """
    if DEATHS & set(meanings):
        if not all(life.is_dead(one) for one in patients):
            answers.say(txn, received, lender(patients), "kind_reply")
        return WhyHere.DEATH
    if is_written_to:
        template = "help_reply" if Command.HELP in meanings else "still_unclear_reply"
        is_said = answers.say(txn, received, lender(patients), template)
        if not is_said and Meaning.PERHAPS_DEATH not in meanings:
            return WhyHere.LOOP
    return WhyHere.PERHAPS_DEATH if Meaning.PERHAPS_DEATH in meanings else None
