"""The database that the settings name, and whether it is fit to be worked on."""

from backend import demo_clock, tables  # noqa: F401 - what one table refers to must be known, whoever asks
from backend.config import Mode, Settings
from backend.db import Database, system
from backend.errors import BadSettings
from backend.migrations import refuse_other_schema
from backend.sealing import Keyring, refuse_wrong_keys


def open_database(settings: Settings) -> Database:
    """The database the settings name, with the keys they hold."""
    keyring = Keyring(settings.data_keys, settings.index_key, settings.secret_key)
    # The ticking threads of one process need connections beside those that answer requests.
    # Nothing of a demo is worth waiting for the disk: it lives through months in seconds, and is made anew each time.
    return Database(
        settings.database_url, keyring, threads=settings.threads * 2, outlives_power_cuts=settings.mode is not Mode.DEMO
    )


def refuse_unfit(db: Database, settings: Settings | None = None) -> None:
    """Raise rather than work on a database that is not ours to work on.

    ``SchemaOutOfDate`` and ``WrongDataKey`` for any command; ``BadSettings``, for whoever gives the ``settings``
    it is about to serve with, when a demo's database is to be used in production.
    """
    refuse_other_schema(db)
    if settings is not None and settings.mode is Mode.PRODUCTION and demo_clock.is_demo(db):
        raise BadSettings(fields={"FOLLOWUP_DATABASE_URL": ["Is a demo's; production must start from an empty one."]})
    with db.reading(system("start")) as txn:
        refuse_wrong_keys(txn)
