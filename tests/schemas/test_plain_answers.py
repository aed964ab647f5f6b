"""Answers that are plainly right are taken as they are; everything else is said of them as it always was."""

from typing import Any

import pytest
from marshmallow import ValidationError, fields

from schemas.reports import LONGEST_ITEM, AnswerIn, Answers

RIGHT = {"item": "nausea.severity", "value": 2}
DOUBTFUL: list[Any] = [
    RIGHT | {"value": None},
    RIGHT | {"value": True},
    RIGHT | {"value": 2.0},
    RIGHT | {"value": 2.5},
    RIGHT | {"value": "2"},
    RIGHT | {"value": 10**20},
    RIGHT | {"item": ""},
    RIGHT | {"item": "x" * LONGEST_ITEM},
    RIGHT | {"item": "x" * (LONGEST_ITEM + 1)},
    RIGHT | {"item": 7},
    RIGHT | {"more": 1},
    {"item": "nausea.severity"},
    {"value": 1},
    {},
    [],
    None,
    "nausea.severity",
]


def outcome(field: fields.Field[Any], value: Any) -> Any:
    try:
        return repr(field.deserialize(value))
    except ValidationError as refused:
        return refused.normalized_messages()


@pytest.mark.parametrize("said", DOUBTFUL, ids=repr)
def test_each_answer_is_taken_or_refused_as_its_own_shape_would(said):
    quick, thorough = Answers(fields.Nested(AnswerIn)), fields.List(fields.Nested(AnswerIn))

    assert outcome(quick, [RIGHT, said]) == outcome(thorough, [RIGHT, said])


@pytest.mark.parametrize("said", [None, {}, "answers", 7, []], ids=repr)
def test_what_is_no_list_is_refused_as_ever(said):
    quick, thorough = Answers(fields.Nested(AnswerIn)), fields.List(fields.Nested(AnswerIn))

    assert outcome(quick, said) == outcome(thorough, said)
