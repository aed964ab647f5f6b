"""A text of the inbox that a person has dealt with, and what follows where they have found out whose it is."""

from backend.conversation_terms import WhyHere
from backend.conversations import replies
from backend.conversations.nobodys import DEATHS
from backend.db import Transaction
from backend.patients import life
from backend.patients.models import Patient
from backend.patients.turns import take_turn
from backend.protocol.load import protocol_of
from backend.survival import deaths
from notifications import inbound, inbox
from notifications.models import InboundMessage


def resolve(
    txn: Transaction, received: InboundMessage, outcome: str, note: str | None, patient: Patient | None
) -> InboundMessage:
    """Close a text; with ``patient`` it was nobody's and becomes theirs, and if it tells of a death, of theirs.

    That opens a pending report in the same transaction, which holds what is written to them, unless one stands that
    nobody has denied. Raises ``NoLongerPossible`` as ``notifications.inbox.resolve`` does.
    """
    was_read_as = received.handled_how
    owner = inbox.Owner(patient.id, patient.site_id) if patient is not None else None
    resolved = inbox.resolve(txn, received, outcome, note, owner=owner)
    if patient is not None and (was_read_as == WhyHere.DEATH or _tells_of_death(txn, resolved, patient)):
        _report_death(txn, resolved, patient)
    return resolved


def _tells_of_death(txn: Transaction, received: InboundMessage, patient: Patient) -> bool:
    """By the words of the patient's own protocol; a danger beside it has rung long before."""
    words = protocol_of(txn, patient.protocol_version_id).words
    return replies.read(inbound.text_of(txn, received), words) in DEATHS


def _report_death(txn: Transaction, received: InboundMessage, patient: Patient) -> None:
    # Of two who give two such texts to one patient, the second sees the first's report.
    take_turn(txn, patient)
    if life.is_dead(patient) or any(one.status not in deaths.MISTAKEN for one in deaths.reports_of(txn, patient)):
        return
    deaths.report_death(txn, patient, informant=f"text message {received.id}")
