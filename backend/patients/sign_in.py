"""How a patient's phone signs in: a code from the coordinator and the birth year, then tokens that renew themselves.

Only keyed fingerprints are stored. Every answer that a bad connection may lose can be had again: the tokens of
a retry are computed from what the phone presents, by a key only the server has. All times are real time.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, bindparam, func, select, update

from backend import audit
from backend.advisory_locks import one_at_a_time
from backend.clock import wall
from backend.codes import new_code, plain
from backend.db import Actor, Database, Transaction, compare_and_set, system
from backend.errors import NoLongerPossible, NotSignedIn, SignInRefused
from backend.patients.models import ActivationCode, Device, DeviceToken, Patient
from backend.patients.turns import take_turn
from backend.sealing import keyring_of, new_token
from backend.staff.models import Site
from backend.terms import NO_LONGER_FOLLOWED, Originator

CODE_LIVES = timedelta(days=7)
ACTIVATION_RETRY = timedelta(minutes=10)
# Whoever found a code has to know the birth year as well, and there are not a hundred of them to try.
MOST_WRONG_YEARS = 5

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
class KnownDevice:
    """A phone that is or was signed in; it was last seen when it last got tokens, so to the half hour."""

    id: UUID
    signed_in_at: datetime
    last_seen_at: datetime
    signed_out_at: datetime | None
    signed_out_because: str | None


@dataclass(frozen=True)
class SignedIn:
    """What a phone gets, once."""

    access_token: str
    refresh_token: str
    expires_in: int
    patient: Patient


def issue_code(txn: Transaction, patient: Patient) -> IssuedCode:
    """A new code for the patient; one given out earlier and not yet used stops working.

    In the patient's turn: of two given out at the same moment only the later one works.
    """
    take_turn(txn, patient)
    if patient.status in NO_LONGER_FOLLOWED:
        raise NoLongerPossible("No phone can be signed in for this patient any more.")
    issued = wall()
    void_unused_codes(txn, patient, "a new code was issued")
    code = new_code()
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


def void_unused_codes(txn: Transaction, patient: Patient, because: str) -> None:
    """No code given out until now signs a phone in any more."""
    unused = select(ActivationCode).where(
        ActivationCode.patient_id == patient.id, ActivationCode.used_at.is_(None), ActivationCode.voided_at.is_(None)
    )
    for code in txn.session.scalars(unused.order_by(ActivationCode.issued_at)):
        _void(txn, code, because)


def count_guess(db: Database, code: str) -> None:
    """Count a try of a code before it is made, in a transaction of its own that no refusal undoes.

    One statement, whether there is such a code or not. However many try at once, ``activate`` compares at most
    ``MOST_WRONG_YEARS`` birth years with the right one, because each reads a count that holds its own try.
    """
    with db.transaction(system("sign-in")) as txn:
        tried = update(ActivationCode).where(ActivationCode.fingerprint == _code_fingerprint(txn, code))
        compare_and_set(txn, tried, wrong_years=ActivationCode.wrong_years + 1)


def activate(
    txn: Transaction,
    code: str,
    birth_year: int,
    device_id: str | None = None,
    *,
    on_voided: Callable[[Transaction, ActivationCode], None] | None = None,
) -> SignedIn:
    """Sign a phone in. Unknown, wrong, used, voided and expired are one ``SignInRefused``.

    The same code, year and device within ten minutes get the same tokens, so a lost answer burns no code. After
    too many wrong years (``count_guess``) the code is voided, and ``on_voided`` may tell somebody.
    """
    at = wall()
    known = select(ActivationCode, Patient).join(Patient, Patient.id == ActivationCode.patient_id)
    found = txn.session.execute(known.where(ActivationCode.fingerprint == _code_fingerprint(txn, code))).one_or_none()
    if found is None:
        raise SignInRefused()
    row, patient = found
    if row.wrong_years > MOST_WRONG_YEARS or patient.birth_year != birth_year:
        _void_after_refusal(txn, row, on_voided)
        raise SignInRefused()
    if row.voided_at or patient.status in NO_LONGER_FOLLOWED:
        raise SignInRefused()
    # A phone that gives no id cannot be recognised again: it gets an id that nobody knows.
    presented = f"{plain(code)}:{device_id or new_token()}"
    if _use(txn, row, presented, at):
        audit.note(txn, "activation_code.used", row)
        return _sign_in(txn, patient, presented, at)
    return _sign_in_again(txn, patient, row, presented, at)


def refresh(
    txn: Transaction, refresh_token: str, *, on_revoked: Callable[[Transaction, Device], None] | None = None
) -> SignedIn:
    """The next pair of tokens.

    A refresh token used a second time means that somebody else holds it, so the whole family is signed out, and
    ``on_revoked`` may tell somebody: it may also have been the patient's own phone, which then stays silent for good.
    Except within half a minute, when it is the same phone that did not hear the answer.
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
    first = compare_and_set(
        txn, update(DeviceToken).where(DeviceToken.id == current.id, DeviceToken.rotated_at.is_(None)), rotated_at=at
    )
    if not first:
        txn.session.refresh(current)
        if current.rotated_at is None or at - current.rotated_at > REFRESH_RETRY:
            _revoke_after_refusal(txn, device, on_revoked)
            raise SignInRefused()
    return _tokens(txn, device, refresh_token, at, is_new=first)


# Asked by every request of every phone, and so put together once.
_HOLDER = (
    select(Patient, Site)
    .join(Site, Site.id == Patient.site_id)
    .join(Device, Device.patient_id == Patient.id)
    .join(DeviceToken, DeviceToken.device_id == Device.id)
    .where(
        DeviceToken.access_fingerprint == bindparam("access_fingerprint"),
        DeviceToken.access_ends_at > bindparam("at"),
        Device.signed_out_at.is_(None),
    )
)


def actor_for(txn: Transaction, token: str) -> Actor | None:
    """The patient whose phone holds this access token; None when it is unknown, expired or signed out."""
    presented = {"access_fingerprint": _fingerprint(txn, "access", token), "at": wall()}
    found = txn.session.execute(_HOLDER, presented).one_or_none()
    if found is None:
        return None
    # Every door asks for the patient and the site next. Of rows that nobody holds the session forgets that it has them.
    txn.notes["holder"] = tuple(found)
    return Actor(Originator.PATIENT, id=found.Patient.id, name=found.Patient.subject_number)


def sign_out(txn: Transaction, token: str) -> None:
    """Sign the phone out that holds this access token."""
    device = txn.session.scalar(
        select(Device).join(DeviceToken, DeviceToken.device_id == Device.id).where(*_is_running(txn, token))
    )
    if device is None:
        raise NotSignedIn()
    _sign_device_out(txn, device, "asked")
    txn.session.flush()


def devices_of(txn: Transaction, patient: Patient) -> Sequence[KnownDevice]:
    """Every phone that is or was signed in for the patient, the latest first."""
    last_seen = func.max(DeviceToken.issued_at, type_=Device.signed_in_at.type)
    seen = (
        select(Device, last_seen)
        .join(DeviceToken, DeviceToken.device_id == Device.id)
        .where(Device.patient_id == patient.id)
        .group_by(Device.id)
        .order_by(Device.signed_in_at.desc(), Device.id)
    )
    return [
        KnownDevice(device.id, device.signed_in_at, at, device.signed_out_at, device.signed_out_because)
        for device, at in txn.session.execute(seen)
    ]


def sign_phones_out(txn: Transaction, patient: Patient, because: str) -> None:
    """Sign out whatever phone the patient has."""
    signed_in = select(Device).where(Device.patient_id == patient.id, Device.signed_out_at.is_(None))
    for device in txn.session.scalars(signed_in):
        _sign_device_out(txn, device, because)
    txn.session.flush()


def _use(txn: Transaction, row: ActivationCode, presented: str, at: datetime) -> bool:
    return compare_and_set(
        txn,
        update(ActivationCode).where(
            ActivationCode.id == row.id,
            ActivationCode.used_at.is_(None),
            ActivationCode.voided_at.is_(None),
            ActivationCode.expires_at > at,
        ),
        used_at=at,
        used_by=_fingerprint(txn, "device", presented),
        wrong_years=0,
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
    compare_and_set(txn, update(ActivationCode).where(ActivationCode.id == row.id), wrong_years=0)
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


def _void(txn: Transaction, code: ActivationCode, because: str) -> None:
    code.voided_at = wall()
    audit.record(txn, "activation_code.voided", code, reason=because)


def _void_after_refusal(
    txn: Transaction, row: ActivationCode, on_voided: Callable[[Transaction, ActivationCode], None] | None
) -> None:
    database, code_id, request_id = txn.database, row.id, txn.request_id
    if row.wrong_years < MOST_WRONG_YEARS or row.voided_at or row.used_at:
        return

    def write() -> None:
        with database.transaction(system("sign-in"), request_id=request_id) as later:
            one_at_a_time(later, "activation code", code_id)
            code = later.session.get_one(ActivationCode, code_id)
            if code.voided_at or code.used_at:
                return
            _void(later, code, "too many wrong birth years")
            if on_voided:
                on_voided(later, code)

    txn.after_rollback(write)


def _revoke_after_refusal(
    txn: Transaction, device: Device, on_revoked: Callable[[Transaction, Device], None] | None
) -> None:
    database, device_id, request_id = txn.database, device.id, txn.request_id

    def write() -> None:
        with database.transaction(system("sign-in"), request_id=request_id) as later:
            one_at_a_time(later, "device", device_id)
            revoked = later.session.get_one(Device, device_id)
            if revoked.signed_out_at:
                return
            _sign_device_out(later, revoked, "an old refresh token was used")
            if on_revoked:
                on_revoked(later, revoked)

    txn.after_rollback(write)


def _fingerprint(txn: Transaction, purpose: str, token: str) -> str:
    return keyring_of(txn).fingerprint(f"device {purpose}", token)


def _code_fingerprint(txn: Transaction, code: str) -> str:
    return keyring_of(txn).fingerprint("activation code", plain(code))
