"""Guesses at an account: counted before they are looked at, so that no number of them at once gets more.

An account that does not exist is counted like one that does. Five wrong ones within a quarter of an hour from one
network lock the account for that network until the quarter is over, and fifty from all networks lock it for everybody:
a stranger elsewhere must not keep a coordinator out. Whoever proves to be the right one gets the counts back.
"""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import select

from backend import audit, limits
from backend.db import Transaction, system
from backend.errors import SignInRefused, TooManyAttempts
from backend.staff import passwords
from backend.staff.members import in_turn
from backend.staff.models import StaffMember
from backend.staff.sessions import own_session

MOST = 5
MOST_FROM_ALL_NETWORKS = 50
WINDOW = timedelta(minutes=15)
ACCOUNT = "staff account from a network"
ACCOUNT_FROM_ALL_NETWORKS = "staff account"
TOLD = "staff account locked out"

# Invented addresses have no end, and what is on the trail stays there.
MOST_TRACES_OF_NOBODY = 60
TRACES_WINDOW = timedelta(hours=1)
TRACES = "traces of guesses"

NOBODY = UUID(int=0)


def count_guess(txn: Transaction, index: str, network: str) -> None:
    """Use up one of the account's guesses. Raises ``TooManyAttempts`` when none is left.

    ``network`` is the caller's, empty for who is at the machine. To be called before anything is changed: what the
    transaction holds is let go first, because SQLite has one writer at a time and a count is a transaction of its own.
    """
    let_go(txn)
    _count(txn, ACCOUNT, _from(index, network), index, MOST)
    # Only what the network's own count let through, or one network could use up what all of them share.
    _count(txn, ACCOUNT_FROM_ALL_NETWORKS, index, index, MOST_FROM_ALL_NETWORKS)


def forgive(txn: Transaction, index: str, network: str) -> None:
    """Forget the wrong guesses, together with the act that proved who it is; but not those of other networks."""
    limits.forget(txn, ACCOUNT, _from(index, network))
    limits.forget(txn, ACCOUNT_FROM_ALL_NETWORKS, index)
    limits.forget(txn, TOLD, index)


def lift_lock_out(txn: Transaction, member: StaffMember) -> None:
    """Let somebody try again at once, from wherever it was."""
    limits.forget_about(txn, member.email_index)
    audit.note(txn, "staff_member.lock_out_lifted", member)


def prove_again(txn: Transaction, token: str, password: str, *, network: str = "") -> None:
    """Have whoever holds the session's token prove that it is still they. Raises ``SignInRefused`` when it is not.

    Counted with the guesses made at signing in, so a stolen session gives nobody more of them.
    """
    before = txn.session.get_one(StaffMember, own_session(txn, token).staff_id)
    staff_id, index, known_hash = before.id, before.email_index, before.password_hash
    count_guess(txn, index, network)
    is_right = passwords.verifies(known_hash, password)
    in_turn(txn, staff_id)
    # Hashing took a while, in which the session may have ended and the password changed.
    own_session(txn, token)
    still = txn.session.get_one(StaffMember, staff_id).password_hash == known_hash
    if not is_right or not still:
        remember_refusal(txn, index)
        raise SignInRefused("This is not your password.")
    forgive(txn, index, network)


def remember_refusal(txn: Transaction, index: str) -> None:
    """Leave a trace of a wrong guess that outlives its refusal, also when there is no such account (``tell``)."""
    txn.after_rollback(lambda: tell(txn, "staff_member.sign_in_refused", index))


def tell(txn: Transaction, verb: str, index: str) -> None:
    """Write down at once, in a transaction of its own, what was done at an account by nobody knows whom.

    Always of an account there is; of all others together no more than ``MOST_TRACES_OF_NOBODY`` an hour. What is too
    much is written and taken back beside a count that is kept, so that it costs the same.
    """
    with txn.database.transaction(system("sign-in"), request_id=txn.request_id) as later:
        meant = later.session.scalar(select(StaffMember).where(StaffMember.email_index == index))
        traces = limits.add_with(later, TRACES, "somebody" if meant else "nobody", window=TRACES_WINDOW)
        with later.savepoint() as trace:
            audit.note(later, verb, meant or StaffMember(id=NOBODY, home_site_id=None))
            later.session.flush()
            if meant is None and traces.hits > MOST_TRACES_OF_NOBODY:
                trace.rollback()


def let_go(txn: Transaction) -> None:
    """End what has been read so far; the next statement begins anew. Nothing may have been changed yet."""
    assert not any((txn.session.new, txn.session.dirty, txn.session.deleted)), "Something would be lost."
    txn.begin_anew()


def _count(txn: Transaction, purpose: str, subject: str, index: str, most: int) -> None:
    wait = limits.take(txn.database, purpose, subject, most=most, window=WINDOW, about=index)
    if wait == 0:
        return
    # Told once a quarter of an hour, from however many networks: the trail is not for whoever knocks to fill.
    if limits.take(txn.database, TOLD, index, most=1, window=WINDOW, about=index) == 0:
        tell(txn, "staff_member.locked_out", index)
    raise TooManyAttempts("Too many wrong guesses; please wait, or ask an administrator to lift it.", retry_after=wait)


def _from(index: str, network: str) -> str:
    return f"{index} {network}"
