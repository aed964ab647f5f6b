"""What may only be added to: the database itself refuses to change or delete it."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

TABLES = (
    "audit_event",
    "symptom_report",
    "evidence_of_life",
    "agenda_fact",
    "candidate_finding",
    "candidate_decision",
    "protocol_version",
    "instrument_version",
    "terminology_version",
)


def upgrade() -> None:
    """Refuse UPDATE and DELETE (and, where it exists, TRUNCATE) on each of the tables."""
    if op.get_bind().dialect.name == "postgresql":
        _guard_on_postgres()
    else:
        _guard_on_sqlite()


def downgrade() -> None:
    """Undo, for developers: a trial's database only moves forward."""
    is_postgres = op.get_bind().dialect.name == "postgresql"
    for table in TABLES:
        for act in ("update", "delete", *(["truncate"] if is_postgres else [])):
            op.execute(f"DROP TRIGGER {table}_no_{act}" + (f" ON {table}" if is_postgres else ""))
    if is_postgres:
        op.execute("DROP FUNCTION refuse_change()")


def _guard_on_postgres() -> None:
    op.execute(
        """
        CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
        END $$
        """
    )
    for table in TABLES:
        for act in ("update", "delete"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{act} BEFORE {act.upper()} ON {table} "
                "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
            )
        op.execute(
            f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )


def _guard_on_sqlite() -> None:
    for table in TABLES:
        for act in ("update", "delete"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{act} BEFORE {act.upper()} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            )
