"""How long a claim holds. Whoever holds one lets go of it; what nobody comes back for is whose who claims next."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import cast
from uuid import UUID

from sqlalchemy import Table, bindparam, or_, update

from backend import clock
from backend.db import Transaction
from backend.indexes import word
from backend.terms import MessageStatus
from notifications.models import Message

# No lease may be set longer than half of it.
LONGEST_LEASE = timedelta(hours=1)

_ROW = cast(Table, Message.__table__)
_UNTIL = _ROW.c.lease_until
# It has run out; or it would run for longer than any lease does, because the clock was set back since. Ask ``limits``.
IS_OVER = or_(bindparam("wall", type_=_UNTIL.type) > _UNTIL, bindparam("longest", type_=_UNTIL.type) < _UNTIL)
_LET_GO = (
    update(_ROW)
    .where(_ROW.c.status == word(MessageStatus.CLAIMED), _ROW.c.lease_token == bindparam("token"))
    .values(status=MessageStatus.QUEUED, lease_token=None, lease_until=None)
)


def limits() -> Mapping[str, datetime]:
    """What ``IS_OVER`` compares with, at this moment."""
    wall = clock.wall()
    return {"wall": wall, "longest": wall + LONGEST_LEASE}


def leave(txn: Transaction, token: UUID) -> None:
    """What was claimed under this token and not begun is anybody's again."""
    txn.connection.execute(_LET_GO, {"token": token})
