"""The second factor of staff: set up with a first code, asked for at every sign-in, replaced or taken away.

The authenticator's secret is sealed. A time step is taken by compare-and-set, so a code works once, even when two
present it at the same instant.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, or_, select, update

from backend import audit, limits
from backend.clock import wall
from backend.codes import plain
from backend.db import Transaction, compare_and_set
from backend.errors import InvalidInput, NoLongerPossible, NotPermitted, SamePersonMayNot, TooManyAttempts
from backend.sealing import STUDY, keyring_of, open_key, seal, unseal
from backend.staff import one_time_codes as codes
from backend.staff.guesses import MOST, NOBODY, WINDOW, let_go, prove_again
from backend.staff.members import email_of, end_sessions, in_turn
from backend.staff.models import RecoveryCode, StaffAuthenticator, StaffMember, StaffSession
from backend.staff.sessions import own_session
from backend.terms import SessionPurpose

# A secret that was shown and never confirmed is good for nothing after this.
BEGUN_LIVES = timedelta(minutes=30)
AUTHENTICATOR = "staff authenticator"
# Compared with for those who have none, so that they are refused no faster.
NOBODYS_SECRET = "A" * 32


@dataclass(frozen=True)
class Begun:
    """An authenticator's secret, shown once, and the address that a QR code tells it by."""

    secret: str
    otpauth_uri: str


@dataclass(frozen=True)
class Factor:
    """What the database knows of the code that is presented, read before the password is looked at."""

    code: str
    authenticator_id: UUID | None
    secret: str
    last_step: int | None
    recovery_code_id: UUID | None

    def step(self) -> int | None:
        """The time step the code belongs to, if it is the authenticator's and was not used yet."""
        return codes.step_of(self.secret, self.code, wall(), after=self.last_step)


def read_factor(txn: Transaction, staff_id: UUID | None, code: str) -> Factor:
    """Three statements for everybody: with an authenticator, without one, and for nobody at all."""
    row = txn.session.scalar(select(StaffAuthenticator).where(*_in_force(staff_id or NOBODY)))
    if row is None:
        open_key(txn, STUDY)
    secret = unseal(txn, row, "secret_sealed") if row else None
    on_paper = txn.session.scalar(
        select(RecoveryCode.id).where(
            RecoveryCode.fingerprint == _fingerprint(txn, row.id if row else NOBODY, code), *_is_unused()
        )
    )
    return Factor(code, row.id if row else None, secret or NOBODYS_SECRET, row.last_step if row else None, on_paper)


def use_factor(txn: Transaction, staff_id: UUID, factor: Factor, step: int | None) -> bool:
    """Take the code, so that nobody takes it again; True also for who has no authenticator and needs none.

    In the person's turn: what was read before may have been replaced since.
    """
    now_in_force = txn.session.scalar(select(StaffAuthenticator.id).where(*_in_force(staff_id)))
    if now_in_force != factor.authenticator_id:
        return False
    if now_in_force is None:
        return True
    if step is not None:
        return _take_step(txn, now_in_force, step)
    return factor.recovery_code_id is not None and _take_recovery_code(txn, factor.recovery_code_id)


def begin(txn: Transaction, token: str, password: str | None = None, *, network: str = "") -> Begun:
    """Show a new secret, not in force yet; one that was begun before is over. Replacing needs the password again."""
    if password is not None:
        prove_again(txn, token, password, network=network)
    member = _in_own_turn(txn, token)
    if password is None and find_in_force(txn, member.id):
        raise InvalidInput(fields={"password": ["An authenticator is in force: give your password to replace it."]})
    for earlier in txn.session.scalars(select(StaffAuthenticator).where(*_is_begun(member.id))):
        _end(txn, earlier)
    secret = codes.new_secret()
    row = StaffAuthenticator(staff_id=member.id, home_site_id=member.home_site_id, begun_at=wall())
    row.secret_sealed = seal(txn, row, "secret_sealed", secret) or ""
    audit.record(txn, "staff_authenticator.begun", row)
    txn.session.flush()
    return Begun(secret, codes.otpauth_uri(secret, email_of(txn, member)))


def confirm(txn: Transaction, token: str, totp: str) -> Sequence[str]:
    """Put what was begun in force with its first code: the former one ends, and every other session.

    Returns the recovery codes, which are never shown again. The session that confirmed now opens everything.
    """
    _count_first_code(txn, own_session(txn, token).staff_id)
    member = _in_own_turn(txn, token)
    begun = txn.session.scalar(
        select(StaffAuthenticator).where(*_is_begun(member.id), StaffAuthenticator.begun_at > wall() - BEGUN_LIVES)
    )
    if begun is None:
        raise NoLongerPossible("No authenticator is being set up; begin again.")
    step = codes.step_of(unseal(txn, begun, "secret_sealed") or "", totp, wall())
    if step is None:
        raise InvalidInput(fields={"totp": ["The authenticator does not show this code; is the phone's clock right?"]})
    former = find_in_force(txn, member.id)
    if former:
        _end(txn, former)
    begun.confirmed_at, begun.last_step = wall(), step
    audit.record(txn, "staff_authenticator.confirmed", begun)
    limits.forget(txn, AUTHENTICATOR, str(member.id))
    _keep_only(txn, member, own_session(txn, token))
    return _issue_codes(txn, begun)


def renew_recovery_codes(txn: Transaction, token: str, password: str, *, network: str = "") -> Sequence[str]:
    """A new set of recovery codes; those of before are void."""
    prove_again(txn, token, password, network=network)
    authenticator = find_in_force(txn, _in_own_turn(txn, token).id)
    if authenticator is None:
        raise NoLongerPossible("No authenticator is in force.")
    _void_codes(txn, authenticator)
    return _issue_codes(txn, authenticator)


def take_away(txn: Transaction, member: StaffMember) -> None:
    """End the authenticator of somebody who lost it, with all sessions: the next sign-in sets a new one up.

    Never one's own, or a stolen session could rid itself of the second factor.
    """
    if txn.actor.id == member.id:
        raise SamePersonMayNot("Another administrator must take your authenticator away.")
    in_turn(txn, member.id)
    mine = StaffAuthenticator.staff_id == member.id, StaffAuthenticator.ended_at.is_(None)
    rows = txn.session.scalars(select(StaffAuthenticator).where(*mine)).all()
    if not rows:
        raise NoLongerPossible("This person has no authenticator.")
    for row in rows:
        _end(txn, row)
    end_sessions(txn, member)
    txn.session.flush()


def find_in_force(txn: Transaction, staff_id: UUID) -> StaffAuthenticator | None:
    """The authenticator whose codes are asked for; None when there is none."""
    return txn.session.scalar(select(StaffAuthenticator).where(*_in_force(staff_id)))


def _in_own_turn(txn: Transaction, token: str) -> StaffMember:
    """Whoever holds the token, with nobody else changing their second factor meanwhile.

    A session opened by the password alone, before another one set a second factor up, may not replace it.
    """
    staff_id = own_session(txn, token).staff_id
    in_turn(txn, staff_id)
    session = own_session(txn, token)
    if session.purpose == SessionPurpose.ENROLMENT and find_in_force(txn, staff_id):
        raise NotPermitted()
    return txn.session.get_one(StaffMember, staff_id)


def _count_first_code(txn: Transaction, staff_id: UUID) -> None:
    let_go(txn)
    wait = limits.take(txn.database, AUTHENTICATOR, str(staff_id), most=MOST, window=WINDOW)
    if wait:
        raise TooManyAttempts(retry_after=wait)


def _keep_only(txn: Transaction, member: StaffMember, session: StaffSession) -> None:
    if session.purpose != SessionPurpose.WORK:
        session.purpose = SessionPurpose.WORK
        audit.record(txn, "staff_session.opened_fully", session)
    end_sessions(txn, member, but=session)


def _issue_codes(txn: Transaction, authenticator: StaffAuthenticator) -> Sequence[str]:
    made = codes.new_recovery_codes()
    for code in made:
        row = RecoveryCode(
            authenticator_id=authenticator.id,
            staff_id=authenticator.staff_id,
            home_site_id=authenticator.home_site_id,
            fingerprint=_fingerprint(txn, authenticator.id, code),
        )
        audit.record(txn, "recovery_code.issued", row)
    txn.session.flush()
    return made


def _end(txn: Transaction, authenticator: StaffAuthenticator) -> None:
    authenticator.ended_at = wall()
    audit.record(txn, "staff_authenticator.ended", authenticator)
    _void_codes(txn, authenticator)


def _void_codes(txn: Transaction, authenticator: StaffAuthenticator) -> None:
    unused = select(RecoveryCode).where(RecoveryCode.authenticator_id == authenticator.id, *_is_unused())
    for code in txn.session.scalars(unused.order_by(RecoveryCode.id)):
        code.voided_at = wall()
        audit.record(txn, "recovery_code.voided", code)


def _take_step(txn: Transaction, authenticator_id: UUID, step: int) -> bool:
    return compare_and_set(
        txn,
        update(StaffAuthenticator).where(
            StaffAuthenticator.id == authenticator_id,
            StaffAuthenticator.ended_at.is_(None),
            or_(StaffAuthenticator.last_step.is_(None), StaffAuthenticator.last_step < step),
        ),
        last_step=step,
    )


def _take_recovery_code(txn: Transaction, code_id: UUID) -> bool:
    wanted = update(RecoveryCode).where(RecoveryCode.id == code_id, *_is_unused())
    if not compare_and_set(txn, wanted, used_at=wall()):
        return False
    audit.note(txn, "recovery_code.used", txn.session.get_one(RecoveryCode, code_id))
    return True


def _in_force(staff_id: UUID) -> tuple[ColumnElement[bool], ...]:
    return (
        StaffAuthenticator.staff_id == staff_id,
        StaffAuthenticator.confirmed_at.is_not(None),
        StaffAuthenticator.ended_at.is_(None),
    )


def _is_begun(staff_id: UUID) -> tuple[ColumnElement[bool], ...]:
    return (
        StaffAuthenticator.staff_id == staff_id,
        StaffAuthenticator.confirmed_at.is_(None),
        StaffAuthenticator.ended_at.is_(None),
    )


def _is_unused() -> tuple[ColumnElement[bool], ...]:
    return RecoveryCode.used_at.is_(None), RecoveryCode.voided_at.is_(None)


def _fingerprint(txn: Transaction, authenticator_id: UUID, code: str) -> str:
    return keyring_of(txn).fingerprint("recovery code", f"{authenticator_id}:{plain(code)}")
