"""The rules as one table: a rule to a row, and a row to each side of every boundary.

A row names the rule it is about, what the patient reports, what was known when the report came, and who hears of
it: the tier and the rule that leads. A row that another rule leads, or none, is a near miss of its own.
"""

from typing import NamedTuple

import pytest

from backend.terms import Tier
from backend.triage.rules import Circumstances, Told
from tests.study import findings, rule_set
from tests.triage.reports import T1, T2, T3, told


class Row(NamedTuple):
    """One line of the table."""

    about: str
    report: Told
    known: Circumstances
    tier: Tier | None
    leads: str | None


def temperature(celsius, *signs, no=()):
    return told(signs=signs, measured={"temperature_c": celsius}, **said_no(*no))


def pressure(systolic=None, diastolic=None, *, signs=(), no=()):
    both = {"systolic_mmhg": systolic, "diastolic_mmhg": diastolic}
    measured = {name: value for name, value in both.items() if value is not None}
    return told(signs=signs, measured=measured, **said_no(*no))


def said_no(*signs):
    """A screen of danger signs answered "none of these" stores zeros."""
    return {f"checklist__{sign}": 0 for sign in signs}


def stools(over_baseline):
    return told(measured={"stools_over_baseline": over_baseline})


def weight(kilograms):
    return told(measured={"weight_kg": kilograms})


def signs(*reported):
    return told(signs=reported)


def answers(**given):
    return told(**given)


def words(*texts, severity=None):
    return told(texts=texts, severities=[severity])


def infused(days):
    return Circumstances(days_since_infusion=days)


def before(**values):
    """The last report that asked said so, item by item; ``baseline`` that the baseline did."""
    said = {item.replace("__", "."): value for item, value in values.items()}
    return Circumstances(last_values=said)


def at_baseline(**values):
    return Circumstances(baseline_values={item.replace("__", "."): value for item, value in values.items()})


def last_composite(composite):
    return Circumstances(last_composites={"nausea": composite})


def sign_before(sign, ago, since=50):
    return Circumstances(days_since_infusion=since, recent_signs={sign: ago})


def weighed(kilograms, ago):
    return Circumstances(weights=((ago, kilograms),))


# Nobody has been infused: the control arm, a cycle not yet begun, a cycle that is planned and not confirmed.
NEVER = Circumstances()
# A weight of 100 kg at baseline makes percents of kilograms.
FROM_100_KG = Circumstances(baseline_weight=100.0)


AT_ANY_TIME = [
    Row("T1.seizure", signs("seizure"), NEVER, T1, "T1.seizure"),
    Row("T1.seizure", answers(checklist__seizure=0), infused(3), None, None),
    Row("T1.confused", signs("confused"), NEVER, T1, "T1.confused"),
    Row("T1.confused", answers(checklist__confused=0, concentration__severity=1), infused(3), None, None),
    Row("T1.hard-to-wake", signs("hard_to_wake"), infused(400), T1, "T1.hard-to-wake"),
    Row("T1.hard-to-wake", answers(checklist__hard_to_wake=0), infused(3), None, None),
    Row("T1.cannot-write-or-speak", signs("cannot_write_or_speak"), NEVER, T1, "T1.cannot-write-or-speak"),
    Row("T1.cannot-write-or-speak", answers(checklist__cannot_write_or_speak=0), infused(3), None, None),
    Row("T1.fainted", signs("fainted"), NEVER, T1, "T1.fainted"),
    Row("T1.fainted", answers(checklist__fainted=0), infused(3), None, None),
    Row("T1.breathless-at-rest", signs("breathless_at_rest"), NEVER, T1, "T1.breathless-at-rest"),
    Row("T1.breathless-at-rest", answers(breathlessness__severity=4), NEVER, T2, "T2.worst-answer"),
    Row("T1.breathless-at-rest", answers(checklist__breathless_at_rest=0), infused(3), None, None),
    Row("T1.vomited-blood", signs("vomited_blood"), NEVER, T1, "T1.vomited-blood"),
    Row("T1.vomited-blood", answers(checklist__vomited_blood=0, vomiting__frequency=1), infused(3), None, None),
    Row("T1.black-or-bloody-stool", signs("black_or_bloody_stool"), NEVER, T1, "T1.black-or-bloody-stool"),
    Row("T1.black-or-bloody-stool", answers(checklist__black_or_bloody_stool=0), infused(3), None, None),
    Row("T1.very-high-blood-pressure", pressure(180), NEVER, T1, "T1.very-high-blood-pressure"),
    Row("T1.very-high-blood-pressure", pressure(179), NEVER, T2, "T2.high-blood-pressure"),
    Row("T1.very-high-blood-pressure", pressure(None, 120), NEVER, T1, "T1.very-high-blood-pressure"),
    Row("T1.very-high-blood-pressure", pressure(None, 119), NEVER, T2, "T2.high-blood-pressure"),
    Row("T1.very-high-blood-pressure", pressure(120, 120), NEVER, T1, "T1.very-high-blood-pressure"),
    Row("T1.danger-words", words("我昨天吐血了"), NEVER, T1, "T1.danger-words"),
    Row("T1.danger-words", words("my hands tremble"), NEVER, T3, "T3.free-text"),
]

HIGH = "T1.high-blood-pressure-with-signs"
PRESSURE_WITH_SIGNS = [
    Row(HIGH, pressure(160, signs=["severe_headache"]), NEVER, T1, HIGH),
    Row(HIGH, pressure(160, signs=["vision_change"]), NEVER, T1, HIGH),
    Row(HIGH, pressure(None, 100, signs=["severe_headache"]), NEVER, T1, HIGH),
    Row(HIGH, pressure(159, 99, signs=["severe_headache"]), NEVER, T2, "T2.danger-sign"),
    Row(HIGH, pressure(159, 99, signs=["vision_change"]), NEVER, T2, "T2.danger-sign"),
    Row(HIGH, pressure(160, no=["severe_headache", "vision_change"]), NEVER, T2, "T2.high-blood-pressure"),
    Row(HIGH, pressure(160, signs=["dark_urine"]), NEVER, T2, "T2.high-blood-pressure"),
]

FEVER = "T1.fever-after-infusion"
CHILLS = "T1.chills-unmeasured-after-infusion"
MEDICINE = "T1.fever-medicine-unmeasured-after-infusion"
BOTH = "T1.chills-with-fever-medicine-after-infusion"
LOW = "T1.low-blood-pressure-after-infusion"
WITHIN_14_DAYS = [
    Row(FEVER, temperature(38.0), infused(0), T1, FEVER),
    Row(FEVER, temperature(38.0), infused(14), T1, FEVER),
    Row(FEVER, temperature(37.9), infused(14), None, None),
    Row(FEVER, temperature(38.0), infused(15), T2, "T2.fever"),
    Row(FEVER, temperature(38.0), NEVER, T2, "T2.fever"),
    # A planned day lies ahead, and one that is not over yet is no day of the past.
    Row(FEVER, temperature(38.0), infused(-1), T2, "T2.fever"),
    Row(CHILLS, signs("chills"), infused(14), T1, CHILLS),
    Row(CHILLS, signs("chills"), infused(15), T2, "T2.danger-sign"),
    Row(CHILLS, signs("chills"), NEVER, T2, "T2.danger-sign"),
    Row(CHILLS, answers(checklist__chills=0), infused(14), None, None),
    Row(CHILLS, temperature(36.8, "chills"), infused(14), T2, "T2.danger-sign"),
    Row(CHILLS, temperature(38.0, "chills"), infused(14), T1, FEVER),
    Row(MEDICINE, signs("fever_medicine"), infused(14), T1, MEDICINE),
    Row(MEDICINE, signs("fever_medicine"), infused(15), T3, "T3.danger-sign"),
    Row(MEDICINE, signs("fever_medicine"), NEVER, T3, "T3.danger-sign"),
    Row(MEDICINE, answers(checklist__fever_medicine=0), infused(14), None, None),
    Row(MEDICINE, temperature(37.9, "fever_medicine"), infused(14), T3, "T3.danger-sign"),
    Row(BOTH, temperature(36.8, "chills", "fever_medicine"), infused(14), T1, BOTH),
    Row(BOTH, temperature(36.8, "chills", "fever_medicine"), infused(15), T2, "T2.danger-sign"),
    Row(BOTH, temperature(36.8, "chills", no=["fever_medicine"]), infused(14), T2, "T2.danger-sign"),
    Row(BOTH, temperature(36.8, "fever_medicine", no=["chills"]), infused(14), T3, "T3.danger-sign"),
    Row(BOTH, temperature(36.8, "chills", "dark_urine"), infused(14), T2, "T2.danger-sign"),
    Row(LOW, pressure(89), infused(14), T1, LOW),
    Row(LOW, pressure(90), infused(14), None, None),
    Row(LOW, pressure(89), infused(15), T2, "T2.low-blood-pressure"),
    Row(LOW, pressure(89), NEVER, T2, "T2.low-blood-pressure"),
]

TWO = "T1.two-of-three-after-infusion"
WITHIN_100_DAYS = [
    Row(TWO, signs("new_rash", "diarrhea"), infused(100), T1, TWO),
    Row(TWO, signs("new_rash", "yellow_eyes"), infused(100), T1, TWO),
    Row(TWO, signs("diarrhea", "yellow_eyes"), infused(0), T1, TWO),
    Row(TWO, signs("new_rash", "diarrhea"), infused(101), T2, "T2.danger-sign"),
    Row(TWO, signs("new_rash", "diarrhea"), NEVER, T2, "T2.danger-sign"),
    Row(TWO, signs("diarrhea"), sign_before("new_rash", 7), T1, TWO),
    Row(TWO, signs("diarrhea"), sign_before("new_rash", 8), T2, "T2.danger-sign"),
    Row(TWO, signs("diarrhea"), sign_before("new_rash", 7, since=101), T3, "T3.danger-sign"),
    Row(TWO, signs("diarrhea"), sign_before("diarrhea", 1), T2, "T2.danger-sign"),
    Row(TWO, signs("dark_urine"), sign_before("new_rash", 1), T2, "T2.danger-sign"),
    Row(TWO, answers(checklist__diarrhea=0), sign_before("new_rash", 1), None, None),
]

SAME_DAY = [
    Row("T2.composite-3", answers(nausea__frequency=3, nausea__severity=3), NEVER, T2, "T2.composite-3"),
    Row("T2.composite-3", answers(nausea__frequency=3, nausea__severity=2), NEVER, T3, "T3.first-composite-2"),
    Row("T2.composite-3", answers(hand_foot__severity=3), NEVER, T2, "T2.composite-3"),
    Row("T2.composite-3", answers(hand_foot__severity=2), NEVER, T3, "T3.first-composite-2"),
    Row("T2.worst-answer", answers(fatigue__severity=4), NEVER, T2, "T2.worst-answer"),
    Row("T2.worst-answer", answers(fatigue__interference=4), NEVER, T2, "T2.worst-answer"),
    Row("T2.worst-answer", answers(fatigue__severity=3), NEVER, None, None),
    Row("T2.worst-answer", answers(nausea__frequency=4), NEVER, None, None),
    Row("T2.worst-answer", answers(hair_loss__amount=4), NEVER, T3, "T3.first-composite-2"),
    Row("T2.wants-call", told(wants_call=True), NEVER, T2, "T2.wants-call"),
    Row("T2.wants-call", told(wants_call=False), NEVER, None, None),
    Row("T2.other-symptom-worst", words("hiccups", severity=4), NEVER, T2, "T2.other-symptom-worst"),
    Row("T2.other-symptom-worst", words("hiccups", severity=3), NEVER, T3, "T3.free-text"),
    Row("T2.fever", temperature(38.0), NEVER, T2, "T2.fever"),
    Row("T2.fever", temperature(37.9), NEVER, None, None),
    Row("T2.low-blood-pressure", pressure(89), NEVER, T2, "T2.low-blood-pressure"),
    Row("T2.low-blood-pressure", pressure(90), NEVER, None, None),
    Row("T2.high-blood-pressure", pressure(160), NEVER, T2, "T2.high-blood-pressure"),
    Row("T2.high-blood-pressure", pressure(159), NEVER, T3, "T3.raised-blood-pressure"),
    Row("T2.high-blood-pressure", pressure(None, 100), NEVER, T2, "T2.high-blood-pressure"),
    Row("T2.high-blood-pressure", pressure(None, 99), NEVER, T3, "T3.raised-blood-pressure"),
    Row("T2.many-stools", stools(7), NEVER, T2, "T2.many-stools"),
    Row("T2.many-stools", stools(6), NEVER, T3, "T3.more-stools"),
    Row("T2.danger-sign", signs("yellow_eyes"), NEVER, T2, "T2.danger-sign"),
    Row("T2.danger-sign", signs("dark_urine"), NEVER, T2, "T2.danger-sign"),
    Row("T2.danger-sign", signs("swollen_belly"), NEVER, T2, "T2.danger-sign"),
    Row("T2.danger-sign", signs("severe_headache"), NEVER, T2, "T2.danger-sign"),
    Row("T2.danger-sign", signs("vision_change"), NEVER, T2, "T2.danger-sign"),
    Row("T2.danger-sign", signs("cannot_keep_fluids"), NEVER, T2, "T2.danger-sign"),
    Row("T2.danger-sign", answers(checklist__yellow_eyes=0), NEVER, None, None),
    Row("T2.danger-sign", signs("new_rash"), infused(100), T2, "T2.danger-sign"),
    Row("T2.danger-sign", signs("new_rash"), infused(101), T3, "T3.danger-sign"),
    Row("T2.danger-sign", signs("new_rash"), NEVER, T3, "T3.danger-sign"),
    Row("T2.danger-sign", signs("diarrhea"), infused(100), T2, "T2.danger-sign"),
    Row("T2.danger-sign", signs("diarrhea"), infused(101), T3, "T3.danger-sign"),
    Row("T2.danger-sign", signs("diarrhea"), NEVER, T3, "T3.danger-sign"),
    Row("T2.danger-sign", signs("new_rash", "fever_medicine"), NEVER, T2, "T2.danger-sign"),
    Row("T2.danger-sign", signs("fever_medicine"), infused(50), T3, "T3.danger-sign"),
]

FRESH = "T3.first-composite-2"
IN_THE_QUEUE = [
    Row("T3.risen-by-two", answers(fatigue__severity=2), before(fatigue__severity=0), T3, "T3.risen-by-two"),
    Row("T3.risen-by-two", answers(fatigue__severity=3), before(fatigue__severity=1), T3, "T3.risen-by-two"),
    Row("T3.risen-by-two", answers(fatigue__severity=3), before(fatigue__severity=2), None, None),
    Row("T3.risen-by-two", answers(fatigue__severity=1), before(fatigue__severity=0), None, None),
    Row("T3.risen-by-two", answers(fatigue__severity=2), at_baseline(fatigue__severity=0), T3, "T3.risen-by-two"),
    Row("T3.risen-by-two", answers(fatigue__severity=2), at_baseline(fatigue__severity=1), None, None),
    Row("T3.risen-by-two", answers(fatigue__severity=2), NEVER, None, None),
    Row(FRESH, answers(nausea__frequency=3, nausea__severity=2), last_composite(1), T3, FRESH),
    Row(FRESH, answers(nausea__frequency=3, nausea__severity=2), last_composite(None), T3, FRESH),
    Row(FRESH, answers(nausea__frequency=3, nausea__severity=2), last_composite(2), None, None),
    Row(FRESH, answers(nausea__frequency=3, nausea__severity=2), last_composite(3), None, None),
    Row(FRESH, answers(nausea__frequency=2, nausea__severity=2), last_composite(0), T3, FRESH),
    Row(FRESH, answers(nausea__frequency=1, nausea__severity=2), last_composite(0), None, None),
    Row("T3.newly-present", answers(rash__presence=1), before(rash__presence=0), T3, "T3.newly-present"),
    Row("T3.newly-present", answers(rash__presence=1), NEVER, T3, "T3.newly-present"),
    Row("T3.newly-present", answers(rash__presence=1), before(rash__presence=1), None, None),
    Row("T3.newly-present", answers(rash__presence=0), before(rash__presence=0), None, None),
    Row("T3.danger-sign", signs("fever_medicine"), NEVER, T3, "T3.danger-sign"),
    Row("T3.danger-sign", answers(checklist__fever_medicine=0), NEVER, None, None),
    Row("T3.more-stools", stools(4), NEVER, T3, "T3.more-stools"),
    Row("T3.more-stools", stools(3), NEVER, None, None),
    Row("T3.raised-blood-pressure", pressure(140), NEVER, T3, "T3.raised-blood-pressure"),
    Row("T3.raised-blood-pressure", pressure(139), NEVER, None, None),
    Row("T3.raised-blood-pressure", pressure(None, 90), NEVER, T3, "T3.raised-blood-pressure"),
    Row("T3.raised-blood-pressure", pressure(None, 89), NEVER, None, None),
    Row("T3.weight-loss", weight(95.0), FROM_100_KG, T3, "T3.weight-loss"),
    Row("T3.weight-loss", weight(95.1), FROM_100_KG, None, None),
    Row("T3.weight-loss", weight(95.0), weighed(100.0, 7), None, None),
    Row("T3.weight-gain", weight(62.0), weighed(60.0, 7), T3, "T3.weight-gain"),
    Row("T3.weight-gain", weight(62.0), weighed(60.1, 7), None, None),
    Row("T3.weight-gain", weight(62.0), weighed(60.0, 8), None, None),
    Row("T3.weight-gain", weight(62.0), Circumstances(baseline_weight=60.0), None, None),
    Row("T3.free-text", words("my hands tremble"), NEVER, T3, "T3.free-text"),
    Row("T3.free-text", words("   "), NEVER, None, None),
]

BASELINE = Circumstances(is_baseline=True)
BEFORE_TREATMENT = [
    Row("T1.seizure", signs("seizure"), BASELINE, T1, "T1.seizure"),
    Row("T2.danger-sign", signs("yellow_eyes"), BASELINE, T2, "T2.danger-sign"),
    Row("T3.free-text", words("an old pain"), BASELINE, None, None),
    Row("T3.raised-blood-pressure", pressure(145), BASELINE, None, None),
    Row("T3.newly-present", answers(rash__presence=1), BASELINE, None, None),
]

TABLE = [
    *AT_ANY_TIME,
    *PRESSURE_WITH_SIGNS,
    *WITHIN_14_DAYS,
    *WITHIN_100_DAYS,
    *SAME_DAY,
    *IN_THE_QUEUE,
    *BEFORE_TREATMENT,
]


def named(row):
    told_ = {**row.report.values, **row.report.measurements}
    said = ", ".join(f"{item} {value}" for item, value in told_.items()) or row.report.texts or "a call"
    return f"{row.about} of {said} is {row.leads or 'nothing'}"


@pytest.mark.parametrize("row", TABLE, ids=named)
def test_each_row_is_heard_by_whom_it_says(row):
    found = findings(rule_set(), row.report, row.known)

    first = found[0] if found else None
    assert (first.tier if first else None, first.rule_id if first else None) == (row.tier, row.leads)
    if row.about != row.leads:
        assert row.about not in {rule for finding in found for rule in finding.rules}


def test_every_finding_of_a_baseline_report_is_labelled_as_before_treatment():
    for row in BEFORE_TREATMENT:
        assert all(found.before_treatment for found in findings(rule_set(), row.report, row.known))


def test_every_rule_of_the_protocol_has_a_row_that_fires_it_and_one_that_just_does_not():
    rules = {rule.id for rule in rule_set().rules}

    assert {row.about for row in TABLE if row.leads == row.about} == rules
    assert {row.about for row in TABLE if row.leads != row.about} == rules
