"""Whose request is answered next, when there are more than threads: everybody in turn, and nobody all at once.

First come, first served would let two hundred guesses at a password stand before one report of black stools. Here
those who ask take turns, each with what they asked first; whoever shows no token is one asker together with all
others who show none.
"""

import threading
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Hashable
from typing import Any


class FairTurns:
    """A queue of tasks as waitress's dispatcher uses one: ``append``, ``popleft``, ``len`` and whether it holds any.

    It says that it holds none while all who wait have as many threads as one may have. The dispatcher's lock is
    held whenever it is asked, and must be free when a task ends.
    """

    def __init__(self, asker_of: Callable[[Any], Hashable], *, most: int, woken: threading.Condition) -> None:
        """``most`` tasks of one asker run at once; ``woken`` is told when one ends, so that another may begin."""
        self._asker_of = asker_of
        self._most = most
        self._woken = woken
        self._waiting: OrderedDict[Hashable, deque[Any]] = OrderedDict()
        self._running: Counter[Hashable] = Counter()

    def __len__(self) -> int:
        """How many tasks wait, whether or not they may begin."""
        return sum(len(tasks) for tasks in self._waiting.values())

    def __bool__(self) -> bool:
        """Whether a task may begin now."""
        return self._next() is not None

    def append(self, task: Any) -> None:
        """Wait at the end of what the same asker has waiting."""
        self._waiting.setdefault(self._asker_of(task), deque()).append(task)

    def popleft(self) -> Any:
        """The task whose turn it is. Raises ``IndexError`` when none may begin."""
        asker = self._next()
        if asker is None:
            raise IndexError("nobody's turn")
        tasks = self._waiting.pop(asker)
        task = tasks.popleft()
        if tasks:
            # Behind all others who wait.
            self._waiting[asker] = tasks
        self._running[asker] += 1
        return _Turn(task, lambda: self._end(asker))

    def _next(self) -> Hashable | None:
        return next((asker for asker in self._waiting if self._running[asker] < self._most), None)

    def _end(self, asker: Hashable) -> None:
        with self._woken:
            self._running[asker] -= 1
            if not self._running[asker]:
                del self._running[asker]
            self._woken.notify()


class _Turn:
    """A task, and what is to be done when it has ended."""

    def __init__(self, task: Any, ended: Callable[[], None]) -> None:
        self._task = task
        self._ended = ended

    def service(self) -> None:
        """Do it."""
        try:
            self._task.service()
        finally:
            self._ended()

    def cancel(self) -> None:
        """Call it off: the server ends."""
        self._task.cancel()
