"""What can be undone, and who moved to which version of the protocol."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import uuid4

import sqlalchemy as sa
from alembic import op

from backend.db import Json, UTCDateTime

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

ADDED: Mapping[str, Sequence[tuple[str, Any]]] = {
    "cycle": (("day_1_agreed_on", sa.Date()), ("reversed_at", UTCDateTime()), ("reversed_by", sa.Uuid())),
    "deviation": (("reversed_at", UTCDateTime()), ("reversed_by", sa.Uuid())),
    "reversal": (("content", Json()),),
    "patient": (("protocol_moved_at", UTCDateTime()),),
    "protocol_move": (("reversed_at", UTCDateTime()), ("reversed_by", sa.Uuid())),
}
TABLES = ("voided_evidence",)
ONE_A_SITE = "uq_protocol_effect_protocol_version_id_site_id"


def upgrade() -> None:
    """Only adds: code already running does not notice."""
    for table, columns in ADDED.items():
        for name, kind in columns:
            op.add_column(table, sa.Column(name, kind, nullable=True))
    _voided_evidence()
    _effects_at_sites()


def downgrade() -> None:
    """Takes away what was added."""
    _effects_of_the_study()
    for table in TABLES:
        op.drop_table(table)
    for table, columns in ADDED.items():
        for name, _ in columns:
            op.drop_column(table, name)


def _voided_evidence() -> None:
    references = {
        "patient_id": "patient",
        "site_id": "site",
        "evidence_id": "evidence_of_life",
        "reversal_id": "reversal",
    }
    op.create_table(
        "voided_evidence",
        *(sa.Column(name, sa.Uuid(), nullable=False) for name in references),
        sa.Column("voided_at", UTCDateTime(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        *(
            sa.ForeignKeyConstraint([name], [f"{table}.id"], name=op.f(f"fk_voided_evidence_{name}"))
            for name, table in references.items()
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_voided_evidence")),
        sa.UniqueConstraint("evidence_id", name=op.f("uq_voided_evidence_evidence_id")),
    )
    for name in ("patient_id", "site_id", "reversal_id"):
        op.create_index(op.f(f"ix_voided_evidence_{name}"), "voided_evidence", [name])
    _append_only("voided_evidence")


def _append_only(table: str) -> None:
    """The database itself refuses to change or delete a row."""
    is_postgres = op.get_bind().dialect.name == "postgresql"
    for act in ("update", "delete"):
        guard = (
            "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
            if is_postgres
            else f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        )
        op.execute(f"CREATE TRIGGER {table}_no_{act} BEFORE {act.upper()} ON {table} {guard}")
    if is_postgres:
        op.execute(
            f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )


def _effects_at_sites() -> None:
    """Each site has its own day. Until now nothing wrote here, and every new patient entered the newest version."""
    with op.batch_alter_table("protocol_effect") as batch:
        batch.drop_constraint(op.f("uq_protocol_effect_protocol_version_id"), type_="unique")
        # Not demanded, because a program of before may still run; none ever wrote here.
        batch.add_column(sa.Column("site_id", sa.Uuid(), nullable=True))
        batch.add_column(sa.Column("reason_sealed", sa.Text(), nullable=True))
        batch.create_foreign_key(op.f("fk_protocol_effect_site_id"), "site", ["site_id"], ["id"])
        batch.create_unique_constraint(ONE_A_SITE, ["protocol_version_id", "site_id"])
        batch.create_index(op.f("ix_protocol_effect_site_id"), ["site_id"])
    _keep_versions_in_effect()


def _effects_of_the_study() -> None:
    op.execute("DELETE FROM protocol_effect")
    with op.batch_alter_table("protocol_effect") as batch:
        batch.drop_index(op.f("ix_protocol_effect_site_id"))
        batch.drop_constraint(ONE_A_SITE, type_="unique")
        batch.drop_constraint(op.f("fk_protocol_effect_site_id"), type_="foreignkey")
        batch.drop_column("site_id")
        batch.drop_column("reason_sealed")
        batch.create_unique_constraint(op.f("uq_protocol_effect_protocol_version_id"), ["protocol_version_id"])


def _keep_versions_in_effect() -> None:
    """What new patients entered up to now they go on entering."""
    bind = op.get_bind()
    version = sa.table(
        "protocol_version", sa.column("id", sa.Uuid()), sa.column("version"), sa.column("loaded_at", UTCDateTime())
    )
    site = sa.table("site", sa.column("id", sa.Uuid()))
    effect = sa.table(
        "protocol_effect",
        *(sa.column(name, sa.Uuid()) for name in ("id", "protocol_version_id", "site_id")),
        sa.column("effective_on", sa.Date()),
        sa.column("needs_consent", sa.Boolean()),
        sa.column("set_at", UTCDateTime()),
    )
    later = bind.execute(sa.select(version.c.id, version.c.loaded_at).where(version.c.version > 1)).all()
    sites = bind.execute(sa.select(site.c.id)).scalars().all()
    for version_id, loaded_at in later:
        for site_id in sites:
            same = {"id": uuid4(), "protocol_version_id": version_id, "site_id": site_id, "set_at": loaded_at}
            bind.execute(effect.insert().values(**same, effective_on=loaded_at.date(), needs_consent=False))
