"""The rules never raise: what they cannot understand becomes a finding for a person."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.terms import Tier
from backend.triage.assess import assess
from backend.triage.rules import Circumstances, Told
from tests.study import findings, instrument, rule_set
from tests.triage.reports import found_about, raised, told

ANYTHING = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.integers(), max_size=2)
ITEMS = st.sampled_from(sorted(instrument("four_weekly").items)) | st.text()
MEASUREMENTS = st.sampled_from(sorted(instrument("weekly").measurements)) | st.text()
REPORTS = st.builds(
    Told,
    instrument=st.just(instrument("four_weekly")),
    values=st.dictionaries(ITEMS, st.integers(-1, 5) | ANYTHING),
    measurements=st.dictionaries(MEASUREMENTS, st.floats(0, 300) | ANYTHING),
    texts=st.lists(st.text() | st.none()).map(tuple),
    other_severities=st.lists(ANYTHING, max_size=3).map(tuple),
    wants_call=st.booleans(),
)
KNOWN = st.builds(
    Circumstances,
    days_since_infusion=st.none() | st.integers(-5, 400),
    is_baseline=st.booleans(),
    last_values=st.dictionaries(ITEMS, st.integers(0, 4) | ANYTHING),
    baseline_values=st.dictionaries(ITEMS, st.integers(0, 4) | ANYTHING),
    last_composites=st.dictionaries(st.sampled_from(["nausea", "fatigue"]), st.none() | st.integers(0, 3) | ANYTHING),
    recent_signs=st.dictionaries(st.sampled_from(["new_rash", "diarrhea", "yellow_eyes"]), st.integers(0, 20)),
    weights=st.lists(st.tuples(st.integers(0, 20), st.floats(25, 200))).map(tuple),
    baseline_weight=st.none() | st.floats(-1, 200),
)


@settings(deadline=None)
@given(REPORTS, KNOWN)
def test_whatever_a_report_holds_findings_come_back_one_a_subject(report, known):
    found = findings(rule_set(), report, known)

    assert len({finding.subject for finding in found}) == len(found)
    assert [finding.tier.rank for finding in found] == sorted(finding.tier.rank for finding in found)
    assert assess(rule_set(), report, known).findings == found


@settings(deadline=None)
@given(REPORTS, KNOWN)
def test_a_grave_sign_is_heard_whatever_stands_beside_it(report, known):
    report = replace(report, values={**report.values, "checklist.seizure": 1})

    assert findings(rule_set(), report, known)[0].tier is Tier.T1


@pytest.mark.parametrize("value", [5, -1, "3", True, None, 2.0])
def test_an_answer_nobody_understands_is_for_a_person(value):
    found = found_about("not_understood", told(nausea__frequency=value))

    assert (found.tier, found.needs_review, found.items) == (Tier.T3, True, ("nausea.frequency",))


def test_an_item_or_measurement_nobody_knows_is_for_a_person():
    report = told(measured={"pulse_bpm": 80, "temperature_c": float("nan")}, nose__length=2)

    assert found_about("not_understood", report).items == ("nose.length", "pulse_bpm", "temperature_c")


def test_what_nobody_understands_is_raised_before_treatment_too():
    assert raised(told(name="baseline", nose__length=2), is_baseline=True) == {"not_understood": Tier.T3}


def with_an_answer_beyond_the_scale():
    """An instrument whose severities go up to 6, which nobody has a grade for."""
    item = replace(instrument("weekly").items["nausea.severity"], highest=6)
    return replace(instrument("weekly"), items={**instrument("weekly").items, "nausea.severity": item})


def test_an_answer_beyond_the_scale_that_is_graded_is_for_a_person():
    report = Told(with_an_answer_beyond_the_scale(), {"nausea.frequency": 2, "nausea.severity": 5})

    assessed = assess(rule_set(), report, Circumstances())

    assert [(found.subject, found.items) for found in assessed.findings] == [("not_understood", ("nausea.severity",))]
    assert assessed.composites == {"nausea": None}


def with_measurement(**about):
    """The ad-hoc report with something more to measure, which no rule names."""
    whole = instrument("ad_hoc")
    pulse = replace(whole.measurements["systolic_mmhg"], name="pulse_bpm", **about)
    return replace(whole, measurements={**whole.measurements, "pulse_bpm": pulse})


def test_a_measurement_about_a_term_that_no_rule_names_is_for_a_person():
    report = Told(with_measurement(ctcae=("10040741",)), {}, {"pulse_bpm": 61})

    assert found_about("not_understood", report).items == ("pulse_bpm",)


def test_a_measurement_that_by_itself_is_about_no_term_is_for_nobody():
    assert raised(Told(with_measurement(ctcae=()), {}, {"pulse_bpm": 61})) == {}


def test_a_complaint_that_rules_never_look_at_is_for_a_person_and_its_absence_is_not():
    fever_alone = replace(rule_set(), rules=(), named=frozenset({"checklist.chills"}), scopes=frozenset({"report"}))
    report = told(signs=["seizure", "chills"], nausea__frequency=1, fatigue__severity=0)

    (found,) = findings(fever_alone, report, Circumstances())

    assert (found.tier, found.needs_review) == (Tier.T3, True)
    assert set(found.items) == {"checklist.seizure", "nausea.frequency"}


@pytest.mark.parametrize(("tier", "reviewed_at"), [(Tier.T1, Tier.T2), (Tier.T2, Tier.T2), (Tier.T3, Tier.T3)])
def test_a_failing_rule_is_for_a_person_and_keeps_nobody_else_from_being_heard(tier, reviewed_at, caplog):
    def fails(_focus):
        raise ZeroDivisionError("the patient said: secret")

    rules = rule_set()
    broken = replace(rules.rules[-1], id="T9.broken", tier=tier, holds=fails)
    report = told(signs=["seizure"])

    found = findings(replace(rules, rules=(broken, *rules.rules)), report, Circumstances())

    assert {(finding.subject, finding.tier, finding.needs_review) for finding in found} == {
        ("10039906", Tier.T1, False),
        ("not_understood", reviewed_at, True),
    }
    assert "secret" not in caplog.text
    assert [record.rule_id for record in caplog.records] == ["T9.broken"]
