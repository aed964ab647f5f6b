"""How a member of staff signs in: a password for an opaque token, of which only a keyed fingerprint is kept.

An unknown address and a wrong password do the same work, end in the same refusal and leave the same trace.
Sessions live by real time: they end when idle, and in any case after a working day.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from uuid import UUID

from argon2.exceptions import VerificationError
from sqlalchemy import select

from backend import audit
from backend.clock import wall
from backend.db import Actor, Transaction, database_of, system
from backend.errors import NotSignedIn, SignInRefused
from backend.sealing import keyring_of, new_token
from backend.staff.members import HASHER, email_index, roles_of
from backend.staff.models import StaffMember, StaffSession
from backend.terms import Originator

IDLE = timedelta(minutes=30)
LONGEST = timedelta(hours=12)
# A session in use is written down at most this often, or every read would cost a write.
SEEN_EVERY = timedelta(minutes=1)

NOBODY = UUID(int=0)


@dataclass(frozen=True)
class SignedIn:
    """A token that is shown once, and for how long it lives if it is not used."""

    access_token: str
    expires_in: int
    staff: StaffMember


def sign_in(txn: Transaction, email: str, password: str) -> SignedIn:
    """Open a session, or raise ``SignInRefused`` and leave a trace of the attempt that outlives the refusal."""
    wanted = StaffMember.email_index == email_index(txn, email)
    # Hashing takes tens of milliseconds. Meanwhile nothing may be locked: SQLite has one writer at a time.
    with database_of(txn).reading(txn.actor) as before:
        known_hash = before.session.scalar(select(StaffMember.password_hash).where(wanted))
    matches = _verifies(known_hash or _dummy_hash(), password)
    member = txn.session.scalar(select(StaffMember).where(wanted))
    if member is None or not matches or member.password_hash != known_hash or member.deactivated_at:
        _remember_refusal(txn, member)
        raise SignInRefused()
    return start_session(txn, member)


def start_session(txn: Transaction, member: StaffMember) -> SignedIn:
    """Open a session for somebody whose identity has been proved."""
    token = new_token()
    began = wall()
    session = StaffSession(
        staff_id=member.id,
        fingerprint=_fingerprint(txn, token),
        started_at=began,
        last_seen_at=began,
        ends_at=began + LONGEST,
    )
    roles = roles_of(txn, member)
    audit.record(txn.acting_as(Actor(Originator.SITE, id=member.id, roles=roles)), "staff_session.started", session)
    txn.session.flush()
    return SignedIn(token, int(IDLE.total_seconds()), member)


def actor_for(txn: Transaction, token: str) -> Actor | None:
    """Who acts with this token; None when it is unknown, idle for too long, ended or revoked.

    The actor carries no name: the audit trail names staff by id, and their names stay sealed.
    """
    session = _running(txn, token, wall())
    if session is None:
        return None
    member = txn.session.get_one(StaffMember, session.staff_id)
    if member.deactivated_at:
        return None
    return Actor(Originator.SITE, id=member.id, roles=roles_of(txn, member))


def sign_out(txn: Transaction, token: str) -> None:
    """End the session at once."""
    session = _running(txn, token, wall())
    if session is None:
        raise NotSignedIn()
    session.revoked_at = wall()
    audit.record(txn, "staff_session.revoked", session)
    txn.session.flush()


def is_drowsy(txn: Transaction, token: str) -> bool:
    """Whether the session's last use was written down so long ago that ``keep_awake`` is due."""
    session = _running(txn, token, wall())
    return session is not None and wall() - session.last_seen_at >= SEEN_EVERY


def keep_awake(txn: Transaction, token: str) -> None:
    """Note that the session is in use, once its request has been answered: reads use sessions too."""
    session = _running(txn, token, wall())
    if session:
        session.last_seen_at = wall()


def _running(txn: Transaction, token: str, at: datetime) -> StaffSession | None:
    return txn.session.scalar(
        select(StaffSession).where(
            StaffSession.fingerprint == _fingerprint(txn, token),
            StaffSession.revoked_at.is_(None),
            StaffSession.ends_at > at,
            StaffSession.last_seen_at > at - IDLE,
        )
    )


def _fingerprint(txn: Transaction, token: str) -> str:
    return keyring_of(txn).fingerprint("staff session", token)


def _verifies(password_hash: str, password: str) -> bool:
    try:
        return HASHER.verify(password_hash, password)
    except VerificationError:
        return False


@lru_cache(maxsize=1)
def _dummy_hash() -> str:
    return HASHER.hash("the password of nobody")


def _remember_refusal(txn: Transaction, member: StaffMember | None) -> None:
    database, request_id = database_of(txn), txn.request_id
    # A row of no session: the refused transaction takes its own rows with it.
    meant = StaffMember(id=member.id if member else NOBODY, home_site_id=member.home_site_id if member else None)

    def write() -> None:
        with database.transaction(system("sign-in"), request_id=request_id) as later:
            audit.note(later, "staff_member.sign_in_refused", meant)

    txn.after_rollback(write)
