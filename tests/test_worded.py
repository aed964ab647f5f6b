"""What an engine has put into words is found again: the same object at once, and another that says the same."""

from typing import Any, cast

import pytest
from sqlalchemy import Compiled, create_engine, event, literal, select
from sqlalchemy.engine.interfaces import CacheStats

from backend import worded
from backend.worded import Worded

WORDS = cast(Compiled, "SELECT 1")


class Says:
    """What a statement says, and how often somebody has gone through all of it."""

    def __init__(self, what: str) -> None:
        self.what, self.looked_through = what, 0

    def __hash__(self) -> int:
        self.looked_through += 1
        return hash(self.what)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Says) and other.what == self.what


def key(says: Says, *columns: str) -> Any:
    return "dialect", says, columns, False, False


def test_the_same_object_is_not_looked_through_again() -> None:
    known, says = Worded(), Says("one")
    known[key(says)] = WORDS
    found = [known.get(key(says))]
    before = says.looked_through
    found += [known.get(key(says)) for _ in range(3)]

    assert found == [WORDS] * 4
    assert says.looked_through == before


def test_another_object_that_says_the_same_is_found_and_what_differs_is_not() -> None:
    known = Worded()
    says = Says("one")
    known[key(says, "status")] = WORDS

    assert known.get(key(says, "status")) == known.get(key(Says("one"), "status")) == WORDS
    assert known.get(key(says)) is known.get(key(Says("two"), "status")) is None


def test_objects_that_never_come_again_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worded, "MOST_OBJECTS", 3)
    known = Worded()
    known[key(Says("one"))] = WORDS

    assert all(known.get(key(Says("one"))) == WORDS for _ in range(10))
    assert len(known._by_object) <= 3


def test_an_engine_asks_it() -> None:
    engine, known = create_engine("sqlite://"), list[CacheStats]()
    event.listen(engine, "after_cursor_execute", lambda *heard: known.append(heard[4].cache_hit))
    statement = select(literal(1))
    with engine.connect().execution_options(compiled_cache=Worded()) as connection:
        told = [connection.scalar(one) for one in (statement, statement, select(literal(2)))]
    engine.dispose()

    assert told == [1, 1, 2]
    assert known == [CacheStats.CACHE_MISS, CacheStats.CACHE_HIT, CacheStats.CACHE_HIT]
