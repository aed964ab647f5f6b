"""One-time codes: of an authenticator, that change with the time (RFC 6238), and on paper, that are good once. Pure."""

import hmac
from datetime import datetime

import pyotp

from backend.codes import new_code, plain

ISSUER = "Followup"
STEP_SECONDS = 30
# The clock of a telephone may be a little off, and typing takes its time.
STEPS_OFF = (-1, 0, 1)

RECOVERY_CODES = 10


def new_secret() -> str:
    """What an authenticator is given: 160 random bits, in base 32."""
    return pyotp.random_base32()


def otpauth_uri(secret: str, account: str) -> str:
    """What the QR code says: the secret, and under which name the authenticator shows it."""
    return pyotp.TOTP(secret).provisioning_uri(name=account, issuer_name=ISSUER)


def step_of(secret: str, code: str, at: datetime, *, after: int | None = None) -> int | None:
    """The time step whose code this is, one step off at most and later than ``after``; None when there is none.

    Every step is compared, whatever the first ones gave, so that the answer always takes the same time.
    """
    totp, now, given = pyotp.TOTP(secret), int(at.timestamp()) // STEP_SECONDS, plain(code).encode()
    matching = [
        step
        for step in (now + off for off in STEPS_OFF)
        if hmac.compare_digest(totp.generate_otp(step).encode(), given)
    ]
    return next((step for step in matching if after is None or step > after), None)


def new_recovery_codes() -> list[str]:
    """Ten codes for the day the authenticator is lost: ``7K2QM-9XWPD``."""
    return [_recovery_code() for _ in range(RECOVERY_CODES)]


def _recovery_code() -> str:
    letters = new_code()
    return f"{letters[:5]}-{letters[5:]}"
