"""The short form of ``python3 do.py ledger``: a few messages, a kill, every fault once."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.databases import Databases
from tests.ledger.course import Course, run
from tests.ledger.nursery import Nursery

MESSAGES, KILLS = 8, 1
HURRIED = {"TICK_SECONDS": "0.2", "LEASE_SECONDS": "1.2", "LOOK_SECONDS": "0.2"}
# Which fault on which database; the long form runs each on both.
VARIANTS = (
    ("none", "sqlite"),
    ("none", "postgres"),
    ("drop", "postgres"),
    ("outage", "sqlite"),
    ("throttle", "postgres"),
    ("hang", "sqlite"),
    ("stop-cont", "postgres"),
    ("callbacks", "sqlite"),
    ("farewell", "postgres"),
)


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    made = Nursery()
    yield made
    made.close()


@pytest.mark.parametrize(("fault", "kind"), VARIANTS)
def test_killed_workers_lose_nothing_and_say_nothing_twice_whatever_the_provider_does(
    fault: str, kind: str, databases: Databases, nursery: Nursery, tmp_path: Path
) -> None:
    course = Course(
        MESSAGES, KILLS, 2, fault, outage_seconds=2, seconds_to_drain=60, start=nursery.start, settings=HURRIED
    )
    url = databases.fresh_url(kind)

    outcome = run(course, url, tmp_path)

    databases.drop(url)
    assert list(outcome.lines())[-1] == "lost 0 duplicated 0 without_id 0", "\n".join(outcome.lines())
    assert outcome.is_even, "\n".join(outcome.lines())
    assert outcome.killed + outcome.halted == KILLS
    assert len(outcome.reckoning.theirs) >= MESSAGES // 2
