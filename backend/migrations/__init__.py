"""The schema, step by step, and the one way to apply it."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from backend.db import Database
from backend.errors import SchemaOutOfDate


def upgrade(db: Database) -> None:
    """Bring an empty or an older database to this version's schema."""
    with db.engine.connect() as connection:
        settings = _alembic()
        settings.attributes["connection"] = connection
        command.upgrade(settings, "head")
        connection.commit()


def refuse_other_schema(db: Database) -> None:
    """Raise ``SchemaOutOfDate`` unless the database is at this version's schema."""
    with db.engine.connect() as connection:
        found = MigrationContext.configure(connection).get_current_revision()
    needed = ScriptDirectory.from_config(_alembic()).get_current_head()
    if found != needed:
        raise SchemaOutOfDate(
            f"The database is at {found or 'nothing'}, this version needs {needed}: followup db upgrade"
        )


def _alembic() -> Config:
    settings = Config()
    settings.set_main_option("script_location", str(Path(__file__).parent))
    return settings
