"""What may only be added to: the database itself refuses to change or delete it."""

from alembic import op


def guard(table: str) -> None:
    """Refuse UPDATE and DELETE (and, where it exists, TRUNCATE) on a table."""
    is_postgres = op.get_bind().dialect.name == "postgresql"
    for act in ("update", "delete"):
        trigger = (
            "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
            if is_postgres
            else f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        )
        op.execute(f"CREATE TRIGGER {table}_no_{act} BEFORE {act.upper()} ON {table} {trigger}")
    if is_postgres:
        op.execute(
            f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
