"""Which terms a report asked about, and whether it said there was nothing."""

from backend.triage.assess import assess
from backend.triage.rules import Circumstances
from tests.study import rule_set
from tests.triage.reports import (
    CHILLS,
    DIARRHEA,
    FEVER,
    HYPERTENSION,
    HYPOTENSION,
    IMMUNE,
    NAUSEA,
    RASH,
    WEIGHT_GAIN,
    told,
)


def asked(report, **known):
    return assess(rule_set(), report, Circumstances(**known)).asked


def test_a_term_nobody_asked_about_says_nothing():
    assert asked(told()) == {}
    assert NAUSEA not in asked(told(checklist__chills=0))


def test_a_term_is_at_zero_when_every_answer_about_it_is():
    assert asked(told(checklist__chills=0))[CHILLS].at_zero
    assert asked(told(checklist__chills=0, chills__frequency=0))[CHILLS].at_zero
    assert not asked(told(checklist__chills=0, chills__frequency=1))[CHILLS].at_zero


def test_an_answer_that_fires_no_rule_is_still_not_zero():
    said = asked(told(nausea__frequency=1, nausea__severity=1), last_composites={"nausea": 1})[NAUSEA]

    assert (said.at_zero, said.composite) == (False, 1)


def test_a_measurement_is_at_zero_when_its_grade_is():
    assert asked(told(measured={"temperature_c": 37.9}))[FEVER].at_zero
    assert not asked(told(measured={"temperature_c": 38.0}))[FEVER].at_zero
    assert not asked(told(measured={"stools_over_baseline": 1}))[DIARRHEA].at_zero
    assert not asked(told(measured={"systolic_mmhg": 125}))[HYPERTENSION].at_zero


def test_low_pressure_and_weight_gain_are_at_zero_when_no_rule_fires():
    assert asked(told(measured={"systolic_mmhg": 90}))[HYPOTENSION].at_zero
    assert not asked(told(measured={"systolic_mmhg": 89}))[HYPOTENSION].at_zero
    assert asked(told(measured={"weight_kg": 61.0}), weights=((3, 60.0),))[WEIGHT_GAIN].at_zero


def test_a_term_that_only_rules_speak_of_is_asked_by_the_items_they_name():
    signs = {"checklist__new_rash": 0, "checklist__diarrhea": 0, "checklist__yellow_eyes": 0}

    assert asked(told(**signs))[IMMUNE].at_zero
    assert not asked(told(**{**signs, "checklist__new_rash": 1}), days_since_infusion=50)[IMMUNE].at_zero


def test_an_answer_and_a_measurement_of_one_term_must_both_be_nothing():
    assert not asked(told(checklist__new_rash=0, rash__presence=1), last_values={"rash.presence": 1})[RASH].at_zero
    assert not asked(told(checklist__diarrhea=0, measured={"stools_over_baseline": 2}))[DIARRHEA].at_zero
