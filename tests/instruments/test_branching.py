"""If an attribute is 0, no later attribute of that symptom is asked; a skipped one hides nothing."""

import pytest

from backend.instruments.branching import enable_when, is_hidden
from tests.study import instrument

OFTEN, BAD, DAILY = "headache.frequency", "headache.severity", "headache.interference"


def hidden(values):
    """Every item of the weekly questionnaire that these answers hide."""
    return {code for code, item in instrument("weekly").items.items() if is_hidden(item, values)}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, set()),
        ({OFTEN: 0}, {BAD, DAILY}),
        ({OFTEN: 1}, set()),
        ({OFTEN: 2, BAD: 0}, {DAILY}),
        ({OFTEN: 2, BAD: 1}, set()),
        ({BAD: 0}, {DAILY}),
        ({BAD: 3}, set()),
        ({DAILY: 0}, set()),
    ],
)
def test_zero_hides_the_later_attributes_of_its_own_symptom(values, expected):
    assert hidden(values) == expected


def test_a_danger_sign_hides_nothing_of_the_symptom_with_the_same_name():
    assert hidden({"checklist.chills": 0, "checklist.diarrhea": 0}) == set()


def test_the_rule_for_programs_lists_every_earlier_attribute():
    assert enable_when(instrument("weekly").items[DAILY]) == [
        {"item": OFTEN, "operator": "!=", "value": 0},
        {"item": BAD, "operator": "!=", "value": 0},
    ]


@pytest.mark.parametrize("values", [{OFTEN: f, BAD: s} for f in (None, 0, 1) for s in (None, 0, 1)])
def test_the_rule_for_programs_gives_the_same_as_ours(values):
    asked = instrument("weekly")
    known = {item: value for item, value in values.items() if value is not None}

    shown = {
        item
        for item in (OFTEN, BAD, DAILY)
        if all(known.get(condition["item"]) != condition["value"] for condition in enable_when(asked.items[item]))
    }

    assert shown == {OFTEN, BAD, DAILY} - hidden(known)
