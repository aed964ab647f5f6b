"""Every rule of the plan, a row each, and both sides of every boundary."""

import pytest

from tests.study import rule_set
from tests.triage.reports import (
    ASCITES,
    BILIRUBIN,
    BLEEDING,
    CHILLS,
    DEHYDRATION,
    DIARRHEA,
    DYSPNEA,
    FATIGUE,
    FEVER,
    HEADACHE,
    HYPERTENSION,
    HYPOTENSION,
    IMMUNE,
    NAUSEA,
    RASH,
    SYNCOPE,
    T1,
    T2,
    T3,
    URINE,
    VISION,
    WEIGHT_GAIN,
    WEIGHT_LOSS,
    found_about,
    raised,
    told,
)

AFTER = {"days_since_infusion": 3}


@pytest.mark.parametrize(
    ("sign", "term"),
    [
        ("seizure", "10039906"),
        ("confused", "10010300"),
        ("hard_to_wake", "10012373"),
        ("cannot_write_or_speak", "10013951"),
        ("fainted", SYNCOPE),
        ("breathless_at_rest", DYSPNEA),
        ("vomited_blood", BLEEDING),
        ("black_or_bloody_stool", BLEEDING),
    ],
)
@pytest.mark.parametrize("days", [None, 0, 400])
def test_a_grave_sign_is_an_emergency_at_any_time(sign, term, days):
    assert raised(told(signs=[sign]), days_since_infusion=days) == {term: T1}


@pytest.mark.parametrize(
    ("measured", "tier"),
    [
        ({"systolic_mmhg": 180}, T1),
        ({"systolic_mmhg": 179}, T2),
        ({"diastolic_mmhg": 120}, T1),
        ({"diastolic_mmhg": 119}, T2),
        ({"systolic_mmhg": 160}, T2),
        ({"systolic_mmhg": 159}, T3),
        ({"diastolic_mmhg": 100}, T2),
        ({"diastolic_mmhg": 99}, T3),
        ({"systolic_mmhg": 140}, T3),
        ({"systolic_mmhg": 139}, None),
        ({"diastolic_mmhg": 90}, T3),
        ({"diastolic_mmhg": 89}, None),
        ({"systolic_mmhg": 120, "diastolic_mmhg": 120}, T1),
    ],
)
def test_high_blood_pressure_by_itself(measured, tier):
    assert raised(told(measured=measured)).get(HYPERTENSION) == tier


@pytest.mark.parametrize(
    ("measured", "tier"),
    [
        ({"systolic_mmhg": 160}, T1),
        ({"systolic_mmhg": 159}, T3),
        ({"diastolic_mmhg": 100}, T1),
        ({"diastolic_mmhg": 99}, T3),
    ],
)
@pytest.mark.parametrize(("sign", "term"), [("severe_headache", HEADACHE), ("vision_change", VISION)])
def test_high_blood_pressure_with_a_headache_or_changed_sight(measured, tier, sign, term):
    assert raised(told(signs=[sign], measured=measured)) == {HYPERTENSION: tier, term: T2}


@pytest.mark.parametrize("text", ["I am BLEEDING", "我昨天吐血了", "can’t breathe"])
def test_danger_words_in_any_text_are_an_emergency(text):
    assert raised(told(texts=["hands tremble", text])) == {"words": T1}


@pytest.mark.parametrize(
    ("days", "celsius", "tier"),
    [
        (0, 38.0, T1),
        (14, 38.0, T1),
        (15, 38.0, T2),
        (14, 37.9, None),
        (None, 38.0, T2),
        (None, 37.9, None),
        (14, 41.0, T1),
    ],
)
def test_fever_after_an_infusion_and_otherwise(days, celsius, tier):
    found = raised(told(measured={"temperature_c": celsius}), days_since_infusion=days)

    assert found.get(FEVER) == tier


@pytest.mark.parametrize(("days", "tier"), [(0, T1), (14, T1), (15, T2), (None, T2)])
def test_chills_with_no_temperature(days, tier):
    assert raised(told(signs=["chills"]), days_since_infusion=days) == {CHILLS: tier}


def test_chills_with_a_normal_temperature_are_looked_at_the_same_day():
    assert raised(told(signs=["chills"], measured={"temperature_c": 36.8}), **AFTER) == {CHILLS: T2}


@pytest.mark.parametrize(("days", "tier"), [(14, T1), (15, T3), (None, T3)])
def test_fever_medicine_with_no_temperature(days, tier):
    assert raised(told(signs=["fever_medicine"]), days_since_infusion=days) == {FEVER: tier}


def test_fever_medicine_alone_with_a_normal_temperature_waits_in_the_queue():
    assert raised(told(signs=["fever_medicine"], measured={"temperature_c": 36.8}), **AFTER) == {FEVER: T3}


@pytest.mark.parametrize(("days", "tier"), [(14, T1), (15, T2), (None, T2)])
def test_chills_with_fever_medicine_in_spite_of_a_normal_temperature(days, tier):
    report = told(signs=["chills", "fever_medicine"], measured={"temperature_c": 36.8})

    assert raised(report, days_since_infusion=days) == {FEVER: tier, CHILLS: T2}


@pytest.mark.parametrize(
    ("days", "systolic", "tier"), [(0, 89, T1), (14, 89, T1), (15, 89, T2), (None, 89, T2), (14, 90, None)]
)
def test_low_blood_pressure_after_an_infusion_and_otherwise(days, systolic, tier):
    found = raised(told(measured={"systolic_mmhg": systolic}), days_since_infusion=days)

    assert found.get(HYPOTENSION) == tier


@pytest.mark.parametrize("pair", [("new_rash", "diarrhea"), ("new_rash", "yellow_eyes"), ("diarrhea", "yellow_eyes")])
@pytest.mark.parametrize(("days", "tier"), [(1, T1), (100, T1), (101, None), (None, None)])
def test_two_of_three_in_one_report(pair, days, tier):
    assert raised(told(signs=pair), days_since_infusion=days).get(IMMUNE) == tier


@pytest.mark.parametrize(("ago", "tier"), [(0, T1), (1, T1), (7, T1), (8, None)])
def test_two_of_three_in_two_reports_at_most_seven_days_apart(ago, tier):
    found = raised(told(signs=["diarrhea"]), days_since_infusion=50, recent_signs={"new_rash": ago})

    assert found.get(IMMUNE) == tier


def test_the_same_sign_twice_is_not_two_of_three():
    found = raised(told(signs=["diarrhea"]), days_since_infusion=50, recent_signs={"diarrhea": 1})

    assert IMMUNE not in found


def test_two_signs_of_earlier_reports_do_not_make_an_emergency_of_a_report_without_any():
    report = told(checklist__diarrhea=0, checklist__new_rash=0)

    assert raised(report, days_since_infusion=50, recent_signs={"diarrhea": 1, "new_rash": 2}) == {}


@pytest.mark.parametrize(
    ("sign", "term", "within", "after", "never"),
    [
        ("new_rash", RASH, T2, T3, T3),
        ("diarrhea", DIARRHEA, T2, T3, T3),
        ("yellow_eyes", BILIRUBIN, T2, T2, T2),
        ("dark_urine", URINE, T2, T2, T2),
        ("swollen_belly", ASCITES, T2, T2, T2),
        ("severe_headache", HEADACHE, T2, T2, T2),
        ("vision_change", VISION, T2, T2, T2),
        ("cannot_keep_fluids", DEHYDRATION, T2, T2, T2),
    ],
)
def test_every_other_danger_sign_alone(sign, term, within, after, never):
    assert raised(told(signs=[sign]), days_since_infusion=100) == {term: within}
    assert raised(told(signs=[sign]), days_since_infusion=101) == {term: after}
    assert raised(told(signs=[sign])) == {term: never}


def test_a_rash_or_fever_medicine_beside_another_sign_is_not_alone():
    assert raised(told(signs=["new_rash", "dark_urine"])) == {RASH: T2, URINE: T2}
    assert raised(told(signs=["new_rash", "diarrhea"])) == {RASH: T2, DIARRHEA: T2}
    assert raised(told(signs=["fever_medicine", "dark_urine"])) == {FEVER: T2, URINE: T2}


def test_composite_three_is_looked_at_the_same_day():
    report = told(nausea__frequency=3, nausea__severity=3)

    assert raised(report) == {NAUSEA: T2}
    assert found_about(NAUSEA, report).composite == 3


@pytest.mark.parametrize("item", ["fatigue__severity", "fatigue__interference"])
def test_a_severity_or_interference_of_four_is_looked_at_the_same_day(item):
    assert raised(told(**{item: 4})) == {FATIGUE: T2}


@pytest.mark.parametrize("item", ["nausea__frequency", "hair_loss__amount"])
def test_a_frequency_or_amount_of_four_by_itself_is_not(item):
    assert T2 not in raised(told(**{item: 4})).values()


@pytest.mark.parametrize(("stools", "tier"), [(3, None), (4, T3), (6, T3), (7, T2)])
def test_stools_over_baseline(stools, tier):
    assert raised(told(measured={"stools_over_baseline": stools})).get(DIARRHEA) == tier


def test_who_wants_a_call_is_called_the_same_day():
    assert raised(told(wants_call=True)) == {"words": T2}


@pytest.mark.parametrize(("severity", "tier"), [(4, T2), (3, T3), (None, T3)])
def test_free_text_waits_in_the_queue_unless_its_own_severity_is_four(severity, tier):
    assert raised(told(texts=["手抖"], severities=[severity])) == {"words": tier}


@pytest.mark.parametrize(
    ("last", "baseline", "now", "tier"),
    [
        (0, None, 2, T3),
        (1, None, 2, None),
        (1, None, 3, T3),
        (None, 0, 2, T3),
        (2, 0, 2, T3),
        (0, 2, 2, T3),
        (None, None, 2, None),
    ],
)
def test_a_rise_by_two_on_the_last_report_or_on_baseline(last, baseline, now, tier):
    item = "fatigue.severity"
    found = raised(
        told(fatigue__severity=now),
        last_values={} if last is None else {item: last},
        baseline_values={} if baseline is None else {item: baseline},
    )

    assert found.get(FATIGUE) == tier


@pytest.mark.parametrize(
    ("last", "tier"),
    [({}, T3), ({"nausea": None}, T3), ({"nausea": 1}, T3), ({"nausea": 2}, None), ({"nausea": 3}, None)],
)
def test_a_composite_of_two_is_told_the_first_time(last, tier):
    assert raised(told(nausea__frequency=3, nausea__severity=2), last_composites=last).get(NAUSEA) == tier


@pytest.mark.parametrize(("last", "tier"), [({}, T3), ({"rash.presence": 0}, T3), ({"rash.presence": 1}, None)])
def test_a_yes_to_a_presence_question_is_told_when_it_is_new(last, tier):
    assert raised(told(rash__presence=1), last_values=last).get(RASH) == tier


@pytest.mark.parametrize(("kilograms", "tier"), [(57.1, None), (57.0, T3), (40.0, T3)])
def test_weight_lost_since_baseline(kilograms, tier):
    assert raised(told(measured={"weight_kg": kilograms}), baseline_weight=60.0).get(WEIGHT_LOSS) == tier


@pytest.mark.parametrize(
    ("weights", "tier"),
    [(((7, 60.0),), T3), (((8, 60.0),), None), (((3, 60.1),), None), (((1, 62.0), (6, 60.0)), T3), ((), None)],
)
def test_weight_gained_within_seven_days(weights, tier):
    assert raised(told(measured={"weight_kg": 62.0}), weights=weights).get(WEIGHT_GAIN) == tier


def test_a_quiet_report_raises_nothing():
    report = told(
        name="weekly",
        measured={"temperature_c": 36.6, "systolic_mmhg": 118, "diastolic_mmhg": 76, "weight_kg": 61},
        checklist__seizure=0,
        nausea__frequency=1,
        nausea__severity=1,
    )

    assert raised(report, days_since_infusion=2, baseline_weight=61.0) == {}


def test_a_baseline_report_raises_emergencies_and_same_day_findings_only_and_says_before_treatment():
    report = told(
        name="baseline", signs=["yellow_eyes"], texts=["old pain"], measured={"systolic_mmhg": 145}, rash__presence=1
    )

    assert raised(report, is_baseline=True) == {BILIRUBIN: T2}
    assert found_about(BILIRUBIN, report, is_baseline=True).before_treatment


def test_one_term_makes_one_finding_at_the_most_urgent_tier_with_all_that_speaks_for_it():
    found = found_about(
        DIARRHEA,
        told(signs=["diarrhea"], measured={"stools_over_baseline": 8}, diarrhea__frequency=4),
        days_since_infusion=20,
    )

    assert found.tier is T2
    assert (found.composite, found.grade) == (3, 3)
    assert set(found.items) == {"diarrhea.frequency", "stools_over_baseline", "checklist.diarrhea"}
    assert {"T2.composite-3", "T2.many-stools", "T2.danger-sign"} <= set(found.rules)


def test_words_and_the_wish_for_a_call_make_one_finding():
    report = told(texts=["手抖", "  ", "吐血"], wants_call=True)

    assert raised(report) == {"words": T1}
    assert found_about("words", report).items == ("text:0", "text:2", "wants_call")


def test_the_most_urgent_finding_comes_first():
    found = list(raised(told(texts=["x"], signs=["dark_urine", "seizure"])).values())

    assert found == [T1, T2, T3]


def test_every_rule_of_the_file_can_fire():
    reports = [
        (told(signs=[sign]), AFTER)
        for sign in ("seizure", "confused", "hard_to_wake", "cannot_write_or_speak", "fainted", "breathless_at_rest")
    ]
    reports += [
        (told(signs=["vomited_blood", "black_or_bloody_stool", "chills", "fever_medicine"]), AFTER),
        (told(signs=["severe_headache", "new_rash", "diarrhea"], measured={"systolic_mmhg": 185}), AFTER),
        (told(texts=["昏迷"], severities=[4], wants_call=True, measured={"systolic_mmhg": 80}), AFTER),
        (told(measured={"temperature_c": 38.5, "stools_over_baseline": 7}), AFTER),
        (told(nausea__frequency=4, nausea__severity=4), {"last_values": {"nausea.severity": 0}}),
        (told(headache__frequency=3, headache__severity=1, headache__interference=3, rash__presence=1), AFTER),
        (told(measured={"weight_kg": 55.0}), {"baseline_weight": 60.0, "weights": ((7, 52.0),)}),
    ]

    fired = {
        rule
        for report, known in reports
        for subject in raised(report, **known)
        for rule in found_about(subject, report, **known).rules
    }

    assert fired == {rule.id for rule in rule_set().rules}
