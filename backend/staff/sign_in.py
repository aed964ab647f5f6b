"""How a member of staff signs in: a password and, once there is an authenticator, its code; both or neither.

An unknown address, a wrong password and a missing, wrong or used code do the same work, end in the same refusal and
leave the same trace. The guess is counted before anything is looked at.
"""

from uuid import UUID

from sqlalchemy import select

from backend import audit
from backend.db import Actor, Transaction
from backend.errors import InvalidInput, SignInRefused
from backend.staff import guesses, passwords, second_factor
from backend.staff.members import email_index, email_of, end_sessions, in_turn, roles_of
from backend.staff.models import StaffMember
from backend.staff.sessions import SignedIn, own_session, start_session
from backend.terms import Originator, SecondFactor

REFUSED = "These details do not match. Whoever has set an authenticator up must send its code as well."


def sign_in(
    txn: Transaction,
    email: str,
    password: str,
    totp: str | None = None,
    *,
    network: str = "",
    second_factor_required: bool = False,
) -> SignedIn:
    """Open a session, or raise ``SignInRefused`` (or ``TooManyAttempts``) and leave a trace that outlives it.

    ``totp`` is the authenticator's code or one of the recovery codes; ``network`` is where the guesses are counted.
    Where a second factor is required, somebody without one gets a session that opens nothing but the setting up of one.
    """
    index = email_index(txn, email)
    guesses.count_guess(txn, index, network)
    wanted = select(StaffMember.id, StaffMember.password_hash).where(
        StaffMember.email_index == index, StaffMember.deactivated_at.is_(None)
    )
    # Hashing takes tens of milliseconds. Meanwhile nothing may be locked: SQLite has one writer at a time.
    with txn.database.reading(txn.actor) as before:
        known = before.session.execute(wanted).one_or_none()
        factor = second_factor.read_factor(before, known.id if known else None, totp or "")
    is_right = passwords.verifies(known.password_hash if known else None, password)
    step = factor.step()
    needs_none = factor.authenticator_id is None
    if known is None or not is_right or not (needs_none or step is not None or factor.recovery_code_id):
        raise _refusal(txn, index)
    member = _still_the_same(txn, known.id, known.password_hash)
    if member is None or not second_factor.use_factor(_as(txn, member), member.id, factor, step):
        raise _refusal(txn, index)
    guesses.forgive(txn, index, network)
    owed = SecondFactor.TO_BE_SET_UP if second_factor_required else SecondFactor.OPTIONAL
    return start_session(txn, member, owed if needs_none else SecondFactor.IN_FORCE)


def change_password(txn: Transaction, token: str, password: str, new_password: str, *, network: str = "") -> None:
    """Change one's own password, so that whoever handed it out knows it no more; every other session ends."""
    mine = txn.session.get_one(StaffMember, own_session(txn, token).staff_id)
    wrong = passwords.complaints(new_password, email_of(txn, mine))
    if new_password == password:
        wrong = ["This is the password you have."]
    if wrong:
        raise InvalidInput(fields={"new_password": wrong})
    guesses.prove_again(txn, token, password, network=network)
    session = own_session(txn, token)
    member = txn.session.get_one(StaffMember, session.staff_id)
    member.password_hash = passwords.hashed(new_password)
    audit.note(txn, "staff_member.password_changed", member)
    end_sessions(txn, member, but=session)
    txn.session.flush()


def _still_the_same(txn: Transaction, staff_id: UUID, known_hash: str) -> StaffMember | None:
    """The person, unless they left or changed their password while we were hashing."""
    in_turn(txn, staff_id)
    member = txn.session.get_one(StaffMember, staff_id, populate_existing=True)
    return member if member.deactivated_at is None and member.password_hash == known_hash else None


def _refusal(txn: Transaction, index: str) -> SignInRefused:
    guesses.remember_refusal(txn, index)
    return SignInRefused(REFUSED)


def _as(txn: Transaction, member: StaffMember) -> Transaction:
    return txn.acting_as(Actor(Originator.SITE, id=member.id, roles=roles_of(txn, member)))
