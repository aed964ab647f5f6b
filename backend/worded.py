"""Statements as they were put into words, found again without reading all of the statement.

SQLAlchemy looks a statement up by everything that it says, and to do so goes through all of it each time: for one of
fifty columns that takes as long as a tenth of its answer. Nearly all of ours are put together once, and then the very
same object comes again.
"""

from typing import Any

from sqlalchemy import Compiled
from sqlalchemy.util import LRUCache

# As many as SQLAlchemy keeps of itself; we have some hundreds.
KEPT = 500
# Those put together anew each time are never met again as the same object: these are forgotten together.
MOST_OBJECTS = 2 * KEPT


class Worded(LRUCache[Any, Compiled]):
    """What an engine has put into words, by what the statement says; and before that by which object says it."""

    def __init__(self) -> None:
        """Nothing yet."""
        super().__init__(KEPT)
        # With what the statement says, so that no other object comes to have its id.
        self._by_object: dict[tuple[Any, ...], tuple[object, Compiled]] = {}

    def get(self, key: Any, default: Any = None) -> Any:
        """``key``: the dialect, what the statement says, and how it is to be worded."""
        _, says, *how = key
        this_one = (id(says), *how)
        known = self._by_object.get(this_one)
        if known is not None:
            return known[1]
        found = super().get(key, default)
        if found is not None:
            if len(self._by_object) >= MOST_OBJECTS:
                self._by_object.clear()
            self._by_object[this_one] = (says, found)
        return found
