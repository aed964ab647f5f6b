"""The people who work on the trial: who they are, what they may do where, and their end."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select

from backend import audit
from backend.advisory_locks import one_at_a_time
from backend.clock import wall
from backend.db import RoleAtSite, Transaction
from backend.errors import AlreadyExists, InvalidInput
from backend.phones import e164
from backend.sealing import STUDY, DataKey, keyring_of, make_data_key, seal, unseal
from backend.staff import passwords
from backend.staff.models import Site, StaffMember, StaffRole, StaffSession
from backend.terms import Language, Role

# These three may be held at every site; whoever changes a patient's record is somewhere.
ROLES_FOR_EVERY_SITE = frozenset({Role.MONITOR, Role.DATA_MANAGER, Role.ADMINISTRATOR})

# The order in which a person's roles count, so that the audit trail names the one that allowed the act.
PRECEDENCE = (
    Role.PRINCIPAL_INVESTIGATOR,
    Role.INVESTIGATOR,
    Role.COORDINATOR,
    Role.DATA_MANAGER,
    Role.MONITOR,
    Role.ADMINISTRATOR,
)


def create_member(
    txn: Transaction,
    *,
    email: str,
    name: str,
    password: str,
    roles: Sequence[RoleAtSite],
    phone: str | None = None,
    language: str = Language.CHINESE,
) -> StaffMember:
    """Take on a member of staff. The first site among the roles is their home and seals their name."""
    _refuse_what_cannot_be(passwords.complaints(password, email), roles)
    index = email_index(txn, email)
    if txn.session.scalar(select(StaffMember.id).where(StaffMember.email_index == index)):
        raise AlreadyExists("Somebody signs in with this address already.", fields={"email": ["Already in use."]})
    member = StaffMember(
        home_site_id=next((held.site_id for held in roles if held.site_id), None),
        email_index=index,
        password_hash=passwords.hashed(password),
        language=language,
        created_at=txn.now,
    )
    if member.home_site_id is None:
        _make_study_key(txn)
    member.name_sealed = seal(txn, member, "name_sealed", name) or ""
    member.email_sealed = seal(txn, member, "email_sealed", email) or ""
    _set_phone(txn, member, _callable(txn, member.home_site_id, phone))
    audit.record(txn, "staff_member.created", member)
    txn.session.flush()
    for held in roles:
        _grant(txn, member, held)
    txn.session.flush()
    return member


def update_member(txn: Transaction, member: StaffMember, changes: Mapping[str, Any]) -> StaffMember:
    """Change name, phone, language, password or roles, or let the person go (``active`` false).

    A new password, other roles and a leave-taking end every session at once.
    """
    roles = changes.get("roles")
    wrong = passwords.complaints(changes["password"], email_of(txn, member)) if "password" in changes else []
    _refuse_what_cannot_be(wrong, roles if roles is not None else roles_of(txn, member))
    in_turn(txn, member.id)
    _change_person(txn, member, changes)
    if "password" in changes:
        member.password_hash = passwords.hashed(changes["password"])
        audit.note(txn, "staff_member.password_changed", member)
    if roles is not None:
        _replace_roles(txn, member, roles)
    if {"password", "roles"} & changes.keys() or member.deactivated_at:
        end_sessions(txn, member)
    txn.session.flush()
    return member


def roles_of(txn: Transaction, member: StaffMember) -> tuple[RoleAtSite, ...]:
    """The roles held now, the one that counts most first."""
    rows = txn.session.scalars(_held(member)).all()
    held = (RoleAtSite(Role(row.role), row.site_id) for row in rows)
    return tuple(sorted(held, key=lambda one: (PRECEDENCE.index(one.role), str(one.site_id))))


def name_of(txn: Transaction, member: StaffMember) -> str:
    """The member's name, opened."""
    return unseal(txn, member, "name_sealed") or ""


def email_of(txn: Transaction, member: StaffMember) -> str:
    """The address the member signs in with, opened."""
    return unseal(txn, member, "email_sealed") or ""


def find_member(txn: Transaction, email: str) -> StaffMember:
    """Who signs in with this address, for those at the machine. Raises ``InvalidInput`` when it is nobody."""
    found = txn.session.scalar(select(StaffMember).where(StaffMember.email_index == email_index(txn, email)))
    if found is None:
        raise InvalidInput(fields={"email": ["Nobody signs in with this address."]})
    return found


def email_index(txn: Transaction, email: str) -> str:
    """What an address is looked up by; its case does not matter."""
    return keyring_of(txn).blind_index("staff e-mail", email.strip().casefold())


def in_turn(txn: Transaction, staff_id: UUID) -> None:
    """What opens a person's sessions and what ends them take turns: no session slips out between the two."""
    one_at_a_time(txn, "staff member", staff_id)


def end_sessions(txn: Transaction, member: StaffMember, *, but: StaffSession | None = None) -> None:
    """Sign the member out everywhere, or everywhere else."""
    running = select(StaffSession).where(
        StaffSession.staff_id == member.id, StaffSession.revoked_at.is_(None), StaffSession.ends_at > wall()
    )
    for session in txn.session.scalars(running.order_by(StaffSession.started_at, StaffSession.id)):
        if but is None or session.id != but.id:
            session.revoked_at = wall()
            audit.record(txn, "staff_session.revoked", session)


def _change_person(txn: Transaction, member: StaffMember, changes: Mapping[str, Any]) -> None:
    phone = _callable(txn, member.home_site_id, changes.get("phone"))
    if "name" in changes:
        member.name_sealed = seal(txn, member, "name_sealed", changes["name"]) or ""
    if "phone" in changes:
        _set_phone(txn, member, phone)
    if "language" in changes:
        member.language = changes["language"]
    if "active" in changes and changes["active"] != (member.deactivated_at is None):
        member.deactivated_at = None if changes["active"] else txn.now
    if txn.session.is_modified(member):
        audit.record(txn, "staff_member.changed", member)


def _held(member: StaffMember) -> Any:
    return (
        select(StaffRole)
        .where(StaffRole.staff_id == member.id, StaffRole.ended_at.is_(None))
        .order_by(StaffRole.granted_at, StaffRole.id)
    )


def _grant(txn: Transaction, member: StaffMember, held: RoleAtSite) -> None:
    role = StaffRole(staff_id=member.id, role=held.role, site_id=held.site_id, granted_at=txn.now)
    audit.record(txn, "staff_role.granted", role)


def _replace_roles(txn: Transaction, member: StaffMember, wanted: Iterable[RoleAtSite]) -> None:
    missing = set(wanted)
    for row in txn.session.scalars(_held(member)).all():
        held = RoleAtSite(Role(row.role), row.site_id)
        if held in missing:
            missing.discard(held)
            continue
        row.ended_at = txn.now
        audit.record(txn, "staff_role.ended", row)
    for held in sorted(missing, key=lambda one: (PRECEDENCE.index(one.role), str(one.site_id))):
        _grant(txn, member, held)


def _set_phone(txn: Transaction, member: StaffMember, phone: str | None) -> None:
    member.phone_sealed = seal(txn, member, "phone_sealed", phone)
    member.phone_index = keyring_of(txn).blind_index("phone", phone) if phone else None


def _callable(txn: Transaction, home_site_id: UUID | None, phone: str | None) -> str | None:
    home = txn.session.get(Site, home_site_id) if home_site_id else None
    return e164(phone, home.phone_region if home else "CN") if phone else None


def _make_study_key(txn: Transaction) -> None:
    if txn.session.get(DataKey, STUDY) is None:
        make_data_key(txn, STUDY)
        txn.session.flush()


def _refuse_what_cannot_be(password: list[str], roles: Sequence[RoleAtSite]) -> None:
    complaints: dict[str, list[str]] = {"password": password} if password else {}
    if not roles:
        complaints["roles"] = ["At least one role is needed."]
    for number, held in enumerate(roles):
        if held.site_id is None and held.role not in ROLES_FOR_EVERY_SITE:
            complaints[f"roles.{number}.site"] = ["This role is held at one site."]
    if complaints:
        raise InvalidInput(fields=complaints)


def role_names(roles: Iterable[RoleAtSite], codes: Mapping[UUID, str]) -> list[dict[str, str]]:
    """Roles in the words of the contract: ``{"role": "monitor", "site": "*"}``."""
    return [{"role": held.role, "site": codes[held.site_id] if held.site_id else "*"} for held in roles]
