"""What can be said of a report before anything else of the patient is read: nothing that reading would change."""

from hypothesis import given, settings
from hypothesis import strategies as st

from backend.triage.assess import tiers_of
from backend.triage.conditions import COMPARE, compiled, is_told_alone, possible, read_condition
from backend.triage.rules import Circumstances, Told
from backend.triage.told import FACTS, Case
from tests.study import findings, instrument, rule_set
from tests.triage.reports import T1, T2, T3, told

WHOLE = instrument("four_weekly")
SIGNS = sorted(code for code, item in WHOLE.items.items() if item.is_sign)
AMONG_SIGNS = ("checklist.new_rash", "checklist.diarrhea", "checklist.yellow_eyes")
SLUGS = sorted(WHOLE.symptoms)
# So few that some conditions hold.
ITEMS = [*AMONG_SIGNS, "nausea.frequency", "nausea.severity", "itching.severity", "hair_loss.amount"]
NAMES = st.sampled_from([item for item in ITEMS if item in WHOLE.items])
MEASURED = {
    "temperature_c": st.sampled_from([36.5, 37.9, 38.0, 40.4]),
    "systolic_mmhg": st.sampled_from([80, 120, 140, 160, 180]),
    "diastolic_mmhg": st.sampled_from([60, 90, 100, 120]),
    "weight_kg": st.sampled_from([50.0, 58.0, 61.0]),
    "stools_over_baseline": st.sampled_from([0, 4, 7]),
    "stools_per_day": st.sampled_from([1, 5, 9]),
}
REPORTS = st.builds(
    Told,
    instrument=st.sampled_from([WHOLE, instrument("weekly"), instrument("ad_hoc"), instrument("baseline")]),
    # Mostly few answers, as after the first of many texts, and mostly low ones.
    values=st.dictionaries(st.sampled_from(sorted(WHOLE.items)), st.sampled_from([0, 0, 0, 1, 1, 2, 3, 4, 5])),
    measurements=st.fixed_dictionaries({}, optional=MEASURED),
    texts=st.sampled_from([(), (), (), ("my hands tremble",), ("a seizure",)]),
    other_severities=st.sampled_from([(), (), (2,), (4,)]),
    wants_call=st.sampled_from([False, False, False, True]),
)
VALUES = st.dictionaries(st.sampled_from(sorted(WHOLE.items)), st.integers(0, 4))
KNOWN = st.builds(
    Circumstances,
    days_since_infusion=st.sampled_from([None, 0, 14, 15, 100, 101, 400]),
    last_values=VALUES,
    baseline_values=VALUES,
    last_composites=st.dictionaries(st.sampled_from(SLUGS), st.sampled_from([None, 0, 1, 2, 3])),
    recent_signs=st.dictionaries(st.sampled_from([one.partition(".")[2] for one in SIGNS]), st.integers(0, 10)),
    weights=st.lists(st.tuples(st.integers(0, 10), st.floats(40, 80)), max_size=3).map(tuple),
    baseline_weight=st.sampled_from([None, 55.0, 60.0]),
    baseline_stools=st.sampled_from([None, 1, 3]),
    hours_above_40=st.sampled_from([0, 30]),
)


def in_circumstances(known, *, is_baseline):
    return Circumstances(**{**vars(known), "is_baseline": is_baseline})


@settings(deadline=None, max_examples=300)
@given(REPORTS, st.lists(KNOWN, min_size=1, max_size=4))
def test_how_urgent_a_report_is_was_possible_in_whatever_circumstances(report, circumstances):
    is_baseline = report.instrument.name == "baseline"

    possible_tiers = tiers_of(rule_set(), report, is_baseline=is_baseline)

    for known in circumstances:
        found = findings(rule_set(), report, in_circumstances(known, is_baseline=is_baseline))
        assert (found[0].tier if found else None) in possible_tiers


OPERANDS = st.one_of(
    st.builds(lambda item: {"item": item}, NAMES),
    st.builds(lambda name: {"measurement": name}, st.sampled_from(sorted(MEASURED))),
    st.builds(lambda items, days: {"together": items, "days": days}, st.permutations(AMONG_SIGNS), st.integers(0, 7)),
    st.builds(lambda fact, days: {"fact": fact, "days": days}, st.sampled_from(sorted(FACTS)), st.integers(0, 7)),
)
SIGNS_OF_ORDER = sorted(COMPARE.keys() - {"in", "not in"})
COMPARISONS = st.one_of(
    st.builds(lambda asked: {**asked, "operator": "absent"}, OPERANDS),
    st.builds(
        lambda asked, sign, value: {**asked, "operator": sign, "value": value},
        OPERANDS.filter(lambda asked: asked.get("fact") not in ("item", "attribute")),
        st.sampled_from(SIGNS_OF_ORDER),
        st.integers(0, 5) | st.integers(36, 180),
    ),
    st.builds(
        lambda asked, sign, listed: {**asked, "operator": sign, "value": listed},
        OPERANDS,
        st.sampled_from(["in", "not in"]),
        st.lists(st.integers(0, 4) | st.sampled_from(["severity", *ITEMS]), max_size=3),
    ),
)
CONDITIONS = st.recursive(
    COMPARISONS,
    lambda inner: st.builds(
        lambda group, conditions: {group: conditions},
        st.sampled_from(["all", "any"]),
        st.lists(inner, min_size=1, max_size=3),
    ),
    max_leaves=6,
).map(read_condition)


def foci(report, known):
    """Everything a rule of any scope may look at."""
    case = Case(report, known)
    return [focus for scope in ("report", "sign", "item", "symptom") for focus in case.foci[scope]]


@settings(deadline=None, max_examples=300)
@given(CONDITIONS, REPORTS, KNOWN)
def test_a_condition_that_cannot_hold_holds_in_no_circumstances(condition, report, known):
    if foci(report, Circumstances())[0].case.waits_for_a_baseline:
        return
    may_hold, holds = possible(condition), compiled(condition)

    for alone, whole in zip(foci(report, Circumstances()), foci(report, known), strict=True):
        assert may_hold(alone) or not holds(whole)
        assert not is_told_alone(condition) or holds(alone) == holds(whole)


def test_plain_answers_raise_nothing_and_nothing_need_be_known():
    report = told(measured={"temperature_c": 36.8}, fatigue__severity=1, nausea__frequency=0)

    assert tiers_of(rule_set(), report, is_baseline=False) == {None}


def test_a_fever_is_at_least_for_the_same_day_and_may_be_an_emergency():
    assert tiers_of(rule_set(), told(measured={"temperature_c": 38.2}), is_baseline=False) == {T2, T1}


def test_a_grave_sign_is_an_emergency_whatever_else_is_known():
    report = told(signs=["seizure"], measured={"temperature_c": 38.2})

    assert tiers_of(rule_set(), report, is_baseline=False) == {T1}


def test_what_may_have_risen_is_looked_up():
    assert tiers_of(rule_set(), told(fatigue__severity=2), is_baseline=False) == {None, T3}


def test_signs_that_count_together_may_have_been_there_before():
    assert T1 in tiers_of(rule_set(), told(signs=["diarrhea"]), is_baseline=False)


def test_a_number_that_the_baseline_explains_leaves_everything_possible():
    report = Told(instrument("ad_hoc"), {}, {"stools_per_day": 9})

    assert tiers_of(rule_set(), report, is_baseline=False) == {None, T1, T2, T3}
