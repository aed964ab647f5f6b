"""What an invariant is: a sentence that is always true, and the query for whatever makes it false."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select

from backend.db import Transaction

Find = Callable[[Transaction], Iterable[str]]


@dataclass(frozen=True)
class Invariant:
    """``find`` yields the ids of what breaks the ``sentence``: ids only, never a name, a number or an answer."""

    name: str
    sentence: str
    find: Find


def ids_of(query: Callable[[], Select[*tuple[Any, ...]]]) -> Find:
    """Whatever the query selects breaks it. The query is made anew each time, because many depend on the hour."""

    def find(txn: Transaction) -> Iterator[str]:
        for row in txn.session.execute(query()):
            yield " ".join(str(value) for value in row)

    return find
