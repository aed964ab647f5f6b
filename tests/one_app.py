"""One application for each kind of database, lent to one test after another.

Making an application takes longer than most tests do. All it keeps for itself are its database, its settings and what
it has measured, and these become each test's own; what a test hangs on it is taken off again.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from flask import Flask

from backend.api.access_log import measurements_of
from backend.config import Settings
from backend.db import Database


@dataclass(frozen=True)
class _Made:
    app: Flask
    settings: Settings
    db: Database


_made: dict[tuple[bool, Settings], _Made] = {}


@contextmanager
def on(settings: Settings, db: Database) -> Iterator[Flask]:
    """The application, speaking to this database."""
    made = _one_for(settings, db)
    made.db.__dict__ = db.__dict__
    made.settings.__dict__.update(vars(settings))
    measurements_of(made.app).__init__()  # type: ignore[misc]
    hung: dict[str, Any] = dict(made.app.extensions)
    yield made.app
    made.app.extensions = hung


def _one_for(settings: Settings, db: Database) -> _Made:
    from backend.app import create_app

    alike = (db.is_sqlite, replace(settings, database_url="", home=Path()))
    if alike not in _made:
        its_settings, its_db = replace(settings), Database.__new__(Database)
        its_db.__dict__ = db.__dict__
        _made[alike] = _Made(create_app(its_settings, its_db), its_settings, its_db)
    return _made[alike]
