"""The JSON Schema for editors: the kept copy is the code's, takes the shipped files, and sees what is wrong in one."""

import copy
import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from backend.cli.protocol import schema_text
from schemas.protocol_editor import protocol_schema
from schemas.seed_files import read_yaml
from tests.agenda.courses import SEED
from tests.promises.pages import DOCS, STALE, agrees
from tests.protocol.test_protocol_files import SECOND

VALIDATOR = Draft202012Validator(protocol_schema())


def complaints(content: Any) -> list[str]:
    """The path of each mistake."""
    return [".".join(str(step) for step in error.absolute_path) for error in VALIDATOR.iter_errors(content)]


def test_the_kept_schema_is_the_one_the_code_makes() -> None:
    assert agrees(DOCS / "protocol.schema.json", schema_text()), STALE


def test_it_is_json_schema_2020_12() -> None:
    Draft202012Validator.check_schema(json.loads(schema_text()))


@pytest.mark.parametrize("file", [SEED, SECOND], ids=lambda file: file.stem)
def test_it_takes_a_good_file(file: Any) -> None:
    assert complaints(read_yaml(file).value) == []


@pytest.mark.parametrize(
    ("path", "value", "told_at"),
    [
        (("colour",), "red", ""),
        (("agenda", 0, "colour"), "red", "agenda.0"),
        (("sites",), "three", "sites"),
        (("sites",), 0, "sites"),
        (("cells", "infusion_days"), 3, "cells.infusion_days"),
        (("cells", "confirm_after_days"), {"value": 12}, "cells.confirm_after_days"),
        (("messaging", "quiet_from"), "9pm", "messaging.quiet_from"),
        (("titles",), {"en": "A study"}, "titles"),
        (("forms",), ["safety", "safety"], "forms"),
        (("arms",), [], "arms"),
        (("arms", 0, "receives_cells"), "yes", "arms.0.receives_cells"),
        (("agenda", 0, "kind"), "phone", "agenda.0.kind"),
        (("agenda", 0, "due"), {"type": "on", "anchor": "birth", "plus_days": 0}, "agenda.0.due"),
        (("agenda", 0, "due"), {"type": "once"}, "agenda.0.due"),
        (("obligations",), {"Not a word": {"until_month": 1}}, "obligations"),
        (("obligations",), {}, "obligations"),
        (("words", "danger"), {"en": ["bleeding"]}, "words.danger"),
    ],
)
def test_it_refuses_a_bad_one_where_it_is_bad(path: tuple[Any, ...], value: Any, told_at: str) -> None:
    content = copy.deepcopy(read_yaml(SEED).value)
    place: Any = content
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value

    assert complaints(content) == [told_at]


@pytest.mark.parametrize("name", ["study", "agenda", "words", "stops"])
def test_it_misses_what_is_left_out(name: str) -> None:
    content = dict(read_yaml(SEED).value)
    del content[name]

    assert complaints(content) == [""]
