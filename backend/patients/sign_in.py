"""How a patient's phone signs in: a code from the coordinator and the birth year, then tokens that renew themselves.

Only keyed fingerprints are stored. Every answer that a bad connection may lose can be had again: the tokens of
a retry are computed from what the phone presents, by a key only the server has. All times are real time.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, CursorResult, Update, select, update

from backend import audit
from backend.clock import wall
from backend.db import Actor, Transaction, database_of, system
from backend.errors import NoLongerPossible, NotSignedIn, SignInRefused
from backend.patients.models import ActivationCode, Device, DeviceToken, Patient
from backend.sealing import keyring_of, new_token
from backend.terms import Originator, PatientStatus

# Without the letters and digits that are taken for one another when read aloud or written down.
ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
CODE_LENGTH = 10
CODE_LIVES = timedelta(days=7)
ACTIVATION_RETRY = timedelta(minutes=10)

ACCESS_LIVES = timedelta(minutes=30)
# After month 24 the phone is used twice a year.
REFRESH_LIVES = timedelta(days=400)
REFRESH_RETRY = timedelta(seconds=30)


@dataclass(frozen=True)
class IssuedCode:
    """An activation code, shown once."""

    code: str
    expires_at: datetime


@dataclass(frozen=True)
class SignedIn:
    """What a phone gets, once."""

    access_token: str
    refresh_token: str
    expires_in: int
    patient: Patient


def issue_code(txn: Transaction, patient: Patient) -> IssuedCode:
    """A new code for the patient; one given out earlier and not yet used stops working."""
    if patient.status == PatientStatus.DIED:
        raise NoLongerPossible("No phone can be signed in for this patient any more.")
    issued = wall()
    unused = select(ActivationCode).where(
        ActivationCode.patient_id == patient.id, ActivationCode.used_at.is_(None), ActivationCode.voided_at.is_(None)
    )
    for earlier in txn.session.scalars(unused.order_by(ActivationCode.issued_at)):
        earlier.voided_at = issued
        audit.record(txn, "activation_code.voided", earlier)
    code = "".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH))
    row = ActivationCode(
        patient_id=patient.id,
        site_id=patient.site_id,
        fingerprint=_code_fingerprint(txn, code),
        issued_at=issued,
        expires_at=issued + CODE_LIVES,
    )
    audit.record(txn, "activation_code.issued", row)
    txn.session.flush()
    return IssuedCode(code, row.expires_at)


def activate(txn: Transaction, code: str, birth_year: int, device_id: str | None = None) -> SignedIn:
    """Sign a phone in. Wrong, used, voided and expired are one ``SignInRefused``.

    The same code, year and device within ten minutes get the same tokens, so a lost answer burns no code.
    """
    at = wall()
    row = txn.session.scalar(select(ActivationCode).where(ActivationCode.fingerprint == _code_fingerprint(txn, code)))
    if row is None:
        raise SignInRefused()
    patient = txn.session.get_one(Patient, row.patient_id)
    if patient.birth_year != birth_year or row.voided_at:
        raise SignInRefused()
    # A phone that gives no id cannot be recognised again: it gets an id that nobody knows.
    presented = f"{_plain(code)}:{device_id or new_token()}"
    if _use(txn, row, presented, at):
        audit.note(txn, "activation_code.used", row)
        return _sign_in(txn, patient, presented, at)
    return _sign_in_again(txn, patient, row, presented, at)


def refresh(txn: Transaction, refresh_token: str) -> SignedIn:
    """The next pair of tokens.

    A refresh token used a second time means that somebody else holds it, so the whole family is signed out;
    except within half a minute, when it is the same phone that did not hear the answer.
    """
    at = wall()
    current = txn.session.scalar(
        select(DeviceToken).where(DeviceToken.refresh_fingerprint == _fingerprint(txn, "refresh", refresh_token))
    )
    if current is None or current.refresh_ends_at <= at:
        raise SignInRefused()
    device = txn.session.get_one(Device, current.device_id)
    if device.signed_out_at:
        raise SignInRefused()
    first = _compare_and_set(
        txn, update(DeviceToken).where(DeviceToken.id == current.id, DeviceToken.rotated_at.is_(None)), rotated_at=at
    )
    if not first:
        txn.session.refresh(current)
        if current.rotated_at is None or at - current.rotated_at > REFRESH_RETRY:
            _revoke_after_refusal(txn, device)
            raise SignInRefused()
    return _tokens(txn, device, refresh_token, at, is_new=first)


def actor_for(txn: Transaction, token: str) -> Actor | None:
    """The patient whose phone holds this access token; None when it is unknown, expired or signed out."""
    found = txn.session.execute(
        select(Patient.id, Patient.subject_number)
        .join(Device, Device.patient_id == Patient.id)
        .join(DeviceToken, DeviceToken.device_id == Device.id)
        .where(*_is_running(txn, token))
    ).one_or_none()
    return Actor(Originator.PATIENT, id=found.id, name=found.subject_number) if found else None


def sign_out(txn: Transaction, token: str) -> None:
    """Sign the phone out that holds this access token."""
    device = txn.session.scalar(
        select(Device).join(DeviceToken, DeviceToken.device_id == Device.id).where(*_is_running(txn, token))
    )
    if device is None:
        raise NotSignedIn()
    _sign_device_out(txn, device, "asked")
    txn.session.flush()


def sign_phones_out(txn: Transaction, patient: Patient, because: str) -> None:
    """Sign out whatever phone the patient has."""
    signed_in = select(Device).where(Device.patient_id == patient.id, Device.signed_out_at.is_(None))
    for device in txn.session.scalars(signed_in):
        _sign_device_out(txn, device, because)
    txn.session.flush()


def _use(txn: Transaction, row: ActivationCode, presented: str, at: datetime) -> bool:
    return _compare_and_set(
        txn,
        update(ActivationCode).where(
            ActivationCode.id == row.id,
            ActivationCode.used_at.is_(None),
            ActivationCode.voided_at.is_(None),
            ActivationCode.expires_at > at,
        ),
        used_at=at,
        used_by=_fingerprint(txn, "device", presented),
    )


def _sign_in(txn: Transaction, patient: Patient, presented: str, at: datetime) -> SignedIn:
    as_patient = txn.acting_as(Actor(Originator.PATIENT, id=patient.id, name=patient.subject_number))
    sign_phones_out(as_patient, patient, "another phone was signed in")
    device = Device(
        patient_id=patient.id,
        site_id=patient.site_id,
        fingerprint=_fingerprint(txn, "device", presented),
        signed_in_at=at,
    )
    audit.record(as_patient, "device.signed_in", device)
    txn.session.flush()
    return _tokens(txn, device, presented, at, is_new=True)


def _sign_in_again(txn: Transaction, patient: Patient, row: ActivationCode, presented: str, at: datetime) -> SignedIn:
    txn.session.refresh(row)
    mine = _fingerprint(txn, "device", presented)
    if row.used_at is None or row.used_by != mine or at - row.used_at > ACTIVATION_RETRY:
        raise SignInRefused()
    signed_in = select(Device).where(Device.fingerprint == mine, Device.signed_out_at.is_(None))
    device = txn.session.scalar(signed_in.where(Device.patient_id == patient.id))
    if device is None:
        raise SignInRefused()
    return _tokens(txn, device, presented, at, is_new=False)


def _tokens(txn: Transaction, device: Device, presented: str, at: datetime, *, is_new: bool) -> SignedIn:
    """The pair of tokens that follows from what was presented: kept when new, found again when not."""
    keyring = keyring_of(txn)
    access = keyring.derive_token("device access", presented)
    refresh_token = keyring.derive_token("device refresh", presented)
    if is_new:
        row = DeviceToken(
            device_id=device.id,
            access_fingerprint=_fingerprint(txn, "access", access),
            access_ends_at=at + ACCESS_LIVES,
            refresh_fingerprint=_fingerprint(txn, "refresh", refresh_token),
            refresh_ends_at=at + REFRESH_LIVES,
            issued_at=at,
        )
        txn.session.add(row)
        txn.session.flush()
    else:
        known = DeviceToken.access_fingerprint == _fingerprint(txn, "access", access)
        row = txn.session.scalars(select(DeviceToken).where(known)).one()
    lives = max(0, int((row.access_ends_at - at).total_seconds()))
    return SignedIn(access, refresh_token, lives, txn.session.get_one(Patient, device.patient_id))


def _is_running(txn: Transaction, token: str) -> tuple[ColumnElement[bool], ...]:
    return (
        DeviceToken.access_fingerprint == _fingerprint(txn, "access", token),
        DeviceToken.access_ends_at > wall(),
        Device.signed_out_at.is_(None),
    )


def _sign_device_out(txn: Transaction, device: Device, because: str) -> None:
    device.signed_out_at = wall()
    device.signed_out_because = because
    audit.record(txn, "device.signed_out", device)


def _revoke_after_refusal(txn: Transaction, device: Device) -> None:
    database, device_id, request_id = database_of(txn), device.id, txn.request_id

    def write() -> None:
        with database.transaction(system("sign-in"), request_id=request_id) as later:
            revoked = later.session.get_one(Device, device_id)
            if revoked.signed_out_at is None:
                _sign_device_out(later, revoked, "an old refresh token was used")

    txn.after_rollback(write)


def _compare_and_set(txn: Transaction, statement: Update, **values: object) -> bool:
    """Whether this statement was the one that changed the row. Of two at once the second waits, and is told no."""
    result = txn.session.execute(statement.values(**values).execution_options(synchronize_session=False))
    assert isinstance(result, CursorResult)
    return bool(result.rowcount)


def _fingerprint(txn: Transaction, purpose: str, token: str) -> str:
    return keyring_of(txn).fingerprint(f"device {purpose}", token)


def _code_fingerprint(txn: Transaction, code: str) -> str:
    return keyring_of(txn).fingerprint("activation code", _plain(code))


def _plain(code: str) -> str:
    """A code as it is kept, however it was typed."""
    return "".join(code.split()).replace("-", "").upper()
