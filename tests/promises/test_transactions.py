"""Only a door commits, rows are locked in one place, and nobody locks the same row in two ways."""

import ast

from tests.promises.pages import PACKAGES, python_files

# `Transaction.finish`, which doors call; and Alembic's own connection, which is no transaction of the trial's.
COMMITS = {"backend/db.py": 1, "backend/migrations/__init__.py": 1}
LOCKS_ROWS = {"notifications/outbox.py"}


def calls_of(attribute: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for name, path in python_files(*PACKAGES):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        times = sum(
            isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == attribute
            for node in ast.walk(tree)
        )
        if times:
            found[name] = times
    return found


def test_nothing_below_a_door_can_commit():
    assert calls_of("commit") == COMMITS


def test_rows_are_locked_in_the_outbox_and_nowhere_else():
    assert calls_of("with_for_update").keys() == LOCKS_ROWS
