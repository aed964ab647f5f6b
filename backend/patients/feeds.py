"""Where a patient's calendar program reads the agenda: an address that only this server can compute.

Calendar programs cannot sign in, so whoever holds the address may read. It is derived by the keyring from the patient
and a generation, and can therefore be shown again; stored is its keyed fingerprint alone. An address that has leaked
is voided, and the next one is of the next generation.
"""

from sqlalchemy import func, select

from backend import audit
from backend.clock import wall
from backend.db import Transaction
from backend.errors import NoLongerPossible, NotFound
from backend.patients.acts import CalendarFeed
from backend.patients.models import Patient
from backend.patients.turns import take_turn
from backend.sealing import is_forgotten, keyring_of
from backend.terms import NO_LONGER_FOLLOWED

PURPOSE = "calendar feed"
# Longer than any of ours; nobody needs to hash a novel.
LONGEST_TOKEN = 64


def token_for(txn: Transaction, patient: Patient) -> str | None:
    """The token of the feed that is open, or of the one that ``open_feed`` would open.

    None for a patient who is no longer followed and has none. Reads only.
    """
    standing = _standing(txn, patient)
    if standing is None and patient.status in NO_LONGER_FOLLOWED:
        return None
    return _token(txn, patient, standing.generation if standing else _next_generation(txn, patient))


def is_open(txn: Transaction, patient: Patient) -> bool:
    """Whether the address that ``token_for`` tells is good, or need not be."""
    return patient.status in NO_LONGER_FOLLOWED or _standing(txn, patient) is not None


def open_feed(txn: Transaction, patient: Patient) -> CalendarFeed:
    """The patient's feed, opened now unless it is open already; of two who open it at once both get the same.

    Raises ``NoLongerPossible`` for a patient who is no longer followed.
    """
    take_turn(txn, patient)
    standing = _standing(txn, patient)
    if standing:
        return standing
    if patient.status in NO_LONGER_FOLLOWED:
        raise NoLongerPossible("There is nothing ahead that a calendar could show.")
    # One that another secret key has made dead is as good as leaked: nobody can be told its address any more.
    _void_all(txn, patient, "another was opened")
    generation = _next_generation(txn, patient)
    feed = CalendarFeed(
        patient_id=patient.id,
        site_id=patient.site_id,
        fingerprint=_fingerprint(txn, _token(txn, patient, generation)),
        generation=generation,
        opened_at=wall(),
    )
    audit.record(txn, "calendar_feed.opened", feed)
    txn.session.flush()
    return feed


def void_feed(txn: Transaction, patient: Patient, because: str) -> None:
    """The address known until now shows nothing any more. ``open_feed`` gives another."""
    take_turn(txn, patient)
    _void_all(txn, patient, because)


def patient_of(txn: Transaction, token: str) -> Patient:
    """Whose feed it is. Raises ``NotFound`` for a token that is unknown or voided, or whose patient is forgotten."""
    known = (
        select(Patient)
        .join(CalendarFeed, CalendarFeed.patient_id == Patient.id)
        .where(CalendarFeed.fingerprint == _fingerprint(txn, token), CalendarFeed.voided_at.is_(None))
    )
    # Found by a keyed hash: how long the database compares tells nothing of the token.
    patient = txn.session.scalar(known) if len(token) <= LONGEST_TOKEN else None
    if patient is None or is_forgotten(txn, patient.id):
        raise NotFound()
    return patient


def _standing(txn: Transaction, patient: Patient) -> CalendarFeed | None:
    """The feed that is open under the secret key of today."""
    opened = select(CalendarFeed).where(CalendarFeed.patient_id == patient.id, CalendarFeed.voided_at.is_(None))
    feed = txn.session.scalar(opened.order_by(CalendarFeed.generation.desc()).limit(1))
    if feed is None or feed.fingerprint != _fingerprint(txn, _token(txn, patient, feed.generation)):
        return None
    return feed


def _next_generation(txn: Transaction, patient: Patient) -> int:
    latest = select(func.max(CalendarFeed.generation)).where(CalendarFeed.patient_id == patient.id)
    return (txn.session.scalar(latest) or 0) + 1


def _void_all(txn: Transaction, patient: Patient, because: str) -> None:
    opened = select(CalendarFeed).where(CalendarFeed.patient_id == patient.id, CalendarFeed.voided_at.is_(None))
    for feed in txn.session.scalars(opened.order_by(CalendarFeed.generation)):
        feed.voided_at = wall()
        audit.record(txn, "calendar_feed.voided", feed, reason=because)
    txn.session.flush()


def _token(txn: Transaction, patient: Patient, generation: int) -> str:
    return keyring_of(txn).derive_token(PURPOSE, f"{patient.id}:{generation}")


def _fingerprint(txn: Transaction, token: str) -> str:
    return keyring_of(txn).fingerprint(PURPOSE, token)
