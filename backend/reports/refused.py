"""What a patient sent and we could not accept: kept as it came, where a person reads it, and heard when it is urgent.

A phone that sends what no rule of ours allows is broken or older than we are; whoever holds it may be ill all the same.
"""

import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import func, select

from backend import audit
from backend.agenda.history import course_of
from backend.db import Transaction
from backend.instruments.definition import newest_instruments
from backend.patients.models import Patient
from backend.patients.turns import one_at_a_time_for
from backend.reports.history import Moments, Reach, circumstances_of
from backend.reports.lenient import Scraps, everything_asked, scraps_of, told_in
from backend.sealing import keyring_of
from backend.staff.models import Site
from backend.terms import ChannelKind, Language, Respondent, Tier, WorkReason
from backend.triage.advice import advice
from backend.triage.assess import findings_of
from backend.triage.candidates import open_for_text, rules_for
from backend.triage.grading import is_high_fever
from backend.triage.rules import Finding, RuleSet, danger_words_finding
from backend.triage.told import Circumstances, Told
from backend.triage.words import holds_any
from backend.worklist.items import open_item
from notifications import inbound
from notifications.inbound import REFUSED_REPORT, ReceivedText
from notifications.models import InboundMessage

MOST_A_DAY = 50
A_DAY = timedelta(days=1)
# A clock that says something else has stopped.
WITHIN = timedelta(days=366)

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Heard:
    """A refused report as it came, the emergencies that can be understood of it, and what its sender is told."""

    body: bytes
    said: str
    urgent: tuple[Finding, ...]
    facts: dict[str, Any]


def hear(txn: Transaction, patient: Patient, body: bytes) -> Heard:
    """Judge a refused report by the rules for reports, as far as it can be understood.

    ``facts`` say whom to call, and, when it is an emergency, what to do now, in the patient's language.
    """
    said = body.decode("utf-8", "replace")
    rules = rules_for(txn, patient)
    urgent = _emergencies_in(txn, patient, rules, scraps_of(said))
    phone = txn.session.get_one(Site, patient.site_id).emergency_phone
    facts: dict[str, Any] = {"phone": phone}
    if urgent:
        language = Language(patient.language)
        facts["advice"] = advice(rules, urgent, language=language, phone=phone, can_call_today=False)
    return Heard(body, said, urgent, facts)


def keep_refused(txn: Transaction, patient: Patient, heard: Heard) -> InboundMessage | None:
    """Keep a refused report on top of the site's inbox, with a task for a person; the same one again is one.

    An emergency raises the alarm as a text message would. None when this patient's phone has sent more today than
    anybody would read; an emergency is kept and heard all the same.
    """
    one_at_a_time_for(txn, patient.id)
    key = f"{REFUSED_REPORT}-{patient.id}-{keyring_of(txn).fingerprint('refused report', heard.body.hex())}"
    known = txn.session.scalars(select(InboundMessage).where(InboundMessage.provider_id == key)).one_or_none()
    if known is not None or (not heard.urgent and _has_sent_too_many(txn, patient)):
        return known
    kept = inbound.keep(txn, ReceivedText(key, "", "", heard.said, channel=ChannelKind.IN_APP, patient_id=patient.id))
    assert kept is not None, "Patients take turns, and this one had not sent it before."
    inbound.leave_to_a_person(txn, kept, site_id=patient.site_id, why=REFUSED_REPORT)
    audit.note(txn, "report.refused", kept)
    txn.session.flush()
    open_item(
        txn,
        reason=WorkReason.REPORT_REFUSED,
        key=f"report-refused:{kept.id}",
        site_id=patient.site_id,
        patient_id=patient.id,
        due_at=txn.now,
    )
    if heard.urgent:
        open_for_text(txn, patient, kept.id)
    return kept


def emergencies(rules: RuleSet, told: Told, circumstances: Circumstances) -> tuple[Finding, ...]:
    """The findings that are emergencies. Pure, and never raises."""
    return tuple(one for one in findings_of(rules, told, circumstances) if one.tier is Tier.T1)


def _emergencies_in(txn: Transaction, patient: Patient, rules: RuleSet, scraps: Scraps) -> tuple[Finding, ...]:
    """What the rules say; should anything fail on the way to them, the words alone. Never raises."""
    try:
        with txn.savepoint():
            told = told_in(scraps, everything_asked(newest_instruments(txn), scraps.instrument))
            return emergencies(rules, told, _circumstances(txn, patient, rules, scraps, told))
    except Exception as failure:
        # The words of the failure may hold an answer, so only its kind is logged.
        log.error("A refused report could not be judged by the rules.", extra={"failure": type(failure).__name__})
        is_danger = any(holds_any(text, rules.danger_words) for text in scraps.texts)
        return (danger_words_finding(rules),) if is_danger else ()


def _circumstances(txn: Transaction, patient: Patient, rules: RuleSet, scraps: Scraps, told: Told) -> Circumstances:
    claimed = scraps.completed_at
    happened_at = claimed if claimed and txn.now - WITHIN < claimed <= txn.now else txn.now
    respondent = Respondent.CAREGIVER if scraps.respondent == Respondent.CAREGIVER else Respondent.PATIENT
    reach = Reach(told.values.keys(), rules.days_back, respondent, is_high_fever(told.measurements))
    moments = Moments(happened_at, (happened_at, txn.now))
    return circumstances_of(txn, patient, course_of(txn, patient), scraps.instrument, moments, reach)


def _has_sent_too_many(txn: Transaction, patient: Patient) -> bool:
    kept_today = select(func.count(InboundMessage.id)).where(
        InboundMessage.patient_id == patient.id,
        InboundMessage.received_at > txn.now - A_DAY,
        InboundMessage.provider_id.startswith(REFUSED_REPORT, autoescape=True),
    )
    return (txn.session.scalar(kept_today) or 0) >= MOST_A_DAY
