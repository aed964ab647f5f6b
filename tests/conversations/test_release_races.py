"""What is committed about a patient while a message is being decided about comes before the decision or after it."""

import threading
from dataclasses import replace
from typing import Any

import pytest

from backend.db import Transaction
from backend.jobs import Work
from backend.patients import contact
from backend.patients.models import Patient
from backend.terms import ChannelKind
from notifications import breath
from notifications.channels.simulator import Simulator, texts_of
from tests import people
from tests.conftest import Clock
from tests.conversations import release_world
from tests.conversations.release_world import TEST, World, a_report_is_due


def holds_contact(txn: Transaction, ann: Patient) -> None:
    """As a report of a death does."""
    contact.hold(txn, ann, "death_reported")


@pytest.fixture
def world(work: Work, clock: Clock) -> World:
    made = release_world.made(replace(work, channels={ChannelKind.SMS: Simulator(work.db)}), clock)
    a_report_is_due(made)
    return made


def on_the_phone(world: World) -> int:
    with world.work.db.reading(TEST) as txn:
        return len(texts_of(txn, people.ANN.phone or ""))


def test_a_hold_that_comes_while_a_message_is_decided_about_waits_until_it_is_begun(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited, holding = [], threading.Thread(target=lambda: world.do(holds_contact))
    decide = breath.decide

    def deciding(*asked: Any, **told: Any) -> Any:
        decided = decide(*asked, **told)
        holding.start()
        holding.join(0.3)
        waited.append(holding.is_alive())
        return decided

    monkeypatch.setattr(breath, "decide", deciding)

    assert world.work.dispatch() == {"sent": 1}

    holding.join()
    assert waited == [True]
    assert on_the_phone(world) == 1


def test_a_message_is_decided_about_only_once_a_hold_that_is_being_written_stands(world: World) -> None:
    said: list[dict[str, int]] = []
    dispatching = threading.Thread(target=lambda: said.append(world.work.dispatch()))

    with world.work.db.transaction(TEST) as txn:
        holds_contact(txn, txn.session.get_one(Patient, world.patient.id))
        dispatching.start()
        dispatching.join(0.3)
        assert dispatching.is_alive()
    dispatching.join()

    assert said == [{"later": 1}]
    assert on_the_phone(world) == 0
