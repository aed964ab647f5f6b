"""Guesses at an account: counted before they are looked at, so that no number of them at once gets more.

An account that does not exist is counted like one that does. Five wrong ones within a quarter of an hour lock the
account until that quarter is over; whoever proves to be the right one gets the count back.
"""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import select

from backend import audit, limits
from backend.db import Transaction, database_of, system
from backend.errors import SignInRefused, TooManyAttempts
from backend.staff import passwords
from backend.staff.members import in_turn
from backend.staff.models import StaffMember
from backend.staff.sessions import own_session

MOST = 5
WINDOW = timedelta(minutes=15)
ACCOUNT = "staff account"
TOLD = "staff account locked out"

NOBODY = UUID(int=0)


def count_guess(txn: Transaction, index: str) -> None:
    """Use up one of the account's guesses. Raises ``TooManyAttempts`` when none is left.

    To be called before anything is changed: what the transaction holds is let go first, because SQLite has one
    writer at a time and the count is a transaction of its own.
    """
    let_go(txn)
    wait = limits.take(database_of(txn), ACCOUNT, index, most=MOST, window=WINDOW)
    if wait == 0:
        return
    # Told once a lock-out: the trail is not for whoever knocks to fill.
    if limits.take(database_of(txn), TOLD, index, most=1, window=timedelta(seconds=wait)) == 0:
        tell(txn, "staff_member.locked_out", index)
    raise TooManyAttempts("Too many wrong guesses; please wait, or ask an administrator to lift it.", retry_after=wait)


def forgive(txn: Transaction, index: str) -> None:
    """Forget the wrong guesses, together with the act that proved who it is."""
    limits.forget(txn, ACCOUNT, index)
    limits.forget(txn, TOLD, index)


def lift_lock_out(txn: Transaction, member: StaffMember) -> None:
    """Let somebody try again at once."""
    forgive(txn, member.email_index)
    audit.note(txn, "staff_member.lock_out_lifted", member)


def prove_again(txn: Transaction, token: str, password: str) -> None:
    """Have whoever holds the session's token prove that it is still they. Raises ``SignInRefused`` when it is not.

    Counted with the guesses made at signing in, so a stolen session gives nobody more of them.
    """
    before = txn.session.get_one(StaffMember, own_session(txn, token).staff_id)
    staff_id, index, known_hash = before.id, before.email_index, before.password_hash
    count_guess(txn, index)
    is_right = passwords.verifies(known_hash, password)
    in_turn(txn, staff_id)
    # Hashing took a while, in which the session may have ended and the password changed.
    own_session(txn, token)
    still = txn.session.get_one(StaffMember, staff_id).password_hash == known_hash
    if not is_right or not still:
        remember_refusal(txn, index)
        raise SignInRefused("This is not your password.")
    forgive(txn, index)


def remember_refusal(txn: Transaction, index: str) -> None:
    """Leave a trace of a wrong guess that outlives its refusal, whether or not there is such an account."""
    txn.after_rollback(lambda: tell(txn, "staff_member.sign_in_refused", index))


def tell(txn: Transaction, verb: str, index: str) -> None:
    """Write down at once, in a transaction of its own, what was done at an account by nobody knows whom."""
    with database_of(txn).transaction(system("sign-in"), request_id=txn.request_id) as later:
        meant = later.session.scalar(select(StaffMember).where(StaffMember.email_index == index))
        audit.note(later, verb, meant or StaffMember(id=NOBODY, home_site_id=None))


def let_go(txn: Transaction) -> None:
    """End what has been read so far; the next statement begins anew. Nothing may have been changed yet."""
    assert not any((txn.session.new, txn.session.dirty, txn.session.deleted)), "Something would be lost."
    txn.session.rollback()
