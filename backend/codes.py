"""Codes that a person copies from paper or a screen: no doubtful letters, read however they were typed. Pure."""

import secrets
import unicodedata

# Without the letters and digits that are taken for one another when read aloud or written down.
ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
CODE_LENGTH = 10


def new_code() -> str:
    """One of 5.9 × 10¹⁴."""
    return "".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH))


def plain(code: str) -> str:
    """A code as it is compared, however it was typed: spaces, hyphens, small letters, full-width digits."""
    return "".join(unicodedata.normalize("NFKC", code).split()).replace("-", "").upper()
