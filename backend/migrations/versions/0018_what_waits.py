"""Small indexes of what waits: texts nobody has looked at, and questions without an answer.

And of reports by what they answer: whether one has overtaken a survey is asked every half minute.
"""

from collections.abc import Mapping
from typing import NamedTuple

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


class _Waiting(NamedTuple):
    """Of which table, ordered how, and what of it waits."""

    table: str
    columns: tuple[str, ...]
    only: str


REPORTS = "ix_symptom_report_patient_id_agenda_key"
INDEXES: Mapping[str, _Waiting] = {
    "ix_inbound_message_not_looked_at": _Waiting(
        "inbound_message", ("received_at", "id"), "handled_at IS NULL AND handled_how IS NULL"
    ),
    "ix_message_unanswered": _Waiting("message", ("patient_id",), "asks IS NOT NULL AND answered_at IS NULL"),
}


def upgrade() -> None:
    """Only adds: code already running does not notice."""
    for name, one in INDEXES.items():
        only = sa.text(one.only)
        op.create_index(name, one.table, one.columns, sqlite_where=only, postgresql_where=only)
    op.create_index(REPORTS, "symptom_report", ("patient_id", "agenda_key"))


def downgrade() -> None:
    """Takes away what was added."""
    op.drop_index(REPORTS, "symptom_report")
    for name, one in INDEXES.items():
        op.drop_index(name, one.table)
