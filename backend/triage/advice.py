"""What a patient reads at once after a report, and the emergency rules a phone holds to say it without us."""

from collections.abc import Iterable
from datetime import datetime, time, timedelta
from typing import Any

from backend import clock
from backend.terms import Tier
from backend.triage.clocks import Clocks
from backend.triage.conditions import Fact, operands
from backend.triage.rules import Finding, Rule, RuleSet
from backend.triage.working_days import WorkingHours, can_call_today

CALL_BACK = "call_back"
CALL_BACK_BY_NOON = "call_back_by_noon"


def advice(
    rules: RuleSet, found: Iterable[Finding], *, language: str, phone: str, can_call_today: bool
) -> list[dict[str, str]]:
    """``[{code, text, phone}]`` for the most urgent tier found; T3 says at most that somebody reads it.

    A patient who asked for a call when nobody can call today reads when we will. An emergency's advice stands
    alone: calm sentences beside it would blur it.
    """
    ordered = sorted(found, key=lambda finding: finding.tier.rank)
    codes = [finding.advice_code for finding in ordered if finding.tier is ordered[0].tier and finding.advice_code]
    if CALL_BACK in codes and ordered[0].tier is not Tier.T1:
        codes = [CALL_BACK if can_call_today else CALL_BACK_BY_NOON]
    return [advice_for(rules, code, language, phone) for code in dict.fromkeys(codes)]


def call_by(moment: datetime, *, site_zone: str, patient_zone: str, hours: WorkingHours, clocks: Clocks) -> datetime:
    """By when somebody must have called who asked for it at ``moment``, so that what the advice says comes true.

    Today means before the site closes, by noon tomorrow means the site's tomorrow, also when that is no working day:
    whoever is on call then calls. A patient in another time zone reads the same words by another clock; the earlier
    of the two counts.
    """
    if can_call_today(moment, site_zone, hours, clocks=clocks):
        closes = clock.at_local(clock.local_day(moment, site_zone), hours.closes, site_zone)
        midnight = clock.start_of_day(clock.local_day(moment, patient_zone) + timedelta(days=1), patient_zone)
        return max(moment, min(closes, midnight))
    zones = (site_zone, patient_zone)
    return min(clock.at_local(clock.local_day(moment, zone) + timedelta(days=1), time(12), zone) for zone in zones)


def emergency_rules(rules: RuleSet, language: str, phone: str) -> list[dict[str, Any]]:
    """The T1 rules as ``GET /me/instruments/{name}`` carries them: condition, advice, words to look for."""
    return [_emergency(rules, rule, language, phone) for rule in rules.rules if rule.tier is Tier.T1]


def _emergency(rules: RuleSet, rule: Rule, language: str, phone: str) -> dict[str, Any]:
    document: dict[str, Any] = {"id": rule.id, "version": rule.version, "when": rule.written["when"]}
    if Fact("danger_words", None) in operands(rule.when):
        document["words"] = list(rules.danger_words)
    if rule.advice:
        document["advice"] = advice_for(rules, rule.advice, language, phone)
    return document


def advice_for(rules: RuleSet, code: str, language: str, phone: str) -> dict[str, str]:
    """One piece of advice in one language, with the number to call."""
    return {"code": code, "text": rules.advice[code][language].replace("{phone}", phone), "phone": phone}
