"""Seed files are YAML that people edit by hand, so a mistake is answered with file, line and field.

Only what JSON can say is read: text, numbers, true, false, null, lists and mappings. ``18:00``, ``no`` and
``2027-03-01`` stay text, which plain YAML would turn into 1080, false and a date. A key is the text written.
"""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from marshmallow import Schema, ValidationError
from yaml.composer import Composer

from backend.errors import BadSeedFile

DEEPEST = 40
Path_ = tuple[str, ...]


def read_seed_file(path: Path, schema: Schema) -> dict[str, Any]:
    """The file's content as ``schema`` loads it. Raises ``BadSeedFile`` listing every mistake, one a line."""
    read = read_yaml(path)
    try:
        loaded: dict[str, Any] = schema.load(read.value)
    except ValidationError as refusal:
        raise read.complaint(_flat(refusal.messages)) from refusal
    return loaded


def read_yaml(path: Path) -> "ReadFile":
    """The file's mapping, with the line of each of its fields. Raises ``BadSeedFile``."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as failure:
        raise BadSeedFile(f"{path.name}:1: the file cannot be read: {failure.strerror}.") from failure
    except UnicodeDecodeError as failure:
        line = failure.object[: failure.start].count(b"\n") + 1
        raise BadSeedFile(f"{path.name}:{line}: the file must be UTF-8.") from failure
    reader = _Reader(path.name)
    document = reader.compose(text)
    if not isinstance(document, yaml.MappingNode):
        raise BadSeedFile(f"{path.name}:1: the file must be a mapping of fields, not a list or a single value.")
    value = reader.value(document, ())
    assert isinstance(value, dict)
    return ReadFile(path.name, value, reader.lines)


@dataclass(frozen=True)
class ReadFile:
    """What a seed file says and where it says it."""

    name: str
    value: dict[str, Any]
    lines: Mapping[Path_, int]

    def complaint(self, wrong: Mapping[Path_, list[str]]) -> BadSeedFile:
        """The error that names file, line and field of each mistake, in the order of the file."""
        placed = sorted((self._line(path), _field(self._real(path)), said) for path, said in wrong.items())
        listed = "\n".join(f"{self.name}:{line}: {field}: {' '.join(said)}" for line, field, said in placed)
        return BadSeedFile(listed, fields={field: said for _, field, said in placed})

    def _line(self, path: Path_) -> int:
        """Where the field stands, or the nearest thing around it when it is missing."""
        real = self._real(path)
        while real and real not in self.lines:
            real = real[:-1]
        return self.lines.get(real, 1)

    def _real(self, path: Path_) -> Path_:
        """The path without marshmallow's own steps: ``_schema``, and ``key``/``value`` of a mapping."""
        real: Path_ = ()
        for step in path:
            if step == "_schema" or (step in {"key", "value"} and (*real, step) not in self.lines):
                continue
            real = (*real, step)
        return real


class _Loader(Composer, yaml.CSafeLoader):
    """YAML 1.2's idea of plain values, without dates and without references.

    libyaml finds the words, six times faster than Python does. It does not put them together: of what is nested too
    deeply Python complains, and libyaml's own way ends the process.
    """

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}

    def __init__(self, text: str) -> None:
        yaml.CSafeLoader.__init__(self, text)
        Composer.__init__(self)

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """Refuse references: a seed file says everything where it stands, and cannot contain itself."""
        event = self.peek_event()
        if isinstance(event, yaml.AliasEvent):
            mark: Any = event.start_mark
            raise yaml.MarkedYAMLError(problem="references (*name) are not allowed here", problem_mark=mark)
        return super().compose_node(parent, index)


for _tag, _pattern, _first in (
    ("null", r"^(?:~|null|)$", ["~", "n", ""]),
    ("bool", r"^(?:true|false)$", ["t", "f"]),
    ("int", r"^[-+]?(?:0|[1-9][0-9]{0,17})$", list("-+0123456789")),
    ("float", r"^[-+]?(?:0|[1-9][0-9]{0,17})(?:\.[0-9]+)?(?:[eE][-+]?[0-9]{1,2})?$", list("-+0123456789")),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(_pattern), _first)


class _Reader:
    """Turns nodes into plain values and notes the line of each path."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.lines: dict[Path_, int] = {}

    def compose(self, text: str) -> yaml.Node | None:
        try:
            return yaml.compose(text, Loader=_Loader)
        except yaml.MarkedYAMLError as failure:
            line = failure.problem_mark.line + 1 if failure.problem_mark else 1
            raise BadSeedFile(f"{self.name}:{line}: not readable as YAML: {failure.problem}.") from failure
        except (yaml.YAMLError, RecursionError) as failure:
            raise BadSeedFile(f"{self.name}:1: not readable as YAML: {failure}.") from failure

    def value(self, node: yaml.Node, path: Path_) -> Any:
        self.lines[path] = node.start_mark.line + 1
        if len(path) > DEEPEST:
            raise self._refuse(node, path, "is nested too deeply.")
        if isinstance(node, yaml.MappingNode):
            return {key: self.value(child, (*path, key)) for key, child in self._entries(node, path)}
        if isinstance(node, yaml.SequenceNode):
            return [self.value(child, (*path, str(place))) for place, child in enumerate(node.value)]
        return self._scalar(node, path)

    def _entries(self, node: yaml.MappingNode, path: Path_) -> Iterator[tuple[str, yaml.Node]]:
        seen = set()
        for key, child in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise self._refuse(key, path, "has a key that is not plain text.")
            if key.value in seen:
                raise self._refuse(key, (*path, key.value), "is written twice.")
            seen.add(key.value)
            yield key.value, child

    def _scalar(self, node: yaml.Node, path: Path_) -> Any:
        kind = node.tag.rpartition(":")[2]
        if kind == "str":
            return node.value
        if kind == "null":
            return None
        if kind == "bool" and node.value in {"true", "false"}:
            return node.value == "true"
        try:
            number = {"int": int, "float": float}[kind](node.value)
        except (KeyError, ValueError) as failure:
            raise self._refuse(node, path, f"has the tag {node.tag}, which is not allowed here.") from failure
        if not math.isfinite(number):
            raise self._refuse(node, path, "must be a finite number.")
        return number

    def _refuse(self, node: yaml.Node, path: Path_, complaint: str) -> BadSeedFile:
        field = _field(path)
        return BadSeedFile(f"{self.name}:{node.start_mark.line + 1}: {field}: {complaint}", fields={field: [complaint]})


def _field(path: Path_) -> str:
    return ".".join(path) or "the file"


def _flat(messages: Any, path: Path_ = ()) -> dict[Path_, list[str]]:
    """Marshmallow's nested complaints by path."""
    if not isinstance(messages, Mapping):
        return {path: [str(said) for said in (messages if isinstance(messages, list) else [messages])]}
    flat: dict[Path_, list[str]] = {}
    for step, inner in messages.items():
        for place, said in _flat(inner, (*path, str(step))).items():
            flat.setdefault(place, []).extend(said)
    return flat
