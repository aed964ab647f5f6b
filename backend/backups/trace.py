"""What a backup and a restore leave on the audit trail: an entry about the study, because it is about all of it."""

from sqlalchemy import select

from backend import audit
from backend.db import Transaction
from backend.protocol.models import ProtocolVersion

BACKED_UP = "database.backed_up"


def leave_trace(txn: Transaction, verb: str, reason: str) -> None:
    """Note it about the newest protocol; before a study is loaded there is nothing to be traced."""
    newest = select(ProtocolVersion).order_by(ProtocolVersion.loaded_at.desc()).limit(1)
    study = txn.session.scalar(newest)
    if study is not None:
        audit.note(txn, verb, study, reason=reason)
