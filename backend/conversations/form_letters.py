"""The link to the form in a text message: asked for with one word, and made at the moment the message leaves.

The message keeps which questionnaire it is about and never the link itself. To a number of mainland China no link may
be sent: whoever asks for one there is told how else to answer.
"""

from dataclasses import replace
from uuid import UUID

from backend.conversations import answers
from backend.conversations.answers import Sender
from backend.conversations.asking import CONVERSATION
from backend.conversations.due_forms import conversation_to_fill
from backend.conversations.form_links import link_for
from backend.conversations.models import Conversation
from backend.db import Transaction
from backend.errors import NoLongerPossible
from backend.terms import ChannelKind
from notifications import Send, Suppress, inbound
from notifications.dispatcher import Decision
from notifications.models import InboundMessage, Message

LINK, NO_LINK = "form_link_reply", "form_link_call_reply"
# Texts with a link in them.
HOLD_A_LINK = frozenset({LINK})
WITHOUT_LINKS = "+86"
LINK_VALUE = "link"


def may_be_sent_to(number: str) -> bool:
    """Whether a text with a link may go there: the carriers of mainland China stop them."""
    return not number.startswith(WITHOUT_LINKS)


def send_link(txn: Transaction, received: InboundMessage, sender: Sender) -> None:
    """Answer with a link to the questionnaire that is due, or the one for something that is wrong now."""
    number = inbound.number_of(txn, received)
    if number is not None and not may_be_sent_to(number):
        answers.answer(txn, received, sender, NO_LINK, "link")
        return
    try:
        conversation = conversation_to_fill(txn, sender.patient, caregiver=sender.caregiver)
    except NoLongerPossible:
        answers.leave_to_a_person(txn, received, sender)
        return
    answers.answer(txn, received, sender, LINK, "link", values={CONVERSATION: str(conversation.id)})


def with_its_link(txn: Transaction, message: Message, decided: Decision, public_url: str) -> Decision:
    """What was decided about a message, with the link in it where it is to hold one; a new one each time it leaves."""
    if not isinstance(decided, Send) or message.template not in HOLD_A_LINK:
        return decided
    if decided.channel is ChannelKind.SMS and not may_be_sent_to(decided.address):
        return Suppress("no_link_to_this_number")
    conversation = txn.session.get_one(Conversation, UUID(message.values[CONVERSATION]))
    try:
        link = link_for(txn, conversation, public_url)
    except NoLongerPossible:
        return Suppress("questionnaire_closed")
    return replace(decided, values={**decided.values, LINK_VALUE: link})
