"""What a provider's code for a refusal asks of us. The codes are Twilio's own.

Twilio, "Error and Warning Dictionary" (www.twilio.com/docs/api/errors); the classes are this project's design. The same
codes come back with a refused call and, later, in a receipt for a message that was accepted. Codes of other providers
are translated by their own channels.
"""

from collections.abc import Mapping

from notifications.channels import Refusal

CODES: Mapping[Refusal, frozenset[str]] = {
    # 429 is the status where no code came with it.
    Refusal.NOT_PROCESSED: frozenset({"429", "20429"}),
    # Wrong credentials; region not enabled; not our sender; account suspended; toll-free or 10DLC sender unregistered.
    Refusal.CONFIGURATION: frozenset({"20003", "21408", "21606", "30002", "30032", "30034"}),
    # Not a number; not a mobile; not assigned or unknown; a landline.
    Refusal.NUMBER_OF_NO_USE: frozenset({"21211", "21614", "21635", "30005", "30006"}),
    # The recipient wrote STOP, and the carrier's list knows it.
    Refusal.OPTED_OUT: frozenset({"21610"}),
    # Queue full; telephone off; unknown error of the carrier; carrier's limit; timed out at the carrier.
    Refusal.TRANSIENT: frozenset({"30001", "30003", "30008", "30022", "30410"}),
    # Blocked, or filtered for its words.
    Refusal.FILTERED: frozenset({"30004", "30007"}),
}
_CLASS_OF = {code: refusal for refusal, codes in CODES.items() for code in codes}


def refusal_for(code: str) -> Refusal:
    """The class of one code, as it decides what we do next. One that nobody has classed is ``UNKNOWN``."""
    return _CLASS_OF.get(code.strip(), Refusal.UNKNOWN)
