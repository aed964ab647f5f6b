"""Invented reports for the rules: what a patient told, and what was known when it came."""

from backend.terms import Tier
from backend.triage.rules import Circumstances, Told
from tests.study import findings, instrument, rule_set

FEVER, CHILLS, DYSPNEA, SYNCOPE = "10016558", "10008531", "10013963", "10042772"
HYPERTENSION, HYPOTENSION, RASH, DIARRHEA = "10020772", "10021097", "10037868", "10012727"
BILIRUBIN, URINE, HEADACHE, VISION = "10005364", "10046628", "10019211", "10005886"
BLEEDING, ASCITES, DEHYDRATION, IMMUNE = "10055356", "10003445", "10012174", "10021428"
NAUSEA, FATIGUE, WEIGHT_LOSS, WEIGHT_GAIN = "10028813", "10016256", "10047900", "10047896"


def told(*, name="ad_hoc", signs=(), texts=(), severities=(), wants_call=False, measured=None, **answers):
    """A report: danger signs answered yes, answers as ``nausea__severity=3``, measurements by name."""
    values = {f"checklist.{sign}": 1 for sign in signs}
    values |= {item.replace("__", "."): value for item, value in answers.items()}
    return Told(
        instrument=instrument(name),
        values=values,
        measurements=measured or {},
        texts=tuple(texts),
        other_severities=tuple(severities),
        wants_call=wants_call,
    )


def raised(report, **circumstances):
    """Tier by subject."""
    return {found.subject: found.tier for found in findings(rule_set(), report, Circumstances(**circumstances))}


def tier_of(report, **circumstances):
    """The most urgent tier, or None."""
    return min(raised(report, **circumstances).values(), key=lambda tier: tier.rank, default=None)


def found_about(subject, report, **circumstances):
    """The one finding about a subject."""
    return next(
        found for found in findings(rule_set(), report, Circumstances(**circumstances)) if found.subject == subject
    )


T1, T2, T3 = Tier.T1, Tier.T2, Tier.T3
