"""What a patient sent and we could not accept: kept as it came, where a person reads it, and heard when it is urgent.

A phone that sends what no rule of ours allows is broken or older than we are; whoever holds it may be ill all the same.
"""

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from sqlalchemy import func, select

from backend import audit
from backend.db import Transaction, one_at_a_time_for
from backend.patients.models import Patient
from backend.sealing import keyring_of
from backend.staff.models import Site
from backend.terms import ChannelKind, Language, Tier, WorkReason
from backend.triage.advice import advice_for
from backend.triage.candidates import DANGER_WORDS_RULE, open_for_text, rules_for
from backend.triage.conditions import COMPARE, Answer, Comparison
from backend.triage.rules import RuleSet
from backend.triage.words import holds_any
from backend.worklist.items import open_item
from notifications import inbound
from notifications.inbound import REFUSED_REPORT, ReceivedText
from notifications.models import InboundMessage

MOST_A_DAY = 50
A_DAY = timedelta(days=1)
# In a body that is no JSON, an answer as phones write it, and letters that were written as numbers.
AN_ANSWER = re.compile(r'"item"\s*:\s*"([\w.]{1,80})"\s*,\s*"value"\s*:\s*(\d)\b')
AN_ITEM = re.compile(r'"item"\s*:\s*"[^"]*"|checklist\.\w+')
ESCAPED = re.compile(r"\\u([0-9a-fA-F]{4})")


def keep_refused(txn: Transaction, patient: Patient, body: bytes) -> InboundMessage | None:
    """Keep a refused report on top of the site's inbox, with a task for a person; the same one again is one.

    What sounds like an emergency raises the alarm as a text message would. None when this patient's phone has sent
    more today than anybody would read.
    """
    one_at_a_time_for(txn, patient.id)
    key = f"{REFUSED_REPORT}-{patient.id}-{keyring_of(txn).fingerprint('refused report', body.hex())}"
    known = txn.session.scalars(select(InboundMessage).where(InboundMessage.provider_id == key)).one_or_none()
    if known is not None or _has_sent_too_many(txn, patient):
        return known
    said = body.decode("utf-8", "replace")
    kept = inbound.keep(txn, ReceivedText(key, "", "", said, channel=ChannelKind.IN_APP, patient_id=patient.id))
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
    if is_emergency(rules_for(txn, patient), said):
        open_for_text(txn, patient, kept.id)
    return kept


def what_to_do(txn: Transaction, patient: Patient, body: bytes) -> dict[str, Any]:
    """Whom to call, and, when the report sounds like an emergency, what to do now, in the patient's language."""
    phone = txn.session.get_one(Site, patient.site_id).emergency_phone
    rules = rules_for(txn, patient)
    if not is_emergency(rules, body.decode("utf-8", "replace")):
        return {"phone": phone}
    rule = next(rule for rule in rules.rules if rule.id == DANGER_WORDS_RULE)
    said = advice_for(rules, rule.advice, Language(patient.language), phone) if rule.advice else None
    return {"phone": phone, "advice": [said] if said else []}


def is_emergency(rules: RuleSet, said: str) -> bool:
    """Whether danger words or a sign that is an emergency by itself stand in what was sent. Never raises."""
    try:
        body = json.loads(said)
        words, answers = list(_words(body)), list(_answers(body))
    except (ValueError, RecursionError):
        # Names of items are our words, and some of them are words of danger.
        words = [AN_ITEM.sub(" ", ESCAPED.sub(lambda found: chr(int(found[1], 16)), said))]
        answers = [(item, int(value)) for item, value in AN_ANSWER.findall(said)]
    return any(holds_any(text, rules.danger_words) for text in words) or any(
        _is_a_sign_of_emergency(rules, item, value) for item, value in answers
    )


def _has_sent_too_many(txn: Transaction, patient: Patient) -> bool:
    kept_today = select(func.count(InboundMessage.id)).where(
        InboundMessage.patient_id == patient.id,
        InboundMessage.received_at > txn.now - A_DAY,
        InboundMessage.provider_id.startswith(REFUSED_REPORT, autoescape=True),
    )
    return (txn.session.scalar(kept_today) or 0) >= MOST_A_DAY


def _is_a_sign_of_emergency(rules: RuleSet, item: str, value: float) -> bool:
    """Whether some T1 rule asks for nothing but this answer."""
    return any(
        isinstance(rule.when, Comparison)
        and rule.when.operand == Answer(item)
        and rule.when.operator in COMPARE
        and isinstance(rule.when.value, int | float)
        and COMPARE[rule.when.operator](value, rule.when.value)
        for rule in rules.rules
        if rule.tier is Tier.T1
    )


def _words(body: Any, name: str = "") -> Iterator[str]:
    """Every text in the body but the names of items, which hold words of ours."""
    if isinstance(body, str) and name != "item":
        yield body
    for key, inner in _inside(body):
        yield from _words(inner, name if key is None else key)


def _answers(body: Any) -> Iterator[tuple[str, float]]:
    """Every (item, number) in the body, wherever it stands."""
    if isinstance(body, dict) and isinstance(body.get("item"), str) and isinstance(body.get("value"), int | float):
        yield body["item"], body["value"]
    for _, inner in _inside(body):
        yield from _answers(inner)


def _inside(body: Any) -> Iterator[tuple[str | None, Any]]:
    if isinstance(body, dict):
        yield from body.items()
    elif isinstance(body, list):
        yield from ((None, inner) for inner in body)
