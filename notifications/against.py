"""What stands against numbers, in one look: a STOP that holds, or that nothing arrives there."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from sqlalchemy import false, literal, select, union_all

from backend.among import among
from backend.db import Transaction
from backend.sealing import keyring_of
from notifications.models import NumberStop, OptOut
from notifications.numbers import BY_WORD, OF_NO_USE
from notifications.opt_outs import OPTED_OUT


class Against(NamedTuple):
    """One thing that stands against a number. There may be one of each kind."""

    number: str
    # ``OPTED_OUT`` while a STOP holds, ``OF_NO_USE`` where nothing arrives.
    why: str
    # Of a STOP: the carrier keeps it too, and would not even let the answer to it through.
    is_the_carriers: bool
    # Of a number where nothing arrives: by which code it is known.
    code: str

    @property
    def is_by_word(self) -> bool:
        """Whether nobody but a person says so: a text would arrive."""
        return self.why == OF_NO_USE and self.code in BY_WORD


# Asked twice before every breath, and so put together once.
_STOP, _NO_USE = OptOut.__table__.c, NumberStop.__table__.c
_AGAINST = union_all(
    select(_STOP.number_index, literal(OPTED_OUT), _STOP.refused_attempt.is_not(None), literal("")).where(
        among(_STOP.number_index, "indexes"), _STOP.started_at.is_(None)
    ),
    select(_NO_USE.number_index, literal(OF_NO_USE), false(), _NO_USE.code).where(
        among(_NO_USE.number_index, "indexes"), _NO_USE.lifted_at.is_(None)
    ),
)


def against(txn: Transaction, numbers: Collection[str]) -> Sequence[Against]:
    """As it stands now. To be sure that it stays so, hold the numbers first."""
    if not numbers:
        return ()
    ring = keyring_of(txn)
    by_index = {ring.blind_index("phone", number): number for number in numbers}
    found = txn.connection.execute(_AGAINST, {"indexes": by_index})
    return [Against(by_index[index], why, bool(carriers), code) for index, why, carriers, code in found]
