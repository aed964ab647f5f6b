"""Composite grades against the published tables, written again by hand; measurements against CTCAE's arithmetic."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.triage.grading import (
    DIARRHEA,
    FEVER,
    HYPERTENSION,
    WEIGHT_LOSS,
    blood_pressure_grade,
    composite_grade,
    measurement_grades,
    percent_lost,
    stools_grade,
    stools_over_baseline,
    temperature_grade,
    weight_loss_grade,
)

F, S, I, A, P = "frequency", "severity", "interference", "amount", "presence"  # noqa: E741 - the tables' own letters
SHAPES = [(F,), (S,), (I,), (A,), (F, S), (F, I), (S, I), (F, S, I)]

ONE_ATTRIBUTE = [
    (F, [0, 1, 1, 2, 3]),
    (S, [0, 1, 2, 3, 3]),
    (I, [0, 1, 1, 2, 2]),
    (A, [0, 1, 1, 2, 2]),
]
TWO_ATTRIBUTES = [
    ((F, S), "1:11122 2:11222 3:11233 4:11233"),
    ((F, I), "1:11122 2:11122 3:11233 4:11233"),
    ((S, I), "1:11122 2:11223 3:12233 4:22233"),
]
THREE_ATTRIBUTES = [
    (1, "01122 11122 12223 22233 22333"),
    (2, "01122 11122 22233 22233 22333"),
    (3, "11122 11122 22233 22333 22333"),
    (4, "11122 11223 22233 22333 22333"),
]


def grade_of(attributes, *answers):
    """The composite for these answers in order; None stands for no value."""
    values = {name: answer for name, answer in zip(attributes, answers, strict=False) if answer is not None}
    return composite_grade(attributes, values)


@pytest.mark.parametrize(("attribute", "grades"), ONE_ATTRIBUTE)
def test_one_attribute_has_its_own_row(attribute, grades):
    assert [grade_of((attribute,), answer) for answer in range(5)] == grades


@pytest.mark.parametrize(("attributes", "table"), TWO_ATTRIBUTES)
def test_two_attributes_have_their_own_table(attributes, table):
    for row in table.split():
        first, _, grades = row.partition(":")
        assert [grade_of(attributes, int(first), second) for second in range(5)] == [int(grade) for grade in grades]


@pytest.mark.parametrize(("frequency", "rows"), THREE_ATTRIBUTES)
def test_three_attributes_have_a_table_for_each_frequency(frequency, rows):
    for severity, grades in enumerate(rows.split()):
        found = [grade_of((F, S, I), frequency, severity, interference) for interference in range(5)]
        assert found == [int(grade) for grade in grades]


@pytest.mark.parametrize("attributes", SHAPES)
def test_a_first_attribute_of_zero_is_zero_whatever_follows(attributes):
    for later in itertools.product((None, 0, 4), repeat=len(attributes) - 1):
        assert grade_of(attributes, 0, *later) == 0


@pytest.mark.parametrize(
    ("attributes", "answers"),
    [((F,), [None]), ((F, S), [2, None]), ((F, S), [None, 4]), ((S, I), [3, None]), ((F, S, I), [2, 3, None]),
     ((F, S, I), [2, None, 3]), ((F, S, I), [None, 0, None])],
)  # fmt: skip
def test_a_skipped_answer_leaves_no_composite(attributes, answers):
    assert grade_of(attributes, *answers) is None


@pytest.mark.parametrize(("frequency", "expected"), [(1, 0), (2, 0), (3, 1), (4, 1)])
def test_an_interference_that_a_severity_of_zero_hid_counts_as_zero(frequency, expected):
    assert grade_of((F, S, I), frequency, 0, None) == expected


def test_a_symptom_is_scored_by_what_it_asks_and_not_by_what_was_answered():
    assert composite_grade((F, S, I), {F: 3}) is None
    assert composite_grade((F,), {F: 3, S: 4, I: 4}) == 2


def test_presence_has_no_composite():
    assert [grade_of((P,), answer) for answer in (None, 0, 1)] == [None, None, None]


@given(st.sampled_from(SHAPES), st.lists(st.integers(0, 4), min_size=3, max_size=3), st.integers(0, 2))
def test_a_worse_answer_never_lowers_the_composite(attributes, answers, place):
    worse = list(answers)
    worse[place] = min(4, worse[place] + 1)

    assert grade_of(attributes, *answers) <= grade_of(attributes, *worse)


@given(st.sampled_from(SHAPES), st.lists(st.none() | st.integers(0, 4), min_size=3, max_size=3))
def test_a_composite_is_none_or_from_0_to_3(attributes, answers):
    assert grade_of(attributes, *answers) in {None, 0, 1, 2, 3}


@pytest.mark.parametrize(
    ("celsius", "grade"), [(36.6, 0), (37.9, 0), (38.0, 1), (39.0, 1), (39.1, 2), (40.0, 2), (40.1, 3), (43.0, 3)]
)
def test_fever_is_graded_by_the_temperature(celsius, grade):
    assert temperature_grade(celsius) == grade


@pytest.mark.parametrize(
    ("systolic", "diastolic", "grade"),
    [(119, 79, 0), (120, 79, 1), (119, 80, 1), (139, 89, 1), (140, 80, 2), (120, 90, 2), (159, 99, 2), (160, 60, 3),
     (100, 100, 3), (None, 95, 2), (150, None, 2), (None, None, None)],
)  # fmt: skip
def test_blood_pressure_is_graded_by_the_worse_number(systolic, diastolic, grade):
    assert blood_pressure_grade(systolic, diastolic) == grade


@pytest.mark.parametrize(
    ("kilograms", "baseline", "grade"),
    [(62.0, 62.0, 0), (58.9, 62.0, 1), (59.0, 62.0, 0), (54.1, 60.0, 1), (54.0, 60.0, 2), (48.0, 60.0, 3), (66, 60, 0),
     (60.0, None, None)],
)  # fmt: skip
def test_weight_loss_is_graded_in_percent_of_baseline(kilograms, baseline, grade):
    assert weight_loss_grade(kilograms, baseline) == grade


def test_five_percent_is_five_percent_in_spite_of_binary_fractions():
    assert percent_lost(58.9, 62.0) == 5.0


@pytest.mark.parametrize(("hours", "grade"), [(0, 3), (24, 3), (24.1, 4)])
def test_a_fever_above_40_that_lasts_more_than_a_day_is_grade_4(hours, grade):
    assert temperature_grade(40.1, hours_above_40=hours) == grade
    assert temperature_grade(40.0, hours_above_40=hours) == 2


@pytest.mark.parametrize(
    ("measured", "baseline", "over"),
    [
        ({"stools_over_baseline": 3, "stools_per_day": 9}, 2, 3),
        ({"stools_per_day": 9}, 2, 7),
        ({"stools_per_day": 1}, 2, 0),
        ({"stools_per_day": 9}, None, None),
        ({}, 2, None),
    ],
)
def test_stools_over_baseline_are_said_or_counted_from_the_patients_own_normal(measured, baseline, over):
    assert stools_over_baseline(measured, baseline) == over


@pytest.mark.parametrize(("stools", "grade"), [(0, 0), (1, 1), (3, 1), (4, 2), (6, 2), (7, 3), (30, 3)])
def test_diarrhea_is_graded_by_stools_over_baseline(stools, grade):
    assert stools_grade(stools) == grade


def test_only_what_was_measured_is_graded():
    assert measurement_grades({}, 60.0) == {}
    assert measurement_grades({"weight_kg": 50.0}, None) == {}
    assert measurement_grades({"temperature_c": 39.5, "systolic_mmhg": 165, "stools_over_baseline": 2}, None) == {
        FEVER: 2,
        HYPERTENSION: 3,
        DIARRHEA: 1,
    }
    assert measurement_grades({"weight_kg": 54.0}, 60.0) == {WEIGHT_LOSS: 2}
