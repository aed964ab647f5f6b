"""Which answers are possible, and what each item without a value means."""

import pytest

from backend.errors import InvalidInput
from backend.instruments.answers import check_answers
from backend.terms import ItemState
from tests.study import instrument


def answers(**values):
    """``headache_f=2`` and the like would be shorter, but items are named as they are on the wire."""
    return [{"item": item.replace("__", "."), "value": value} for item, value in values.items()]


def complaints(given, measurements=None, name="weekly"):
    with pytest.raises(InvalidInput) as refusal:
        check_answers(instrument(name), given, measurements or {})
    return refusal.value.fields


def test_possible_answers_are_kept_in_the_order_of_the_instrument():
    checked = check_answers(
        instrument("weekly"),
        answers(rash__presence=1, nausea__severity=2, nausea__frequency=3),
        {"temperature_c": 38.4},
    )

    assert list(checked.values.items()) == [("nausea.frequency", 3), ("nausea.severity", 2), ("rash.presence", 1)]
    assert checked.measurements == {"temperature_c": 38.4}


def test_every_item_ends_in_exactly_one_state():
    checked = check_answers(instrument("weekly"), answers(headache__frequency=0, nausea__frequency=None), {})

    assert set(checked.values) | set(checked.states) == set(instrument("weekly").items)
    assert not set(checked.values) & set(checked.states)
    assert checked.states["headache.severity"] is ItemState.NOT_ASKED_BY_BRANCHING
    assert checked.states["headache.interference"] is ItemState.NOT_ASKED_BY_BRANCHING
    assert checked.states["nausea.frequency"] is ItemState.SKIPPED
    assert checked.states["nausea.severity"] is ItemState.SKIPPED
    assert checked.states["fatigue.severity"] is ItemState.SKIPPED


def test_a_symptom_that_was_only_offered_and_not_picked_was_not_reached():
    checked = check_answers(instrument("ad_hoc"), answers(nausea__frequency=2), {})

    assert checked.states["nausea.severity"] is ItemState.SKIPPED
    assert checked.states["headache.frequency"] is ItemState.NOT_REACHED
    assert checked.states["checklist.seizure"] is ItemState.SKIPPED


def test_an_answer_that_branching_hides_is_refused_with_its_name():
    wrong = complaints(answers(headache__frequency=0, headache__severity=2))

    assert list(wrong) == ["answers.1.value"]
    assert "headache.severity" in wrong["answers.1.value"][0]


def test_a_hidden_item_that_is_marked_as_skipped_is_no_contradiction():
    checked = check_answers(instrument("weekly"), answers(headache__frequency=0, headache__severity=None), {})

    assert checked.states["headache.severity"] is ItemState.NOT_ASKED_BY_BRANCHING


def test_a_later_answer_is_fine_when_the_earlier_one_was_skipped():
    checked = check_answers(instrument("weekly"), answers(headache__frequency=None, headache__severity=2), {})

    assert checked.values == {"headache.severity": 2}


@pytest.mark.parametrize("value", [-1, 5, 10**400, True, False, 3.0, 2.5, "2", "", [], {}, float("nan")])
def test_a_value_that_is_no_answer_is_refused(value):
    assert list(complaints(answers(nausea__frequency=value))) == ["answers.0.value"]


def test_yes_or_no_items_take_no_other_number():
    assert list(complaints(answers(checklist__seizure=2, rash__presence=2))) == ["answers.0.value", "answers.1.value"]


@pytest.mark.parametrize("item", ["nose.length", "", None, 5, ["nausea.frequency"], "mouth_sores.severity"])
def test_an_item_that_the_instrument_does_not_ask_is_refused(item):
    assert list(complaints([{"item": item, "value": 1}])) == ["answers.0.item"]


def test_an_item_answered_twice_is_refused_even_with_the_same_answer():
    given = [{"item": "nausea.frequency", "value": 1}, {"item": "nausea.frequency", "value": 1}]

    assert list(complaints(given)) == ["answers.1.item"]


def test_all_complaints_come_at_once():
    given = answers(nausea__frequency=9, nose__length=1, headache__frequency=0, headache__severity=1)

    wrong = complaints(given, {"temperature_c": 44, "pulse": 70})

    assert set(wrong) == {
        "answers.0.value",
        "answers.1.item",
        "answers.3.value",
        "measurements.temperature_c",
        "measurements.pulse",
    }


@pytest.mark.parametrize(
    ("name", "lowest", "below", "highest", "above"),
    [
        ("temperature_c", 34.0, 33.9, 43.0, 43.1),
        ("systolic_mmhg", 50, 49, 260, 261),
        ("diastolic_mmhg", 30, 29, 160, 161),
        ("weight_kg", 25, 24.9, 200, 200.1),
        ("stools_over_baseline", 0, -1, 30, 31),
    ],
)
def test_a_measurement_is_taken_within_its_bounds_and_refused_beyond_them_naming_the_bound(
    name, lowest, below, highest, above
):
    for possible in (lowest, highest):
        assert check_answers(instrument("safety"), [], {name: possible}).measurements == {name: possible}

    for impossible in (below, above):
        wrong = complaints([], {name: impossible}, "safety")
        assert f"{lowest:g} to {highest:g}" in wrong[f"measurements.{name}"][0]


@pytest.mark.parametrize("value", [True, "38.4", [], {}, float("nan"), float("inf"), 10**400])
def test_a_measurement_that_is_no_number_is_refused(value):
    assert list(complaints([], {"temperature_c": value})) == ["measurements.temperature_c"]


def test_a_pressure_is_a_whole_number():
    assert check_answers(instrument("weekly"), [], {"systolic_mmhg": 128.0}).measurements == {"systolic_mmhg": 128}
    assert list(complaints([], {"systolic_mmhg": 128.5})) == ["measurements.systolic_mmhg"]


def test_a_measurement_left_blank_was_not_taken():
    assert check_answers(instrument("weekly"), [], {"temperature_c": None}).measurements == {}


def test_a_measurement_nobody_asked_for_is_still_kept():
    assert check_answers(instrument("core"), [], {"temperature_c": 39.0}).measurements == {"temperature_c": 39.0}
