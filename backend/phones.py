"""Telephone numbers in the one form we keep: E.164, so that a text coming in finds its patient."""

import phonenumbers

from backend.errors import InvalidInput


def e164(number: str, region: str, *, field: str = "phone") -> str:
    """``number`` as it is dialled from anywhere; without a country code it is a number of ``region``.

    Raises ``InvalidInput`` naming ``field`` when no such number can exist.
    """
    try:
        parsed = phonenumbers.parse(number, region)
    except phonenumbers.NumberParseException:
        parsed = None
    if parsed is None or not phonenumbers.is_valid_number(parsed):
        raise InvalidInput(fields={field: ["This is not a telephone number that can be called."]})
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
