"""Numbers that take no texts, as a provider says. Nothing is sent to one until somebody has seen to it.

It is kept by number: whoever gets another number is written to there, and two who share a phone share its silence.
"""

import re
from collections.abc import Collection, Mapping
from uuid import UUID, uuid4

from sqlalchemy import bindparam, select

from backend import audit
from backend.advisory_locks import one_at_a_time
from backend.among import among
from backend.db import Transaction
from backend.sealing import keyring_of
from notifications.models import Attempt, NumberStop

OF_NO_USE = "number_of_no_use"
MALFORMED = "malformed_number"
# ITU-T E.164: a plus sign and at most fifteen digits, the first of a country code, which is never zero.
E164 = re.compile(r"\+[1-9][0-9]{6,14}")
# Somebody who writes from an odd number wants to be heard too.
LONGEST = 64
CHECKED, WROTE, ENTERED = "checked", "wrote", "entered"
# Why, where no provider refused: a person telephoned and reached a stranger; whoever has the number wrote so.
WRONG, WRITES_WRONG = "wrong_number", "writes_wrong_number"
BY_WORD = frozenset({WRONG, WRITES_WRONG})

_STANDING = select(NumberStop).where(NumberStop.number_index == bindparam("index"), NumberStop.lifted_at.is_(None))
# Asked for every text that comes in, and hardly ever true.
_STANDS = _STANDING.with_only_columns(NumberStop.id)


def as_it_came(number: str) -> str:
    """A number as a provider tells it, within what can be stored."""
    return "".join(letter for letter in number if letter.isprintable())[:LONGEST].strip()


def is_malformed(number: str) -> bool:
    """Whether no telephone can have this number."""
    return E164.fullmatch(number) is None


def stop(txn: Transaction, number: str, attempt: Attempt) -> NumberStop:
    """From the commit of this on, nothing is sent to the number. Who says so a second time finds it said."""
    return _stop(txn, number, attempt.id, attempt.code or "")


def stop_by_word(txn: Transaction, number: str, code: str = WRONG) -> NumberStop:
    """The same, because a person has telephoned and reached a stranger: no text about a patient may go there."""
    return _stop(txn, number, None, code)


def strangers_among(txn: Transaction, indexes: Collection[str]) -> frozenset[str]:
    """Of these number indexes, those for which ``is_a_strangers`` holds."""
    stops = select(NumberStop.number_index).where(
        NumberStop.number_index.in_(indexes), NumberStop.lifted_at.is_(None), NumberStop.code.in_(BY_WORD)
    )
    return frozenset(txn.session.scalars(stops))


def is_a_strangers(txn: Transaction, number_index: str | None) -> bool:
    """Whether somebody has said that whoever has this number is not whom we mean, and nobody has taken it back."""
    stop = _standing(txn, number_index) if number_index is not None else None
    return stop is not None and stop.code in BY_WORD


def _stop(txn: Transaction, number: str, refused_attempt: UUID | None, code: str) -> NumberStop:
    index = keyring_of(txn).blind_index("phone", number)
    one_at_a_time(txn, "number", index)
    standing = _standing(txn, index)
    if standing is not None:
        return standing
    row = NumberStop(id=uuid4(), number_index=index, stopped_at=txn.now, refused_attempt=refused_attempt, code=code)
    audit.record(txn, "number.stopped", row)
    txn.session.flush()
    return row


def standing(txn: Transaction, number: str) -> NumberStop | None:
    """Why nothing is sent to this number, as it stands now; None when it is."""
    return _standing(txn, keyring_of(txn).blind_index("phone", number))


def standing_of(txn: Transaction, numbers: Collection[str]) -> Mapping[str, NumberStop]:
    """By number, the same for many at once; those to which something is sent are left out."""
    ring = keyring_of(txn)
    by_index = {ring.blind_index("phone", number): number for number in numbers}
    stops = select(NumberStop).where(among(NumberStop.number_index, "indexes"), NumberStop.lifted_at.is_(None))
    return {by_index[row.number_index]: row for row in txn.session.scalars(stops, {"indexes": by_index})}


def lift(txn: Transaction, number_index: str, because: str, *, if_by_word: bool | None = None) -> None:
    """The number is tried again, because a person says that it is right, or somebody wrote from it.

    ``if_by_word``: only what a person's word has stopped, or (False) only what a provider has; both when not given.
    """
    if txn.connection.scalar(_STANDS, {"index": number_index}) is None:
        return
    found = _standing(txn, number_index)
    if found is not None and if_by_word in (None, found.code in BY_WORD):
        found.lifted_at, found.lifted_because = txn.now, because
        audit.record(txn, "number.tried_again", found)
        txn.session.flush()


def _standing(txn: Transaction, index: str) -> NumberStop | None:
    return txn.session.scalars(_STANDING, {"index": index}).one_or_none()
