"""Only a door commits, rows are locked in one place, and nobody locks the same row in two ways."""

import ast

from tests.promises.pages import PACKAGES, python_files

# `Transaction.finish`, which doors call; it commits what there is of a session and a connection.
COMMITS = {"backend/db.py": 1, "backend/unit_of_work.py": 2}
# `Transaction.savepoint`. A session by itself sets one only when it is next asked, after what the connection was told.
SETS_SAVEPOINTS = {"backend/db.py": 1}
# The mailroom's messages; the head of a chain of seals; a data key that is wrapped anew; whose turn a patient is.
LOCKS_ROWS = {
    "notifications/outbox.py",
    "backend/audit_seals.py",
    "backend/key_rotation.py",
    "backend/patients/turns.py",
}


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


def test_a_savepoint_holds_for_the_connection_as_well_as_for_the_session():
    assert calls_of("begin_nested") == SETS_SAVEPOINTS


def test_rows_are_locked_where_two_must_not_pass_each_other_and_nowhere_else():
    assert calls_of("with_for_update").keys() == LOCKS_ROWS
