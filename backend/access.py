"""The only way to obtain a record for someone, or be refused.

What is not yours does not exist: another site's record and an unknown one end in the same ``NotFound``. Only
who holds some role at the record's site can hear that the role is the wrong one (``NotPermitted``).
"""

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, and_, false, or_, select, true
from sqlalchemy.orm import InstrumentedAttribute

from backend.db import Base, RoleAtSite, Transaction
from backend.errors import InvalidInput, NotFound, NotPermitted
from backend.patients.models import Caregiver, Patient
from backend.staff.members import roles_of
from backend.staff.models import Site, StaffMember
from backend.staff.sites import find_site, find_site_by_id
from backend.terms import Originator, Role
from notifications.models import InboundMessage

EVERYWHERE = "*"

Row = TypeVar("Row", bound=Base)


class Verb(StrEnum):
    """What a member of staff may do at a site."""

    SEE_SITES = "see_sites"
    MANAGE_SITES = "manage_sites"
    MANAGE_STAFF = "manage_staff"
    READ_STAFF_NAMES = "read_staff_names"
    READ_ROSTER = "read_roster"
    CHANGE_ROSTER = "change_roster"
    READ_PATIENTS = "read_patients"
    READ_IDENTIFIERS = "read_identifiers"
    ENROL_PATIENTS = "enrol_patients"
    CHANGE_PATIENTS = "change_patients"
    ACTIVATE_PHONES = "activate_phones"
    GIVE_FORM_LINKS = "give_form_links"
    READ_CAREGIVERS = "read_caregivers"
    NAME_CAREGIVERS = "name_caregivers"
    READ_AGENDA = "read_agenda"
    PLAN_TREATMENT = "plan_treatment"
    RECORD_ATTENDANCE = "record_attendance"
    PAUSE_CONTACT = "pause_contact"
    RECORD_HOSPITALISATIONS = "record_hospitalisations"
    READ_DEVIATIONS = "read_deviations"
    RECORD_DEVIATIONS = "record_deviations"
    DISCONTINUE_TREATMENT = "discontinue_treatment"
    RECORD_WITHDRAWALS = "record_withdrawals"
    SIGN_REVERSALS = "sign_reversals"
    READ_PROTOCOLS = "read_protocols"
    SET_PROTOCOL_EFFECTS = "set_protocol_effects"
    MOVE_TO_VERSIONS = "move_to_versions"
    READ_TERMINOLOGY = "read_terminology"
    READ_REPORTS = "read_reports"
    REPORT_ON_BEHALF = "report_on_behalf"
    DECIDE_CORRECTIONS = "decide_corrections"
    READ_CANDIDATES = "read_candidates"
    ACKNOWLEDGE_CANDIDATES = "acknowledge_candidates"
    CLAIM_CANDIDATES = "claim_candidates"
    RELEASE_OTHERS_CLAIMS = "release_others_claims"
    SNOOZE_CANDIDATES = "snooze_candidates"
    ASK_PATIENTS = "ask_patients"
    MERGE_CANDIDATES = "merge_candidates"
    DISMISS_CANDIDATES = "dismiss_candidates"
    DISMISS_URGENT_CANDIDATES = "dismiss_urgent_candidates"
    REOPEN_CANDIDATES = "reopen_candidates"
    READ_ADVERSE_EVENTS = "read_adverse_events"
    RECORD_ADVERSE_EVENTS = "record_adverse_events"
    SIGN_ADVERSE_EVENTS = "sign_adverse_events"
    VOID_SIGNED_EVENTS = "void_signed_events"
    READ_SAFETY_REPORTS = "read_safety_reports"
    RECORD_SAFETY_REPORTS = "record_safety_reports"
    READ_CONCORDANCE = "read_concordance"
    READ_SURVIVAL = "read_survival"
    FOLLOW_SURVIVAL = "follow_survival"
    REPORT_DEATHS = "report_deaths"
    APPROVE_DEATHS = "approve_deaths"
    FIND_LOST = "find_lost"
    READ_WORKLIST = "read_worklist"
    RESOLVE_WORK = "resolve_work"
    READ_MESSAGES = "read_messages"
    READ_INBOX = "read_inbox"
    WRITE_LETTERS = "write_letters"
    READ_OUTCOMES = "read_outcomes"
    READ_AUDIT = "read_audit"


_CARE = frozenset({Role.COORDINATOR, Role.INVESTIGATOR, Role.PRINCIPAL_INVESTIGATOR})
_PHYSICIANS = frozenset({Role.INVESTIGATOR, Role.PRINCIPAL_INVESTIGATOR})
_READERS = _CARE | {Role.MONITOR, Role.DATA_MANAGER}
_ADMINISTRATORS = frozenset({Role.ADMINISTRATOR})

ALLOWED: Mapping[Verb, frozenset[Role]] = {
    Verb.SEE_SITES: _READERS | _ADMINISTRATORS,
    Verb.MANAGE_SITES: _ADMINISTRATORS,
    Verb.MANAGE_STAFF: _ADMINISTRATORS,
    Verb.READ_STAFF_NAMES: _CARE | _ADMINISTRATORS,
    Verb.READ_ROSTER: _READERS | _ADMINISTRATORS,
    Verb.CHANGE_ROSTER: _ADMINISTRATORS | {Role.PRINCIPAL_INVESTIGATOR, Role.COORDINATOR},
    Verb.READ_PATIENTS: _READERS,
    Verb.READ_IDENTIFIERS: _CARE,
    Verb.ENROL_PATIENTS: _CARE,
    Verb.CHANGE_PATIENTS: _CARE,
    Verb.ACTIVATE_PHONES: _CARE,
    Verb.GIVE_FORM_LINKS: _CARE,
    Verb.READ_CAREGIVERS: _CARE,
    Verb.NAME_CAREGIVERS: _CARE,
    Verb.READ_AGENDA: _READERS,
    Verb.PLAN_TREATMENT: _CARE,
    Verb.RECORD_ATTENDANCE: _CARE,
    Verb.PAUSE_CONTACT: _CARE,
    Verb.RECORD_HOSPITALISATIONS: _CARE,
    Verb.READ_DEVIATIONS: _READERS,
    Verb.RECORD_DEVIATIONS: _CARE,
    Verb.DISCONTINUE_TREATMENT: _CARE,
    Verb.RECORD_WITHDRAWALS: _CARE,
    Verb.SIGN_REVERSALS: _PHYSICIANS,
    Verb.READ_PROTOCOLS: _READERS,
    Verb.SET_PROTOCOL_EFFECTS: frozenset({Role.PRINCIPAL_INVESTIGATOR}),
    Verb.MOVE_TO_VERSIONS: _CARE,
    Verb.READ_TERMINOLOGY: _READERS | _ADMINISTRATORS,
    Verb.READ_REPORTS: _READERS,
    Verb.REPORT_ON_BEHALF: _CARE,
    Verb.DECIDE_CORRECTIONS: _PHYSICIANS,
    Verb.READ_CANDIDATES: _READERS,
    Verb.ACKNOWLEDGE_CANDIDATES: _CARE,
    Verb.CLAIM_CANDIDATES: _CARE,
    Verb.RELEASE_OTHERS_CLAIMS: _PHYSICIANS,
    Verb.SNOOZE_CANDIDATES: _CARE,
    Verb.ASK_PATIENTS: _CARE,
    Verb.MERGE_CANDIDATES: _CARE,
    Verb.DISMISS_CANDIDATES: _CARE,
    Verb.DISMISS_URGENT_CANDIDATES: _PHYSICIANS,
    Verb.REOPEN_CANDIDATES: _CARE,
    Verb.READ_ADVERSE_EVENTS: _READERS,
    Verb.RECORD_ADVERSE_EVENTS: _CARE,
    Verb.SIGN_ADVERSE_EVENTS: _PHYSICIANS,
    Verb.VOID_SIGNED_EVENTS: _PHYSICIANS,
    Verb.READ_SAFETY_REPORTS: _READERS,
    Verb.RECORD_SAFETY_REPORTS: _CARE,
    Verb.READ_CONCORDANCE: _PHYSICIANS | {Role.MONITOR, Role.DATA_MANAGER},
    Verb.READ_SURVIVAL: _READERS,
    Verb.FOLLOW_SURVIVAL: _CARE,
    Verb.REPORT_DEATHS: _CARE,
    Verb.APPROVE_DEATHS: _PHYSICIANS,
    Verb.FIND_LOST: _PHYSICIANS,
    Verb.READ_WORKLIST: _READERS,
    Verb.RESOLVE_WORK: _CARE,
    Verb.READ_MESSAGES: _READERS,
    Verb.READ_INBOX: _CARE,
    Verb.WRITE_LETTERS: _CARE,
    Verb.READ_OUTCOMES: _READERS,
    Verb.READ_AUDIT: _READERS,
}


def own_patient(txn: Transaction) -> Patient:
    """The record of the patient whose phone is asking."""
    if txn.actor.originator not in {Originator.PATIENT, Originator.PROXY} or txn.actor.id is None:
        raise NotPermitted()
    patient = txn.session.get(Patient, txn.actor.id)
    if patient is None:
        raise NotFound()
    return patient


def patient(txn: Transaction, patient_id: UUID, verb: Verb) -> Patient:
    """A patient's record, for a member of staff who may do ``verb`` where the patient is."""
    return record(txn, Patient, patient_id, verb)


def record(txn: Transaction, table: type[Row], record_id: object, verb: Verb) -> Row:
    """A row of any table that has a ``site_id``, for a member of staff who may do ``verb`` there."""
    row = txn.session.get(table, record_id)
    if row is None:
        raise NotFound()
    _require(txn, getattr(row, "site_id"), verb)  # noqa: B009 - each such table has it; Base does not
    return row


def caregiver(txn: Transaction, whose: Patient, caregiver_id: UUID) -> Caregiver:
    """A caregiver of this patient, and of nobody else."""
    named = txn.session.get(Caregiver, caregiver_id)
    if named is None or named.patient_id != whose.id:
        raise NotFound()
    return named


def site(txn: Transaction, id_or_code: str, verb: Verb) -> Site:
    """A site by its id or its code, for a member of staff who may do ``verb`` there."""
    found = find_site(txn, id_or_code) or find_site_by_id(txn, id_or_code)
    if found is None:
        raise NotFound()
    _require(txn, found.id, verb)
    return found


def site_by_code(txn: Transaction, code: str, verb: Verb, *, field: str = "site") -> Site:
    """The site a body or a filter names. An unknown code and a foreign one are the same complaint."""
    found = find_site(txn, code)
    if found is None or not _roles_at(txn, found.id):
        raise InvalidInput(fields={field: ["There is no such site."]})
    _require(txn, found.id, verb)
    return found


def member(txn: Transaction, staff_id: UUID, verb: Verb) -> StaffMember:
    """A member of staff, for who may do ``verb`` at the person's home and wherever the person holds a role.

    Otherwise the administrator of one site could take over somebody who is more than that.
    """
    found = record(txn, StaffMember, staff_id, verb)
    if not all(may(txn, held.site_id, verb) for held in roles_of(txn, found)):
        raise NotPermitted()
    return found


def may(txn: Transaction, site_id: UUID | None, verb: Verb) -> bool:
    """Whether the actor may do ``verb`` at the site; None asks for every site."""
    return bool(_roles_at(txn, site_id) & ALLOWED[verb])


def require_everywhere(txn: Transaction, verb: Verb) -> None:
    """For acts that belong to no one site. Raises ``NotPermitted`` for who may do ``verb`` at some sites only."""
    if not may(txn, None, verb):
        raise NotPermitted()


def sites_where(txn: Transaction, verb: Verb) -> set[UUID]:
    """The sites that the actor's roles name one by one, where the actor may do ``verb``."""
    return {one.site_id for one in txn.actor.roles if one.site_id and one.role in ALLOWED[verb]}


def visible(
    txn: Transaction, column: InstrumentedAttribute[UUID] | InstrumentedAttribute[UUID | None], verb: Verb
) -> ColumnElement[bool]:
    """The condition that keeps a list to the sites where the actor may do ``verb``."""
    held = [one for one in txn.actor.roles if one.role in ALLOWED[verb]]
    if any(one.site_id is None for one in held):
        return true()
    sites = sorted(sites_where(txn, verb), key=str)
    return column.in_(sites) if sites else false()


def visible_at(
    txn: Transaction,
    column: InstrumentedAttribute[UUID] | InstrumentedAttribute[UUID | None],
    verb: Verb,
    code: str | None,
) -> ColumnElement[bool]:
    """As ``visible``, further kept to the one site a filter names."""
    if code is None:
        return visible(txn, column, verb)
    return column == site_by_code(txn, code, verb).id


def inbox(txn: Transaction, verb: Verb) -> ColumnElement[bool]:
    """Texts for the sites where the actor may do ``verb``, and those that nobody's site can be told of.

    A text from an unknown number belongs to no site; if nobody saw it, nobody would ever answer it.
    """
    return or_(visible(txn, InboundMessage.site_id, verb), _is_nobodys())


def inbound(txn: Transaction, inbound_id: UUID, verb: Verb) -> InboundMessage:
    """A received text, for who may do ``verb`` where it belongs, or anywhere when it belongs nowhere."""
    received = txn.session.get(InboundMessage, inbound_id)
    if received is None:
        raise NotFound()
    if received.site_id is not None or received.patient_id is not None:
        _require(txn, received.site_id, verb)
    elif not any(held.role in ALLOWED[verb] for held in txn.actor.roles):
        raise NotPermitted()
    return received


def _is_nobodys() -> ColumnElement[bool]:
    return and_(InboundMessage.site_id.is_(None), InboundMessage.patient_id.is_(None))


def site_codes(txn: Transaction) -> Mapping[UUID, str]:
    """Every site's code by its id: what answers show in the place of our ids."""
    return {row.id: row.code for row in txn.session.execute(select(Site.id, Site.code))}


def roles_named(txn: Transaction, roles: Iterable[Mapping[str, str]], verb: Verb) -> Sequence[RoleAtSite]:
    """Roles as a body names them (``{"role": "coordinator", "site": "site-01"}``), at sites the actor may manage."""
    return tuple(_role_named(txn, named, number, verb) for number, named in enumerate(roles))


def _role_named(txn: Transaction, named: Mapping[str, str], number: int, verb: Verb) -> RoleAtSite:
    field = f"roles.{number}.site"
    if named["site"] != EVERYWHERE:
        return RoleAtSite(Role(named["role"]), site_by_code(txn, named["site"], verb, field=field).id)
    # Whoever manages one site cannot hand out more than that.
    if not may(txn, None, verb):
        raise InvalidInput(fields={field: ["There is no such site."]})
    return RoleAtSite(Role(named["role"]), None)


def _roles_at(txn: Transaction, site_id: UUID | None) -> frozenset[Role]:
    if txn.actor.originator not in {Originator.SITE, Originator.SITE_ON_BEHALF}:
        return frozenset()
    return frozenset(one.role for one in txn.actor.roles if one.site_id is None or one.site_id == site_id)


def _require(txn: Transaction, site_id: UUID | None, verb: Verb) -> None:
    held = _roles_at(txn, site_id)
    if not held:
        raise NotFound()
    if not held & ALLOWED[verb]:
        raise NotPermitted()
