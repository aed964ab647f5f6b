"""What can be judged of an adverse event, how its grades run, and in which periods it emerged: plain values."""

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import NamedTuple

import pytest

from backend import partial_dates
from backend.adverse_events.emergence import Because, Facts, emergence_of
from backend.adverse_events.explaining import catalogue, explain
from backend.adverse_events.grades import Step, course_of_grades, worst_grade
from backend.adverse_events.judgement import Bounds, Judgement, complaints
from backend.event_terms import OWN_GRADES
from backend.terminology.terms import Term
from backend.terms import Language
from schemas.seed_files import read_yaml
from tests.adverse_events.sent import CRS, judged

TERM = Term(CRS, "Cytokine release syndrome", "Immune system disorders", frozenset({1, 2, 3, 4, 5}), False, "5.0")
FATIGUE = replace(TERM, name="Fatigue", grades=frozenset({1, 2, 3}))
OTHER = replace(TERM, name="Immune system disorders - Other, specify", specify=True)
NK = Bounds(date(2027, 3, 10), 1961, None, receives_cells=True, first_infusion_on=date(2027, 3, 1))
CONTROL = replace(NK, receives_cells=False, first_infusion_on=None)
DIED = replace(NK, died_on="2027-03")
FATAL = {"grade": 5, "outcome": "fatal", "serious": ("death",)}
NO_CELLS = {"relation_cells": "not_applicable", "action_cells": "not_applicable"}
GVHD = {"specify": "GVHD of the skin", "own_grading": "gvhd"}

# What is judged, the term, the patient, and the fields that are complained of.
JUDGEMENTS = [
    ({}, TERM, NK, set()),
    ({}, None, NK, {"term_code"}),
    ({"grade": 3}, FATIGUE, NK, set()),
    ({"grade": 4}, FATIGUE, NK, {"grade"}),
    ({}, OTHER, NK, {"specify"}),
    ({"specify": "GVHD"}, OTHER, NK, set()),
    ({"specify": "GVHD"}, TERM, NK, {"specify"}),
    (GVHD | {"own_grade": "II"}, OTHER, NK, set()),
    (GVHD | {"own_grade": "2"}, OTHER, NK, {"own_grade"}),
    (GVHD, OTHER, NK, {"own_grade"}),
    ({"specify": "x", "own_grade": "II"}, OTHER, NK, {"own_grading"}),
    ({"own_grading": "icans", "own_grade": "2"}, TERM, NK, {"own_grading"}),
    ({"onset_on": "2027-03"}, TERM, NK, set()),
    ({"onset_on": "2027-3"}, TERM, NK, {"onset_on"}),
    ({"onset_on": "2027-02-30", "ended_on": "soon"}, TERM, NK, {"onset_on", "ended_on"}),
    ({"onset_on": "2027-03-11"}, TERM, NK, {"onset_on"}),
    ({"onset_on": "2027-04"}, TERM, NK, {"onset_on"}),
    ({"onset_on": "1960"}, TERM, NK, {"onset_on"}),
    ({"onset_on": "1961"}, TERM, NK, set()),
    ({"onset_on": "2027-03-05", "ended_on": "2027-03-04", "outcome": "recovered"}, TERM, NK, {"ended_on"}),
    ({"onset_on": "2027-03-05", "ended_on": "2027-03", "outcome": "recovered"}, TERM, NK, set()),
    ({"onset_on": "2027-03", "ended_on": "2027-02", "outcome": "recovered"}, TERM, NK, {"ended_on"}),
    ({"ended_on": "2027-03-11", "outcome": "recovered"}, TERM, NK, {"ended_on"}),
    ({"ended_on": "2027-03-02", "outcome": "not_recovered"}, TERM, NK, {"outcome"}),
    ({"outcome": "recovered"}, TERM, NK, set()),
    ({"onset_on": "2027-03-09"}, TERM, DIED, set()),
    ({"onset_on": "2027-03-01"}, TERM, replace(NK, died_on="2027-02"), {"onset_on"}),
    (FATAL, TERM, DIED, set()),
    (FATAL | {"grade": 4}, TERM, NK, {"grade"}),
    (FATAL | {"outcome": "recovered"}, TERM, NK, {"outcome"}),
    (FATAL | {"serious": ("hospitalisation",)}, TERM, NK, {"serious"}),
    ({"grade": 5}, TERM, NK, {"outcome", "serious"}),
    ({}, TERM, CONTROL, {"relation_cells", "action_cells"}),
    (NO_CELLS, TERM, CONTROL, set()),
    (NO_CELLS, TERM, NK, {"relation_cells"}),
    (NO_CELLS, TERM, replace(NK, first_infusion_on=None), set()),
    (NO_CELLS | {"onset_on": "2027-02-27"}, TERM, NK, set()),
]


def test_what_cannot_be_is_complained_of_by_its_field_and_what_can_be_is_not():
    for changes, term, bounds, fields in JUDGEMENTS:
        judgement = Judgement(**judged(serious=()) | changes)

        assert complaints(judgement, term, bounds).keys() == fields, changes


def test_a_complaint_about_a_grade_names_those_that_exist():
    found = complaints(Judgement(**judged(grade=4, serious=())), FATIGUE, NK)

    assert found == {"grade": ["Fatigue has the grades 1, 2, 3 in CTCAE 5.0."]}


def test_a_partial_date_is_every_day_it_can_mean():
    march, year = "2027-03", "2028"

    assert (partial_dates.earliest(march), partial_dates.latest(march)) == (date(2027, 3, 1), date(2027, 3, 31))
    assert (partial_dates.earliest(year), partial_dates.latest("2028-02")) == (date(2028, 1, 1), date(2028, 2, 29))
    assert partial_dates.is_before(march, "2027-04-01")
    assert not partial_dates.is_before(march, "2027-03-31")
    assert partial_dates.may_lie_within(march, date(2027, 3, 31), date(2027, 4, 5))
    assert not partial_dates.may_lie_within(march, date(2027, 4, 1), None)
    assert not partial_dates.may_lie_within(march, date(2027, 2, 1), date(2027, 3, 1))
    assert partial_dates.lies_within(march, date(2027, 3, 1), date(2027, 4, 1))
    assert not partial_dates.lies_within(march, date(2027, 3, 2), None)
    written = (
        "2027-03-17",
        "2027-03",
        "2027",
        "0000",
        "2027-13",
        "2027-02-29",
        "27",
        "2027-3",
        "２０２７",
        "",
        "2027-03-1",
    )
    assert [partial_dates.is_partial_date(text) for text in written] == [True] * 3 + [False] * 8


class Row(NamedTuple):
    """A grade as it was recorded."""

    number: int
    grade: int
    from_on: str


# Rows, the onset, the course they come to.
COURSES = [
    ([(1, "2027-03-02")], "2027-03-02", [(1, "2027-03-02")]),
    ([(1, "2027-03-02"), (2, "2027-03-04")], "2027-03-02", [(1, "2027-03-02"), (2, "2027-03-04")]),
    ([(1, "2027-03-02"), (2, "2027-03-02")], "2027-03-02", [(2, "2027-03-02")]),
    ([(1, "2027-03-02"), (3, "2027-03-06"), (2, "2027-03-04")], "2027-03-02", [(1, "02"), (2, "04"), (3, "06")]),
    ([(1, "2027-03-02"), (2, "2027-03-04")], "2027-03-01", [(1, "2027-03-01"), (2, "2027-03-04")]),
    ([(1, "2027-03-02"), (2, "2027-03-04")], "2027-03-05", [(2, "2027-03-05")]),
    ([(1, "2027-03-02"), (2, "2027-03-04")], "2027-03-04", [(2, "2027-03-04")]),
    ([(1, "2027-03"), (2, "2027-03-04")], "2027-03", [(1, "2027-03"), (2, "2027-03-04")]),
]


def test_of_two_grades_of_one_day_the_later_one_counts_and_the_first_step_is_the_onset():
    for rows, onset_on, expected in COURSES:
        kept = [Row(number, *row) for number, row in enumerate(rows, start=1)]

        course = course_of_grades(reversed(kept), onset_on)

        whole = [(grade, on if len(on) > 2 else f"2027-03-{on}") for grade, on in expected]
        assert [(step.grade, step.from_on) for step in course] == whole
        assert worst_grade(course) == max(grade for grade, _ in expected)


FACTS = Facts(
    randomised_on=date(2027, 2, 25),
    study_ends_on=date(2029, 2, 25),
    receives_cells=True,
    first_infusion_on=date(2027, 3, 10),
    last_infusion_on=date(2027, 3, 17),
    drug_stopped_on=date(2027, 6, 1),
)
RISE = [(1, "2027-02-20"), (2, "2027-03-12")]
WINDOWS = "study", "cells", "drug"
# The course, the end, what else is different, and why each flag is as it is.
EMERGENCES = [
    ([(1, "2027-02-24")], None, {}, ("before", "before", "before")),
    ([(1, "2027-02-25")], None, {}, ("began", "before", "began")),
    ([(1, "2027-03-10")], None, {}, ("began", "began", "began")),
    ([(1, "2027-04-16")], None, {}, ("began", "began", "began")),
    ([(1, "2027-04-17")], None, {}, ("began", "after", "began")),
    ([(1, "2027-07-01")], None, {}, ("began", "after", "began")),
    ([(1, "2027-07-02")], None, {}, ("began", "after", "after")),
    ([(1, "2027-07-02")], None, {"drug_stopped_on": None}, ("began", "after", "began")),
    ([(1, "2029-02-25")], None, {}, ("began", "after", "after")),
    ([(1, "2029-02-26")], None, {}, ("after", "after", "after")),
    (RISE, None, {}, ("worsened", "worsened", "worsened")),
    ([(2, "2027-02-20"), (1, "2027-03-12")], None, {}, ("before", "before", "before")),
    ([(1, "2027-02")], None, {}, ("may_have_begun", "before", "may_have_begun")),
    ([(1, "2027-02")], "2027-02-24", {}, ("before", "before", "before")),
    ([(1, "2027")], None, {}, ("may_have_begun", "may_have_begun", "may_have_begun")),
    ([(1, "2027")], "2027-03", {}, ("may_have_begun", "may_have_begun", "may_have_begun")),
    ([(1, "2027"), (2, "2027-03-12")], None, {}, ("worsened", "worsened", "worsened")),
    ([(1, "2027-02-20"), (2, "2027-02")], None, {}, ("may_have_worsened", "before", "may_have_worsened")),
    (RISE, None, {"first_infusion_on": None, "last_infusion_on": None}, ("worsened", "never_infused", "worsened")),
    (
        RISE,
        None,
        {"first_infusion_on": None, "last_infusion_on": None, "receives_cells": False},
        ("worsened", "no_cells_in_arm", "worsened"),
    ),
]
EMERGENT = {"began", "may_have_begun", "worsened", "may_have_worsened"}


def test_an_event_emerges_where_it_begins_or_worsens_and_where_it_may_have_it_counts():
    for course, ended_on, changes, because in EMERGENCES:
        found = emergence_of(tuple(Step(*step) for step in course), ended_on, replace(FACTS, **changes))

        assert tuple(flag.because for flag in found.flags.values()) == because, (course, changes)
        assert [flag.emergent for flag in found.flags.values()] == [why in EMERGENT for why in because]


@pytest.mark.parametrize("language", list(Language))
def test_why_an_event_emerged_is_told_in_every_language_with_the_days_it_rests_on(language):
    seen = set()
    for course, ended_on, changes, because in EMERGENCES:
        found = emergence_of(tuple(Step(*step) for step in course), ended_on, replace(FACTS, **changes))
        told = explain(found.stored, language)

        seen |= set(because)
        assert all("{" not in sentence for sentence in told.values())
        assert all(catalogue(language)[period] in told[period] for period in WINDOWS)
        assert "2027-02-25" in told["study"]

    assert seen == set(Because)
    assert catalogue(language).keys() == catalogue(Language.ENGLISH).keys()


def test_the_gradings_of_our_own_are_those_of_the_study_files():
    shipped = read_yaml(Path("seeds/terminology/gradings.yaml")).value["gradings"]

    assert {one["name"]: tuple(one["allowed"]) for one in shipped} == {**OWN_GRADES}
