"""Where a simulation happens: a database that is thrown away, with keys that nobody keeps."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from backend import demo_clock
from backend.config import Mode, Settings, SmsGateway
from backend.db import Database
from backend.migrations import upgrade
from backend.opening import open_database
from seeds.demo.home import in_a_hurry, refuse_foreign, wipe

SQLITE = "sqlite"


@contextmanager
def a_place(database: str, home: Path | None) -> Iterator[Settings]:
    """Settings of a simulation. ``database`` is ``sqlite`` or an address; without a ``home`` all of it is deleted.

    Raises ``NotADemo`` before anything is touched when the address holds something that is not a demo's.
    """
    with TemporaryDirectory(prefix="followup-simulation-", ignore_cleanup_errors=True) as folder:
        where = (home or Path(folder)).expanduser().resolve()
        where.mkdir(parents=True, exist_ok=True)
        yield _settings(database, where)


@contextmanager
def an_empty_database(settings: Settings) -> Iterator[Database]:
    """A fresh one, migrated and marked as a demo's, so that no production server ever starts on it."""
    refuse_foreign(settings)
    wipe(settings)
    db = in_a_hurry(open_database(settings))
    try:
        upgrade(db)
        with db.transaction(demo_clock.DEMO) as txn:
            demo_clock.keep(txn)
        yield db
    finally:
        db.close()


def _settings(database: str, home: Path) -> Settings:
    return Settings(
        mode=Mode.DEMO,
        home=home,
        database_url=f"sqlite:///{home / 'simulation.sqlite'}" if database == SQLITE else database,
        public_url="http://127.0.0.1:8000",
        secret_key=secrets.token_urlsafe(48),
        data_keys=(secrets.token_urlsafe(48),),
        index_key=secrets.token_urlsafe(48),
        # Nobody real is ever written to from here.
        sms_gateway=SmsGateway.SIMULATOR,
        smtp_url=None,
        tick_seconds=2.0,
        lease_seconds=90.0,
        threads=1,
        trusted_proxies=0,
        metrics_token="",
        heartbeat_url="",
    )
