"""Which of a gateway's approved templates stands for which of ours, and in which order it takes the values.

A gateway of templates knows only numbers it gave out. The deployer registers our texts there and writes the numbers
down in a file, which is checked whole at start: a message that cannot be sent is found then and not at night.

    longest_parameter: 500
    templates:
      visit_reminder:
        zh-CN: {id: "100121", parameters: [date, phone]}
        en: {id: "100122", parameters: [date, phone]}
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from backend.errors import BadTemplate
from backend.terms import Language
from notifications.templates import Template

FIELDS, TOP = {"id", "parameters"}, {"longest_parameter", "templates"}
LONGEST_ID = 64


@dataclass(frozen=True)
class Mapped:
    """The provider's number for one of our texts in one language, and our placeholders in the provider's order."""

    id: str
    parameters: Sequence[str]


@dataclass(frozen=True)
class TemplateMap:
    """``longest_parameter``: how many characters the gateway takes in one value."""

    entries: Mapping[tuple[str, Language], Mapped]
    longest_parameter: int


@dataclass(frozen=True)
class _Line:
    """A complaint, and where to look."""

    number: int
    said: str


class _Wrong(Exception):
    """The file has not the shape it must have."""

    def __init__(self, node: yaml.Node, said: str) -> None:
        super().__init__(said)
        self.line = _line(node, said)


def read_template_map(file: Path, templates: Mapping[str, Template]) -> TemplateMap:
    """Read and check the file. Raises ``BadTemplate`` with every complaint, each with its line and template."""
    try:
        root = yaml.compose(file.read_text("utf-8"), Loader=yaml.SafeLoader)
    except (OSError, UnicodeDecodeError) as unread:
        raise BadTemplate(f"{file.name}: cannot be read ({type(unread).__name__}).") from unread
    except yaml.YAMLError as garbled:
        mark = getattr(garbled, "problem_mark", None)
        raise BadTemplate(f"{file.name}:{mark.line + 1 if mark else 1}: is no YAML.") from garbled
    try:
        top = _members(root, "the file", TOP)
        longest = _longest(top)
        listed = _members(_there(root, top, "templates"), "templates")
    except _Wrong as wrong:
        raise _refused(file, [wrong.line]) from wrong
    wanted = {name: template for name, template in templates.items() if template.is_text_message}
    entries: dict[tuple[str, Language], Mapped] = {}
    complaints = list(_read_all(root, listed, wanted, entries))
    if complaints:
        raise _refused(file, complaints)
    return TemplateMap(entries, longest)


def _read_all(
    root: yaml.Node | None,
    listed: Mapping[str, tuple[yaml.Node, yaml.Node]],
    wanted: Mapping[str, Template],
    entries: dict[tuple[str, Language], Mapped],
) -> Iterator[_Line]:
    """Fills ``entries`` with what is well and gives a complaint for everything else."""
    for name, (key, _) in listed.items():
        if name not in wanted:
            yield _line(key, f"{name} is no text message of ours")
    seen: dict[str, str] = {}
    for name, template in wanted.items():
        if name not in listed:
            yield _line(root, f"{name} is missing")
            continue
        for language, node, said in _languages(listed[name], name):
            mapped = said or _mapped(node, f"{name} in {language}", template)
            if isinstance(mapped, str):
                yield _line(node, mapped)
                continue
            if mapped.id in seen:
                yield _line(node, f"{name} in {language} has the id of {seen[mapped.id]}")
            seen[mapped.id] = f"{name} in {language}"
            entries[name, Language(language)] = mapped


def _languages(pair: tuple[yaml.Node, yaml.Node], name: str) -> Iterator[tuple[str, yaml.Node, str]]:
    """Each language with its entry, or with what is wrong instead of it."""
    key, node = pair
    try:
        listed = _members(node, name, {language.value for language in Language})
    except _Wrong as wrong:
        yield "any language", node, str(wrong)
        return
    for language in Language:
        if language in listed:
            yield language.value, listed[language][1], ""
        else:
            yield language.value, key, f"{name} has no entry in {language}"


def _mapped(node: yaml.Node, what: str, template: Template) -> "Mapped | str":
    """The entry, or what is wrong with it."""
    try:
        members = _members(node, what, FIELDS)
        number = _plain(_there(node, members, "id"))
        parameters = _plain(members["parameters"][1]) if "parameters" in members else []
    except _Wrong as wrong:
        return str(wrong)
    if not isinstance(number, str) or not number.isprintable() or not 0 < len(number.strip()) <= LONGEST_ID:
        return f"{what} needs an id in quotation marks, of at most {LONGEST_ID} characters"
    if not isinstance(parameters, list) or not all(isinstance(one, str) for one in parameters):
        return f"{what} needs its parameters as a list of names"
    if sorted(parameters) != sorted(template.placeholders):
        return f"{what} has the parameters {_listed(parameters)} instead of {_listed(template.placeholders)}"
    return Mapped(number.strip(), tuple(parameters))


def _longest(top: Mapping[str, tuple[yaml.Node, yaml.Node]]) -> int:
    if "longest_parameter" not in top:
        return 500
    _, node = top["longest_parameter"]
    value = _plain(node)
    if type(value) is not int or not 1 <= value <= 1000:
        raise _Wrong(node, "longest_parameter must be a number from 1 to 1000")
    return value


def _members(
    node: yaml.Node | None, what: str, allowed: set[str] | None = None
) -> dict[str, tuple[yaml.Node, yaml.Node]]:
    """The names in a mapping, each once, with the node of the name and of what stands there."""
    if not isinstance(node, yaml.MappingNode):
        raise _Wrong(node or yaml.ScalarNode("", ""), f"{what} must be names with something behind each")
    members: dict[str, tuple[yaml.Node, yaml.Node]] = {}
    for key, value in node.value:
        name = str(key.value)
        if name in members:
            raise _Wrong(key, f"{what} has {name} twice")
        if allowed is not None and name not in allowed:
            raise _Wrong(key, f"{what} has {name}, which means nothing here")
        members[name] = (key, value)
    return members


def _there(node: yaml.Node | None, members: Mapping[str, tuple[yaml.Node, yaml.Node]], name: str) -> yaml.Node:
    if name not in members:
        raise _Wrong(node or yaml.ScalarNode("", ""), f"{name} is missing")
    return members[name][1]


def _plain(node: yaml.Node) -> Any:
    """What YAML makes of it, with nothing but its own plain kinds."""
    loader = yaml.SafeLoader("")
    try:
        return loader.construct_object(node, deep=True)
    except yaml.YAMLError as wrong:
        raise _Wrong(node, "is of a kind that means nothing here") from wrong
    finally:
        loader.dispose()


def _line(node: yaml.Node | None, said: str) -> _Line:
    return _Line(node.start_mark.line + 1 if node is not None and node.start_mark else 1, said)


def _refused(file: Path, complaints: Sequence[_Line]) -> BadTemplate:
    ordered = sorted(complaints, key=lambda line: line.number)
    return BadTemplate("; ".join(f"{file.name}:{line.number}: {line.said}" for line in ordered) + ".")


def _listed(names: Any) -> str:
    return ", ".join(sorted(names)) or "none"
