"""Worse is heard: within one grade, where there is no grade, and when it comes in small steps."""

from datetime import date

import pytest
from sqlalchemy import func, select

from backend.agenda import changes
from backend.db import system
from backend.patients.models import Patient
from backend.reports.replay import compare_rules
from backend.terms import Tier, Trend
from backend.triage.episodes import Level, exceeds, expected_level, is_higher, trend_between, worse_of
from backend.triage.models import StaffPage
from backend.triage.readings import Reading
from schemas.triage import CandidateOut
from tests.study import triage_content
from tests.triage.diary import NAUSEA, Diary
from tests.triage.reports import DIARRHEA, FEVER, HYPERTENSION, HYPOTENSION, WEIGHT_LOSS, found_about, told

LOW, HIGH = {"systolic_mmhg": 85, "diastolic_mmhg": 60}, {"systolic_mmhg": 181, "diastolic_mmhg": 90}
LOWER, HIGHER = {"systolic_mmhg": 50, "diastolic_mmhg": 32}, {"systolic_mmhg": 255, "diastolic_mmhg": 155}
WARM = {"temperature_c": 38.1}
TEST = system("test")


@pytest.fixture
def ann(db, clock) -> Diary:
    """Far from any infusion."""
    return Diary(db, clock)


@pytest.fixture
def treated(ann) -> Diary:
    """Two days after an infusion."""
    with ann.db.transaction(TEST) as txn:
        row = txn.session.get_one(Patient, ann.ann.id)
        changes.plan_cycle(txn, row, 1, date(2027, 2, 20))
        changes.confirm_cycle(txn, row, 1)
    return ann


def pages(ann: Diary) -> int:
    with ann.db.reading(TEST) as txn:
        return txn.session.scalar(select(func.count()).select_from(StaffPage)) or 0


def differences(ann: Diary) -> list[object]:
    return list(compare_rules(ann.db, TEST, triage_content()).differences)


EMERGENCIES = [
    (HYPOTENSION, LOW, LOWER),
    (HYPERTENSION, HIGH, HIGHER),
    (HYPERTENSION, HIGH, {**HIGH, "diastolic_mmhg": 100}),
    (FEVER, WARM, {"temperature_c": 38.9}),
]


@pytest.mark.parametrize(("term", "first", "later"), EMERGENCIES)
def test_an_acknowledged_emergency_pages_again_when_its_numbers_get_worse(treated, term, first, later):
    treated.tells("03-08 09:00", measured=first)
    treated.is_acknowledged("03-08 09:10", term)

    treated.tells("03-08 10:00", measured=later)

    worse = treated.candidate(term)
    assert (worse.tier, worse.status, worse.trend, pages(treated)) == ("T1", "proposed", "worse", 2)
    assert differences(treated) == []


@pytest.mark.parametrize(
    ("term", "first", "later"),
    [
        (HYPOTENSION, LOW, {**LOW, "systolic_mmhg": 76}),
        (HYPOTENSION, LOW, {**LOW, "systolic_mmhg": 89}),
        (HYPERTENSION, HIGH, {"systolic_mmhg": 190, "diastolic_mmhg": 99}),
        (HYPERTENSION, HIGHER, HIGH),
        (FEVER, {"temperature_c": 38.4}, {"temperature_c": 38.5}),
    ],
)
def test_an_acknowledged_emergency_stays_quiet_when_they_are_about_the_same_or_better(treated, term, first, later):
    treated.tells("03-08 09:00", measured=first)
    treated.is_acknowledged("03-08 09:10", term)

    treated.tells("03-08 10:00", measured=later)

    assert (treated.candidate(term).status, pages(treated)) == ("acknowledged", 1)


def test_small_steps_do_not_add_up_unheard(treated):
    treated.tells("03-08 09:00", measured=LOW)
    treated.is_acknowledged("03-08 09:10", HYPOTENSION)

    treated.tells("03-08 10:00", measured={**LOW, "systolic_mmhg": 79})
    between = treated.candidate(HYPOTENSION)
    treated.tells("03-08 11:00", measured={**LOW, "systolic_mmhg": 73})

    assert (between.status, between.worst["measurements"]) == ("acknowledged", {"systolic_mmhg": 79})
    assert (treated.candidate(HYPOTENSION).status, pages(treated)) == ("proposed", 2)
    assert differences(treated) == []


@pytest.mark.parametrize(("measured", "status"), [(LOWER, "proposed"), ({"systolic_mmhg": 82}, "acknowledged")])
@pytest.mark.parametrize("is_expected", [True, False])
def test_low_pressure_that_was_noted_or_expected_is_back_when_it_is_lower(ann, measured, status, is_expected):
    ann.tells("03-01 09:00", measured={"systolic_mmhg": 89})
    if is_expected:
        ann.is_expected("03-01 10:00", until="04-15", about=HYPOTENSION)
    else:
        ann.is_acknowledged("03-01 10:00", HYPOTENSION)

    ann.tells("03-02 09:00", measured=measured)

    assert (ann.candidate(HYPOTENSION).tier, ann.candidate(HYPOTENSION).status) == ("T2", status)
    assert differences(ann) == []
    # Replayed under rules that hear nothing of it, every report that alerted is missed, and no other.
    content = triage_content()
    deaf = {**content, "rules": [rule for rule in content["rules"] if rule["id"] == "T1.seizure"]}
    missed = [one for one in compare_rules(ann.db, TEST, deaf).missed if one.term_code == HYPOTENSION]
    assert len(missed) == (2 if status == "proposed" else 1)


def test_a_worse_answer_is_back_though_the_composite_is_the_same(ann):
    ann.tells("03-01 09:00", nausea__frequency=3, nausea__severity=3)
    ann.is_acknowledged("03-01 10:00")

    ann.tells("03-02 09:00", nausea__frequency=4, nausea__severity=3)
    assert ann.candidate().status == "acknowledged"
    ann.tells("03-03 09:00", nausea__frequency=3, nausea__severity=4)

    back = ann.candidate(NAUSEA)
    assert (back.status, back.trend, back.worst["composite"]) == ("proposed", "worse", 3)
    assert back.worst["answers"] == {"nausea.severity": 4}


def test_what_was_measured_is_shown_and_rows_from_before_say_nothing_of_it(ann):
    ann.tells("03-01 09:00", measured=HIGH)
    old = {"tier": "T2", "composite": None, "grade": 3}

    shown = CandidateOut(only=["worst"]).dump(ann.candidate(HYPERTENSION))

    assert shown["worst"] == {"tier": "T1", "composite": None, "grade": 3, "measurements": HIGH}
    assert Level.of_stored(old) == Level(Tier.T2, None, 3)
    assert not is_higher(pressure(255), Level.of_stored(old))


def pressure(systolic, step=10):
    return Level(Tier.T1, None, 3, {"systolic_mmhg": Reading(systolic, step)})


def test_the_worst_of_each_value_is_kept_and_comes_back_from_a_row_as_it_was():
    worst = worse_of(worse_of(pressure(85, -10), pressure(79, -10)), pressure(88, -10))

    kept = Level.of_stored(worst.stored())

    assert worst.stored()["measurements"] == {"systolic_mmhg": 79}
    assert kept.stored() == worst.stored()
    assert [is_higher(pressure(lower, -10), kept) for lower in (76, 75)] == [False, True]


def test_what_is_expected_is_what_was_measured_last():
    expected = expected_level(Tier.T2, worst=pressure(200), latest=pressure(170))

    assert [exceeds(pressure(now), expected_level(Tier.T1, pressure(200), pressure(170))) for now in (179, 180)] == [
        False,
        True,
    ]
    assert expected.readings["systolic_mmhg"].value == 170


@pytest.mark.parametrize(
    ("before", "now", "trend"),
    [(181, 255, Trend.WORSE), (255, 181, Trend.BETTER), (181, 189, Trend.SAME), (189, 181, Trend.SAME)],
)
def test_the_trend_speaks_of_values_within_one_grade(before, now, trend):
    assert trend_between(pressure(before), pressure(now)) is trend


@pytest.mark.parametrize(
    ("term", "measured", "known", "reading"),
    [
        (HYPOTENSION, {"systolic_mmhg": 80}, {}, {"systolic_mmhg": Reading(80, -10)}),
        (FEVER, {"temperature_c": 38.4}, {}, {"temperature_c": Reading(38.4, 0.5)}),
        (DIARRHEA, {"stools_over_baseline": 8}, {}, {"stools_over_baseline": Reading(8, 2)}),
        (WEIGHT_LOSS, {"weight_kg": 54.0}, {"baseline_weight": 60.0}, {"weight_loss_percent": Reading(10.0, 2)}),
    ],
)
def test_a_finding_carries_the_values_that_say_how_bad_it_is(term, measured, known, reading):
    assert found_about(term, told(measured=measured), **known).readings == reading
