"""What a phone must hold of its patient to judge an emergency with no connection.

The rules ask how long ago cells were given and what else was reported lately. A phone that is offline can ask nobody,
so the answers travel ahead with every questionnaire. Only dates that patients hear of are among them: given or
confirmed, never planned.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from backend import clock
from backend.db import Transaction
from backend.patients.models import Patient
from backend.patients.symptom_report import SymptomReport, moment_of
from backend.reports.history import infused_on
from backend.staff.models import Site
from backend.terms import Tier
from backend.triage.advice import emergency_rules
from backend.triage.condition_language import condition_language
from backend.triage.conditions import Together, operands
from backend.triage.rules import RuleSet

ONE_DAY = timedelta(days=1)


def emergency_document(txn: Transaction, patient: Patient, rules: RuleSet, language: str) -> dict[str, Any]:
    """The emergency rules with their advice, the language of their conditions, and what they ask of this patient."""
    site = txn.session.get_one(Site, patient.site_id)
    return {
        "emergency": emergency_rules(rules, language, site.emergency_phone),
        "conditions": condition_language(),
        "circumstances": {
            "as_of": txn.now,
            "infusion_dates": sorted(set(infused_on(txn, patient))),
            "site_time_zone": site.time_zone,
            "time_zone": patient.time_zone,
            "recent_signs": _recent_signs(txn, patient, list(_together(rules))),
            "danger_words": list(rules.danger_words),
        },
    }


def _together(rules: RuleSet) -> Iterable[Together]:
    """What the emergency rules count over several reports."""
    for rule in rules.rules:
        if rule.tier is Tier.T1:
            yield from (operand for operand in operands(rule.when) if isinstance(operand, Together))


def _recent_signs(txn: Transaction, patient: Patient, counted: list[Together]) -> list[dict[str, Any]]:
    """The days on which such signs were reported, as far back as a rule looks; later ones the phone adds itself."""
    if not counted:
        return []
    # A day more than the rules say, since a day begins earlier or later in another place.
    since = txn.now - ONE_DAY * (max(one.days for one in counted) + 1)
    items = {item for one in counted for item in one.items}
    said = {
        (clock.local_day(moment, patient.time_zone), item)
        for moment, answers in _reports_since(txn, patient, since)
        for item in items
        if answers.get(item) == 1
    }
    return [{"item": item, "on": on} for on, item in sorted(said)]


def _reports_since(txn: Transaction, patient: Patient, since: datetime) -> Iterable[tuple[datetime, dict[str, Any]]]:
    rows = select(SymptomReport.completed_at, SymptomReport.received_at, SymptomReport.answers)
    received = rows.where(SymptomReport.patient_id == patient.id, SymptomReport.received_at >= since)
    for completed_at, received_at, answers in txn.session.execute(received):
        yield moment_of(completed_at, received_at), answers
