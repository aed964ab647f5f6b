"""Reading seed files: only plain values, and every mistake with its line."""

from pathlib import Path

import pytest
from marshmallow import fields

from backend.errors import BadSeedFile
from schemas.base import Schema
from schemas.seed_files import read_seed_file, read_yaml


class Inner(Schema):
    name = fields.String(required=True)
    size = fields.Integer(required=True)


class Outer(Schema):
    at = fields.String(required=True)
    rows = fields.List(fields.Nested(Inner))
    by_name = fields.Dict(keys=fields.String(), values=fields.Nested(Inner))


def written(folder: Path, text: str | bytes) -> Path:
    path = folder / "some.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_times_dates_and_words_stay_text(tmp_path: Path) -> None:
    read = read_yaml(written(tmp_path, "at: 18:00\non: 2027-03-01\nno: yes\nfew: 010\nnone: null\nshare: 0.5\n"))

    assert read.value == {"at": "18:00", "on": "2027-03-01", "no": "yes", "few": "010", "none": None, "share": 0.5}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("at: x\nrows:\n  - name: a\n    size: b\n", "some.yaml:4: rows.0.size: Not a valid integer."),
        ("at: x\nrows:\n  - name: a\n", "some.yaml:3: rows.0.size: Missing data for required field."),
        ("at: x\nrows:\n  - name: a\n    size: 1\n    age: 2\n", "some.yaml:5: rows.0.age: Unknown field."),
        ("at: x\nby_name:\n  b:\n    name: 1\n    size: 1\n", "some.yaml:4: by_name.b.name: Not a valid string."),
        ("rows: []\n", "some.yaml:1: at: Missing data for required field."),
        ("at: x\nat: y\n", "some.yaml:2: at: is written twice."),
        ("- at\n", "some.yaml:1: the file must be a mapping"),
        ("", "some.yaml:1: the file must be a mapping"),
        ("at: [\n", "some.yaml:2: not readable as YAML"),
        ("at: x\nrows: &all []\nby_name: *all\n", "some.yaml:3: not readable as YAML: references"),
        ("at: !!python/name:os.system x\n", "some.yaml:1: at: has the tag"),
        ("? [a]\n: b\n", "some.yaml:1: the file: has a key that is not plain text."),
        ("at: " + "[" * 60 + "]" * 60, "is nested too deeply."),
        ("at: " + "[" * 5000, "some.yaml:1: not readable as YAML"),
        (b"at: x\nrows: \xff\n", "some.yaml:2: the file must be UTF-8."),
        (b"at: \x00\n", "some.yaml:1: not readable as YAML"),
    ],
)
def test_a_mistake_is_told_with_file_line_and_field(tmp_path: Path, text: str | bytes, told: str) -> None:
    with pytest.raises(BadSeedFile) as refusal:
        read_seed_file(written(tmp_path, text), Outer())

    assert told in str(refusal.value)


def test_a_file_that_is_not_there_is_told_by_name(tmp_path: Path) -> None:
    with pytest.raises(BadSeedFile, match=r"none\.yaml:1: the file cannot be read"):
        read_yaml(tmp_path / "none.yaml")


def test_a_byte_order_mark_is_no_mistake(tmp_path: Path) -> None:
    assert read_yaml(written(tmp_path, b"\xef\xbb\xbfat: x\n")).value == {"at": "x"}
