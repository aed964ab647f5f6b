"""What is to happen and when: acts of invented people, in the order of time, each forgotten once it is done."""

import heapq
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(order=True, slots=True)
class Entry:
    """An act: by name, whose (the number of the patient) and what about. ``place`` keeps the order of one moment."""

    moment: datetime
    place: int
    number: int = field(compare=False)
    act: str = field(compare=False)
    about: Mapping[str, Any] = field(compare=False)


class Diary:
    """Acts that lie ahead."""

    def __init__(self) -> None:
        """Nothing lies ahead."""
        self._entries: list[Entry] = []
        self._places = 0

    def add(self, moment: datetime, number: int, act: str, **about: Any) -> None:
        """Enter one more."""
        self._places += 1
        heapq.heappush(self._entries, Entry(moment, self._places, number, act, about))

    @property
    def next_at(self) -> datetime | None:
        """When the next act is due; None: nothing lies ahead."""
        return self._entries[0].moment if self._entries else None

    def due(self, moment: datetime) -> Iterator[Entry]:
        """Take out, one by one and in order, what is due by then."""
        while self._entries and self._entries[0].moment <= moment:
            yield heapq.heappop(self._entries)
