"""What is worse is never heard later: raising an answer or a measurement never makes a report less urgent."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from backend.triage.rules import Circumstances, Told
from tests.study import findings, instrument, rule_set

WEEKLY = instrument("four_weekly")
SIGNS = sorted(code for code, item in WEEKLY.items.items() if item.is_sign)
# A value against a lower one, never against none: within 14 days chills unmeasured are worse than measured.
MEASURED = {
    "temperature_c": st.sampled_from([36.5, 37.9, 38.0, 38.1, 39.0, 41.0]),
    "systolic_mmhg": st.sampled_from([90, 120, 139, 140, 159, 160, 179, 180, 220]),
    "diastolic_mmhg": st.sampled_from([60, 89, 90, 99, 100, 119, 120, 140]),
    "stools_over_baseline": st.sampled_from([0, 3, 4, 6, 7, 12]),
}
ANSWERS = st.fixed_dictionaries(
    {}, optional={code: st.integers(0, item.highest) for code, item in WEEKLY.items.items()}
).map(dict)
REPORTS = st.builds(
    Told,
    instrument=st.just(WEEKLY),
    values=ANSWERS,
    measurements=st.fixed_dictionaries({}, optional=MEASURED),
    texts=st.sampled_from([(), ("my hands tremble",)]),
    wants_call=st.booleans(),
)
KNOWN = st.builds(
    Circumstances,
    days_since_infusion=st.sampled_from([None, 0, 14, 15, 100, 101, 400]),
    is_baseline=st.booleans(),
    last_values=st.dictionaries(st.sampled_from(sorted(WEEKLY.items)), st.integers(0, 4), max_size=8),
    recent_signs=st.dictionaries(st.sampled_from(["new_rash", "diarrhea", "yellow_eyes"]), st.integers(0, 10)),
    baseline_weight=st.sampled_from([None, 60.0, 100.0]),
)


def urgency(report, known):
    """4 for an emergency down to 0 for nothing at all."""
    found = findings(rule_set(), report, known)
    return 4 - found[0].tier.rank if found else 0


@settings(deadline=None, max_examples=150)
@given(REPORTS, KNOWN, st.sampled_from(sorted(MEASURED)), st.data())
def test_raising_a_measurement_never_lowers_the_tier(report, known, name, data):
    low, high = sorted((data.draw(MEASURED[name]), data.draw(MEASURED[name])))
    lower = replace(report, measurements={**report.measurements, name: low})
    higher = replace(report, measurements={**report.measurements, name: high})

    assert urgency(higher, known) >= urgency(lower, known)


@settings(deadline=None, max_examples=150)
@given(REPORTS, KNOWN, st.sampled_from(SIGNS))
def test_one_danger_sign_more_never_lowers_the_tier(report, known, sign):
    without = replace(report, values={**report.values, sign: 0})
    with_it = replace(report, values={**report.values, sign: 1})

    assert urgency(with_it, known) >= urgency(without, known)


@settings(deadline=None, max_examples=150)
@given(REPORTS, KNOWN, st.sampled_from(["fatigue.severity", "hand_foot.severity", "itching.severity"]), st.data())
def test_a_worse_severity_never_lowers_the_tier(report, known, item, data):
    low, high = sorted((data.draw(st.integers(1, 4)), data.draw(st.integers(1, 4))))
    lower = replace(report, values={**report.values, item: low})
    higher = replace(report, values={**report.values, item: high})
    known = replace(known, last_composites={}, baseline_values=known.last_values)

    assert urgency(higher, known) >= urgency(lower, known)


@settings(deadline=None, max_examples=100)
@given(REPORTS, KNOWN)
def test_the_day_of_an_infusion_is_never_calmer_than_no_infusion_at_all(report, known):
    never, today = replace(known, days_since_infusion=None), replace(known, days_since_infusion=0)

    assert urgency(report, today) >= urgency(report, never)


@settings(deadline=None, max_examples=100)
@given(REPORTS, KNOWN)
def test_asking_for_a_call_is_heard_the_same_day_or_sooner(report, known):
    assert urgency(replace(report, wants_call=True), known) >= 2


@settings(deadline=None, max_examples=100)
@given(REPORTS, KNOWN, st.floats(1.0, 60.0))
def test_losing_more_weight_never_lowers_the_tier(report, known, lost):
    known = replace(known, baseline_weight=100.0, weights=())
    lighter = replace(report, measurements={**report.measurements, "weight_kg": 100.0 - lost})
    as_before = replace(report, measurements={**report.measurements, "weight_kg": 100.0})

    assert urgency(lighter, known) >= urgency(as_before, known)
