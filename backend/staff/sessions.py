"""Sessions of staff: an opaque token, of which only a keyed fingerprint is kept.

They live by real time: they end when idle, in any case after a working day, and at once when revoked.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, bindparam, select, tuple_

from backend import audit
from backend.clock import wall
from backend.db import Actor, Transaction
from backend.errors import NotSignedIn
from backend.sealing import keyring_of, new_token
from backend.staff.members import end_sessions, roles_of
from backend.staff.models import StaffMember, StaffSession
from backend.terms import Originator, SecondFactor, SessionPurpose

IDLE = timedelta(minutes=30)
LONGEST = timedelta(hours=12)
# A session in use is written down at most this often, or every read would cost a write.
SEEN_EVERY = timedelta(minutes=1)

SESSION_KEY = (datetime, UUID)


@dataclass(frozen=True)
class SignedIn:
    """A token that is shown once, and for how long it lives if it is not used."""

    access_token: str
    expires_in: int
    staff: StaffMember
    second_factor: SecondFactor


@dataclass(frozen=True)
class SessionPage:
    """Some sessions, and where the next ones begin; None at the end."""

    items: Sequence[StaffSession]
    after: tuple[datetime, UUID] | None


def start_session(
    txn: Transaction, member: StaffMember, second_factor: SecondFactor = SecondFactor.OPTIONAL
) -> SignedIn:
    """Open a session for somebody whose identity has been proved; without a factor still owed, for everything."""
    token = new_token()
    began = wall()
    is_owed = second_factor is SecondFactor.TO_BE_SET_UP
    session = StaffSession(
        staff_id=member.id,
        fingerprint=_fingerprint(txn, token),
        started_at=began,
        last_seen_at=began,
        ends_at=began + LONGEST,
        purpose=SessionPurpose.ENROLMENT if is_owed else SessionPurpose.WORK,
    )
    roles = roles_of(txn, member)
    audit.record(txn.acting_as(Actor(Originator.SITE, id=member.id, roles=roles)), "staff_session.started", session)
    txn.session.flush()
    return SignedIn(token, int(IDLE.total_seconds()), member, second_factor)


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
    is_enrolling = session.purpose == SessionPurpose.ENROLMENT
    return Actor(Originator.SITE, id=member.id, roles=roles_of(txn, member), is_enrolling=is_enrolling)


def own_session(txn: Transaction, token: str) -> StaffSession:
    """The session of the token, read anew. Raises ``NotSignedIn`` once it has ended."""
    session = _running(txn, token, wall())
    if session is None:
        raise NotSignedIn()
    return session


def own_sessions(
    txn: Transaction, token: str, *, after: tuple[datetime, UUID] | None = None, limit: int = 50
) -> SessionPage:
    """The sessions that run in the name of whoever holds the token, the newest first."""
    mine, order = own_session(txn, token), (StaffSession.started_at, StaffSession.id)
    now = wall()
    wanted = select(StaffSession).where(StaffSession.staff_id == mine.staff_id, *_is_running(now, now - IDLE))
    if after:
        wanted = wanted.where(tuple_(*order) < after)
    rows = txn.session.scalars(wanted.order_by(*(one.desc() for one in order)).limit(limit + 1)).all()
    last = rows[limit - 1] if len(rows) > limit else None
    return SessionPage(rows[:limit], (last.started_at, last.id) if last else None)


def end_other_sessions(txn: Transaction, token: str) -> None:
    """Sign whoever holds the token out everywhere else."""
    mine = own_session(txn, token)
    end_sessions(txn, txn.session.get_one(StaffMember, mine.staff_id), but=mine)
    txn.session.flush()


def sign_out(txn: Transaction, token: str) -> None:
    """End the session at once."""
    session = own_session(txn, token)
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


def _is_running(at: Any, seen_since: Any) -> tuple[ColumnElement[bool], ...]:
    return (StaffSession.revoked_at.is_(None), StaffSession.ends_at > at, StaffSession.last_seen_at > seen_since)


# Asked by every request of every member, and so put together once.
_RUNNING = (
    select(StaffSession)
    .where(StaffSession.fingerprint == bindparam("presented"), *_is_running(bindparam("at"), bindparam("seen_since")))
    .execution_options(populate_existing=True)
)


def _running(txn: Transaction, token: str, at: datetime) -> StaffSession | None:
    presented = {"presented": _fingerprint(txn, token), "at": at, "seen_since": at - IDLE}
    return txn.session.scalar(_RUNNING, presented)


def _fingerprint(txn: Transaction, token: str) -> str:
    return keyring_of(txn).fingerprint("staff session", token)
