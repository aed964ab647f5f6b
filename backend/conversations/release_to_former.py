"""May a number that is a patient's no more be told so? Whoever has it now must learn nothing, and hear nothing more.

What stands against any message about the patient - death, withdrawal, a hold, the night - has been asked before.
"""

from backend.db import Transaction
from backend.patients import contact
from backend.patients.new_numbers import is_a_current_number
from notifications import Suppress, numbers
from notifications.models import Message


def number_to_tell(txn: Transaction, message: Message) -> str | Suppress:
    """The number, or why it is not told. A STOP the mailroom looks for itself."""
    number = contact.address_of(txn, message)
    if number is None:
        return Suppress("no_number")
    index = contact.phone_index(txn, number)
    if is_a_current_number(txn, index):
        return Suppress("used_again")
    # It is nobody's task to put a number right that is not used.
    if numbers.is_malformed(number) or numbers.standing(txn, number) is not None:
        return Suppress("takes_no_texts")
    return number
