"""Who may be in the database at once: a line for those who read, one for those who write, one for those who guess.

Somebody who holds a lock for half a minute stops every writer of SQLite, or everybody who needs one table of
PostgreSQL. Without lines they would fill all threads of this process, and then those who only read, and the
balancer that asks whether we are alive, would wait behind them.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from backend.errors import DatabaseBusy

SECONDS_IN_LINE = 2.0
# Every line full, some waiting, and still a thread free to say that we are alive.
THREADS_FOR_EACH = 6


class Line:
    """Lets ``places`` in at once. The others wait a little, or not at all when nobody inside gets on."""

    def __init__(self, places: int) -> None:
        """Nobody is inside yet."""
        self._free = threading.Semaphore(places)
        self._moved_at = time.monotonic()

    @contextmanager
    def inside(self) -> Iterator[None]:
        """A place until the end of the block. Raises ``DatabaseBusy`` when there is none in time."""
        if not self._free.acquire(blocking=False) and not self._wait():
            raise DatabaseBusy()
        self._moved_at = time.monotonic()
        try:
            yield
        finally:
            self._moved_at = time.monotonic()
            self._free.release()

    def _wait(self) -> bool:
        """Whether a place came free. Behind those who stand still nobody else need stand, nor hold a thread."""
        if time.monotonic() - self._moved_at >= SECONDS_IN_LINE:
            return False
        return self._free.acquire(timeout=SECONDS_IN_LINE)
