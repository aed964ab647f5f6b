"""What keeps the code readable and the clock honest, wherever it is written."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import DateTime

from backend.db import UTCDateTime
from backend.tables import metadata
from tests.promises.pages import PACKAGES, kept_files, python_files

LONGEST_FILE = 400
# What is done, without the signature and the docstring: those are read once, this is held in mind.
LONGEST_BODY = 30
# A migration is a list of what is made, in order; cutting it up would hide that order.
LISTS = "backend/migrations/versions/"
# These speak to a person at a terminal.
AT_A_TERMINAL = ("do.py",)
THE_CLOCK = "backend/clock.py"
OTHER_CLOCKS = {("datetime", "now"), ("datetime", "utcnow"), ("datetime", "today"), ("date", "today"), ("time", "time")}
LATER = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b")
WRITTEN = {".py", ".md", ".yaml", ".toml", ".html", ".css", ".js", ".txt", ".sh"}


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    return (function.end_lineno or 0) - body[0].lineno + 1 if body else 0


def calls(path: Path) -> Iterator[ast.Call]:
    return (node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call))


def test_no_file_is_longer_than_one_can_keep_in_mind():
    longer = {name: len(path.read_text(encoding="utf-8").splitlines()) for name, path in python_files()}

    assert {name: lines for name, lines in longer.items() if lines > LONGEST_FILE} == {}


def test_no_function_is_longer_than_one_can_keep_in_mind():
    longer = {
        f"{name}:{function.lineno} {function.name}": body_lines(function)
        for name, path in python_files()
        if not name.startswith(LISTS)
        for function in functions(path)
    }

    assert {where: lines for where, lines in longer.items() if lines > LONGEST_BODY} == {}


def test_only_what_speaks_at_a_terminal_prints():
    printing = [
        f"{name}:{call.lineno}"
        for name, path in python_files(*PACKAGES, "do.py")
        if name not in AT_A_TERMINAL
        for call in calls(path)
        if isinstance(call.func, ast.Name) and call.func.id == "print"
    ]

    assert printing == []


def test_there_is_one_clock():
    asked = [
        f"{name}:{call.lineno}"
        for name, path in python_files(*PACKAGES)
        if name != THE_CLOCK
        for call in calls(path)
        if isinstance(call.func, ast.Attribute)
        and isinstance(call.func.value, ast.Name)
        and (call.func.value.id, call.func.attr) in OTHER_CLOCKS
    ]

    assert asked == []


def test_every_instant_that_is_stored_knows_its_offset():
    naive = [
        f"{table.name}.{column.name}"
        for table in metadata.sorted_tables
        for column in table.columns
        if isinstance(column.type, DateTime) and not isinstance(column.type, UTCDateTime)
    ]

    assert naive == []


@pytest.mark.parametrize("package", PACKAGES)
def test_every_module_says_what_it_is_for(package: str):
    silent = [
        name
        for name, path in python_files(package)
        if (tree := ast.parse(path.read_text(encoding="utf-8"))).body and ast.get_docstring(tree) is None
    ]

    assert silent == []


def test_nothing_is_left_for_later_in_a_comment():
    left = [
        f"{path.name}:{number}"
        for path in kept_files()
        if path.suffix in WRITTEN
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if LATER.search(line)
    ]

    assert left == []
