"""Whose request is next: those who ask take turns, and one alone holds a few threads at most."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from backend.fair_turns import FairTurns


@dataclass
class Task:
    """Something that somebody asked for."""

    asker: str
    name: str
    done: list[str] = field(default_factory=list)

    def service(self) -> None:
        self.done.append(self.name)

    def cancel(self) -> None:
        self.done.append(f"{self.name} called off")


@pytest.fixture
def turns() -> FairTurns:
    return FairTurns(lambda task: task.asker, most=2, woken=threading.Condition())


def taken(turns: FairTurns) -> Iterator[str]:
    """Each task that may begin, done to its end before the next."""
    while turns:
        task = turns.popleft()
        task.service()
        yield task._task.name


def test_one_report_comes_before_two_hundred_guesses(turns: FairTurns) -> None:
    for number in range(200):
        turns.append(Task("nobody", f"guess {number}"))
    turns.append(Task("ann", "report"))

    order = list(taken(turns))

    assert order[:3] == ["guess 0", "report", "guess 1"]
    assert len(order) == 201


def test_what_one_asks_is_done_in_the_order_in_which_it_was_asked(turns: FairTurns) -> None:
    for name in ("first", "second", "third"):
        turns.append(Task("ann", name))
        turns.append(Task("ben", f"ben's {name}"))

    assert list(taken(turns)) == ["first", "ben's first", "second", "ben's second", "third", "ben's third"]


def test_who_has_as_many_threads_as_one_may_have_waits_for_one_of_them_to_end(turns: FairTurns) -> None:
    for number in range(4):
        turns.append(Task("nobody", f"guess {number}"))
    running = [turns.popleft(), turns.popleft()]

    assert (bool(turns), len(turns)) == (False, 2)
    turns.append(Task("ann", "report"))
    assert turns.popleft()._task.name == "report"
    running[0].service()
    assert turns.popleft()._task.name == "guess 2"


def test_a_task_that_fails_gives_its_place_back(turns: FairTurns) -> None:
    class Failing(Task):
        def service(self) -> None:
            raise ValueError("a defect")

    for number in range(3):
        turns.append(Failing("nobody", f"guess {number}"))
    for _ in range(3):
        with pytest.raises(ValueError, match="a defect"):
            turns.popleft().service()

    assert not turns
    assert turns._running == {}


def test_the_end_of_a_task_wakes_a_thread_that_waits_for_one_it_may_begin() -> None:
    woken = threading.Condition()
    turns = FairTurns(lambda task: task.asker, most=1, woken=woken)
    done: list[str] = []
    turns.append(Task("nobody", "one", done))
    turns.append(Task("nobody", "two", done))
    first = turns.popleft()

    def wait() -> None:
        with woken:
            assert woken.wait_for(lambda: bool(turns), timeout=5)
            task = turns.popleft()
        task.service()

    waiting = threading.Thread(target=wait)
    waiting.start()
    first.service()
    waiting.join(5)

    assert done == ["one", "two"]


def test_what_has_not_begun_when_the_server_ends_is_called_off(turns: FairTurns) -> None:
    done: list[str] = []
    turns.append(Task("nobody", "guess", done))

    turns.popleft().cancel()

    assert done == ["guess called off"]
    with pytest.raises(IndexError):
        turns.popleft()
