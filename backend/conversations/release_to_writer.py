"""May an answer go to the number of a text that nobody could place? Its own number decides, for no record does."""

from backend.conversations.letters import LANGUAGE
from backend.db import Transaction
from backend.sealing import unseal
from backend.staff.models import Site
from backend.terms import ChannelKind, Language
from notifications import Send, Suppress, inbound
from notifications.dispatcher import Decision
from notifications.models import InboundMessage, Message


def release_to_writer(txn: Transaction, message: Message) -> Decision:
    """Send it back to where the text came from. What stands against a number the mailroom looks for itself."""
    received = txn.session.get(InboundMessage, message.in_reply_to) if message.in_reply_to else None
    number = inbound.number_of(txn, received) if received else None
    words = unseal(txn, message, "words_sealed")
    if number is None or words is None or message.site_id is None:
        return Suppress("nobody_to_write_to")
    site = txn.session.get_one(Site, message.site_id)
    values = {"words": words, "phone": site.office_phone or site.emergency_phone}
    return Send(ChannelKind.SMS, number, Language(message.values[LANGUAGE]), values)
