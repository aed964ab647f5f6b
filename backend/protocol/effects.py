"""From which day each version of the protocol holds at a site: set by its principal investigator, kept once begun.

The first version of a study holds from the beginning, everywhere. A later one holds nowhere until it is said from when.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import func, select

from backend import audit
from backend.advisory_locks import one_at_a_time
from backend.db import Transaction
from backend.errors import InvalidInput, NoLongerPossible, NotFound
from backend.protocol.load import current_version
from backend.protocol.models import ProtocolEffect, ProtocolVersion
from backend.sealing import seal


@dataclass(frozen=True)
class EffectForm:
    """What a principal investigator says of a version: from when, whether patients consent anew first, and why."""

    effective_on: date
    needs_consent: bool
    reason: str


def set_effect(txn: Transaction, number: int, site_id: UUID, form: EffectForm, *, today: date) -> ProtocolEffect:
    """Say from which day a version holds at a site. ``today`` is the site's. Until it has begun it may be set anew.

    Raises ``NotFound`` for a version that is not there, ``InvalidInput`` for a day that has passed, and
    ``NoLongerPossible`` for the first version, one that has begun, and one that a newer one has overtaken.
    """
    one_at_a_time(txn, "protocol effect", site_id)
    version = version_numbered(txn, number)
    effect = effect_at(txn, version, site_id)
    if version.version == first_number(txn, version.study):
        raise NoLongerPossible(f"Version {number} holds from the beginning of the study.")
    if effect and effect.effective_on <= today:
        raise NoLongerPossible(f"Version {number} has held here since {effect.effective_on.isoformat()}.")
    standing = version_in_effect(txn, site_id, today)
    if standing.version > number:
        raise NoLongerPossible(f"Version {standing.version} holds here already; nobody goes back to version {number}.")
    if form.effective_on < today:
        raise InvalidInput(fields={"effective_on": ["This day has passed; today is the earliest."]})
    return _set(txn, effect or ProtocolEffect(protocol_version_id=version.id, site_id=site_id), form)


def version_numbered(txn: Transaction, number: int) -> ProtocolVersion:
    """A version of the study that is running. Raises ``NotFound``."""
    study = current_version(txn).study
    found = select(ProtocolVersion).where(ProtocolVersion.study == study, ProtocolVersion.version == number)
    version = txn.session.scalars(found).one_or_none()
    if version is None:
        raise NotFound(f"There is no version {number} of the protocol.")
    return version


def versions_of_the_study(txn: Transaction) -> Sequence[ProtocolVersion]:
    """Every version of the study that is running, the oldest first."""
    study = current_version(txn).study
    rows = select(ProtocolVersion).where(ProtocolVersion.study == study)
    return txn.session.scalars(rows.order_by(ProtocolVersion.version)).all()


def first_number(txn: Transaction, study: str) -> int:
    """The number of the study's first version."""
    return txn.session.scalar(select(func.min(ProtocolVersion.version)).where(ProtocolVersion.study == study)) or 1


def effect_at(txn: Transaction, version: ProtocolVersion, site_id: UUID) -> ProtocolEffect | None:
    """From when the version holds at the site; None while nobody has said so."""
    row = select(ProtocolEffect).where(
        ProtocolEffect.protocol_version_id == version.id, ProtocolEffect.site_id == site_id
    )
    return txn.session.scalars(row.execution_options(populate_existing=True)).one_or_none()


def effects_of(txn: Transaction, version: ProtocolVersion) -> Sequence[ProtocolEffect]:
    """From when the version holds, site by site."""
    rows = select(ProtocolEffect).where(ProtocolEffect.protocol_version_id == version.id)
    return txn.session.scalars(rows.order_by(ProtocolEffect.effective_on, ProtocolEffect.id)).all()


def version_in_effect(txn: Transaction, site_id: UUID, today: date) -> ProtocolVersion:
    """What new patients of the site enter ``today``: the newest version that holds there. Raises ``StudyNotLoaded``."""
    begun = select(ProtocolEffect.protocol_version_id).where(
        ProtocolEffect.site_id == site_id, ProtocolEffect.effective_on <= today
    )
    newest = current_version(txn)
    holding = select(ProtocolVersion).where(
        ProtocolVersion.study == newest.study,
        (ProtocolVersion.version == first_number(txn, newest.study)) | ProtocolVersion.id.in_(begun),
    )
    return txn.session.scalars(holding.order_by(ProtocolVersion.version.desc()).limit(1)).one()


def _set(txn: Transaction, effect: ProtocolEffect, form: EffectForm) -> ProtocolEffect:
    effect.effective_on, effect.needs_consent = form.effective_on, form.needs_consent
    effect.reason_sealed = seal(txn, effect, "reason_sealed", form.reason)
    effect.set_by, effect.set_at = txn.actor.id, txn.now
    audit.record(txn, "protocol.effect_set", effect)
    txn.session.flush()
    return effect
