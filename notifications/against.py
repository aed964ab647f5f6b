"""What stands in the way of a message, in one look: a STOP that holds, that nothing arrives at a number, a way that is
shut.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import CompoundSelect, false, select, union_all

from backend.among import among
from backend.db import Transaction
from backend.indexes import word
from backend.sealing import keyring_of
from notifications.models import GatewayBreaker, NumberStop, OptOut
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


@dataclass(frozen=True)
class InTheWay:
    """Of one breath: what stands against its numbers, and by which ways nothing goes just now."""

    numbers: Sequence[Against] = ()
    shut: Collection[str] = ()


SHUT = "shut"
# Asked before every breath, and so put together once.
_STOP, _NO_USE, _WAY = OptOut.__table__.c, NumberStop.__table__.c, GatewayBreaker.__table__.c
_NUMBERS = (
    select(_STOP.number_index, word(OPTED_OUT), _STOP.refused_attempt.is_not(None), word("")).where(
        among(_STOP.number_index, "indexes"), _STOP.started_at.is_(None)
    ),
    select(_NO_USE.number_index, word(OF_NO_USE), false(), _NO_USE.code).where(
        among(_NO_USE.number_index, "indexes"), _NO_USE.lifted_at.is_(None)
    ),
)
_WAYS = select(_WAY.channel, word(SHUT), false(), word("")).where(_WAY.opened_at.is_not(None))
_AGAINST, _IN_THE_WAY = union_all(*_NUMBERS), union_all(*_NUMBERS, _WAYS)


def against(txn: Transaction, numbers: Collection[str]) -> Sequence[Against]:
    """As it stands now. To be sure that it stays so, hold the numbers first."""
    return in_the_way(txn, numbers, _AGAINST).numbers if numbers else ()


def in_the_way(txn: Transaction, numbers: Collection[str], asked: CompoundSelect[Any] = _IN_THE_WAY) -> InTheWay:
    """The same, and in the same look which ways are shut: what may still go by one of these, ``breakers.gate`` says."""
    ring = keyring_of(txn)
    by_index = {ring.blind_index("phone", number): number for number in numbers}
    found = txn.connection.execute(asked, {"indexes": by_index}).all()
    return InTheWay(
        [Against(by_index[of], why, bool(carriers), code) for of, why, carriers, code in found if why != SHUT],
        {way for way, why, _, _ in found if why == SHUT},
    )
