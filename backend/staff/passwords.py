"""Passwords: how they are kept, and what cannot be one."""

from functools import lru_cache

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError

SHORTEST_PASSWORD = 12

# Argon2id at OWASP's memory and time, on one lane: a sign-in costs some tens of milliseconds of one core.
HASHER = PasswordHasher(time_cost=1, memory_cost=47_104, parallelism=1)


def complaints(password: str, email: str | None = None) -> list[str]:
    """What is wrong with ``password`` for whoever signs in with ``email``; nothing, when it will do."""
    if len(password) < SHORTEST_PASSWORD:
        return [f"At least {SHORTEST_PASSWORD} characters."]
    if email is not None and password.strip().casefold() == email.strip().casefold():
        return ["The address signed in with is no password."]
    return []


def hashed(password: str) -> str:
    """What is stored of a password."""
    return HASHER.hash(password)


def verifies(password_hash: str | None, password: str) -> bool:
    """Whether this is the password; for nobody's (None) the same work is done, and the answer is no."""
    try:
        return HASHER.verify(password_hash or _nobodys(), password) and password_hash is not None
    except VerificationError:
        return False


@lru_cache(maxsize=1)
def _nobodys() -> str:
    return HASHER.hash("the password of nobody")
