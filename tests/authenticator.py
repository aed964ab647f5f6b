"""A member of staff's authenticator, as their telephone has it."""

from dataclasses import dataclass
from typing import Any

import pyotp
from sqlalchemy import update

from backend.clock import wall
from backend.db import Database, system
from backend.staff.models import StaffAuthenticator, StaffMember
from backend.staff.second_factor import begin, confirm
from backend.staff.sessions import start_session
from tests.people import PASSWORD, Person

API = "/api/v1"


@dataclass(frozen=True)
class Authenticator:
    """The secret, the codes on paper, and what the display shows."""

    secret: str
    recovery_codes: tuple[str, ...]

    def code(self, steps: int = 0) -> str:
        """The code shown now, or so many steps later."""
        return pyotp.TOTP(self.secret).at(wall(), counter_offset=steps)


def in_force(db: Database, person: Person) -> Authenticator:
    """Set an authenticator up for somebody, long enough ago that the code shown now was not used for it."""
    with db.transaction(system("test")) as txn:
        token = start_session(txn, txn.session.get_one(StaffMember, person.id)).access_token
    with db.transaction(person.actor) as txn:
        secret = begin(txn, token).secret
    with db.transaction(person.actor) as txn:
        codes = confirm(txn, token, pyotp.TOTP(secret).at(wall()))
        txn.session.flush()
        txn.session.execute(update(StaffAuthenticator).values(last_step=None))
    return Authenticator(secret, tuple(codes))


def sign_in(client: Any, person: Person, totp: str | None = None, password: str = PASSWORD) -> Any:
    """What the door answers to an address, a password and perhaps a code."""
    body = {"email": person.email, "password": password} | ({"totp": totp} if totp is not None else {})
    return client.post(f"{API}/auth/staff", json=body)
