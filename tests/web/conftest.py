"""The application as a demo runs it."""

from dataclasses import replace
from typing import Any

import pytest
from flask import Flask

from backend.app import create_app
from backend.config import Mode, Settings
from backend.db import Database, system
from backend.demo_clock import keep
from notifications.scheduler import Ticker


@pytest.fixture
def demo_app(settings: Settings, db: Database) -> Flask:
    """The application in demo mode, on a database that is a demo's."""
    with db.transaction(system("test")) as txn:
        keep(txn)
    return create_app(replace(settings, mode=Mode.DEMO), db)


@pytest.fixture
def demo(demo_app: Flask) -> Any:
    """A visitor of the demo."""
    return demo_app.test_client()


@pytest.fixture
def ticker(demo_app: Flask) -> Ticker:
    """The demo's jobs, not ticking."""
    ticker: Ticker = demo_app.extensions["followup_ticker"]
    return ticker
