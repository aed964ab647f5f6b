"""A call that nobody answered, and whose message was settled without it: the books say in the end what became of it."""

from collections.abc import Callable, Iterator
from uuid import UUID

import pytest
from sqlalchemy import select, update

from backend.db import Transaction
from backend.terms import AttemptStatus, ChannelKind, MessageStatus
from notifications import outbox
from notifications.channels import Absent, Accepted, CannotTell, Sighting
from notifications.channels.simulator import Simulator
from notifications.models import Attempt, Message
from notifications.overtaken import MOST_FAILED_LOOKS, settle_overtaken
from tests.databases import Databases
from tests.notifications.conftest import TESTER, Mailroom

Move = Callable[[str], None]


class Answering(Simulator):
    """Takes nothing itself, and says of every call what it is told to."""

    answer: Sighting | Exception = Absent()

    def send(self, *_: object) -> Accepted:
        raise TimeoutError

    def find(self, *_: object) -> Sighting:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture(params=["sqlite"])
def database_url(request: pytest.FixtureRequest, databases: Databases) -> Iterator[str]:
    """One kind will do."""
    url = databases.fresh_url(request.param)
    yield url
    databases.drop(url)


@pytest.fixture
def gateway(mailroom: Mailroom) -> Answering:
    made = Answering(mailroom.db)
    mailroom.channels[ChannelKind.SMS] = made
    return made


@pytest.fixture
def overtaken(mailroom: Mailroom, gateway: Answering, later: Move) -> UUID | None:
    """Somebody was saying it when another attempt of it was found to have arrived."""
    message_id = mailroom.queue()
    mailroom.dispatch()

    def arrived(txn: Transaction) -> None:
        chosen = update(Message).where(Message.id == message_id)
        txn.session.execute(chosen.values(status=MessageStatus.DELIVERED, lease_until=None))

    with mailroom.db.transaction(TESTER) as txn:
        arrived(txn)
    later("2027-03-01T09:30:00+08:00")
    return message_id


def attempt(mailroom: Mailroom) -> tuple[str, str | None]:
    with mailroom.db.reading(TESTER) as txn:
        status, provider_id = txn.session.execute(select(Attempt.status, Attempt.provider_id)).one()
        return status, provider_id


def settle(mailroom: Mailroom) -> dict[str, int]:
    return settle_overtaken(mailroom.db, mailroom.channels)


@pytest.mark.parametrize(
    ("answer", "word", "status"),
    [
        (Absent(), "absent", (AttemptStatus.ABSENT, None)),
        (Accepted("SM1"), "taken_twice", (AttemptStatus.ACCEPTED, "SM1")),
        (CannotTell(), "nobody_can_tell", (AttemptStatus.IN_DOUBT, None)),
    ],
)
def test_its_provider_is_asked_once_more_and_the_message_stays_as_it_is(
    mailroom: Mailroom, gateway: Answering, overtaken: UUID, answer: Sighting, word: str, status: tuple[str, str | None]
) -> None:
    assert mailroom.reconcile() == {}
    assert attempt(mailroom) == (AttemptStatus.SENDING, None)
    gateway.answer = answer

    assert (settle(mailroom), settle(mailroom)) == ({word: 1}, {})

    assert attempt(mailroom) == status
    assert mailroom.message(overtaken).status == MessageStatus.DELIVERED
    assert mailroom.dead_letters == []


def test_a_provider_that_cannot_be_asked_cannot_tell_in_the_end(
    mailroom: Mailroom, gateway: Answering, overtaken: UUID
) -> None:
    gateway.answer = TimeoutError()

    found = [settle(mailroom) for _ in range(MOST_FAILED_LOOKS + 1)]

    assert found == [*[{"look_failed": 1}] * (MOST_FAILED_LOOKS - 1), {"nobody_can_tell": 1}, {}]


def test_what_may_still_be_said_or_is_asked_after_anyway_is_left_alone(
    mailroom: Mailroom, gateway: Answering, later: Move
) -> None:
    mailroom.queue()
    mailroom.dispatch()
    assert settle(mailroom) == {}

    later("2027-03-01T09:30:00+08:00")
    assert settle(mailroom) == {}
    with mailroom.db.transaction(TESTER) as txn:
        assert outbox.doubt_the_overdue(txn) == 1
    assert settle(mailroom) == {}


def test_what_was_given_up_and_had_been_taken_all_the_same_is_not_said_again(
    mailroom: Mailroom, gateway: Answering, overtaken: UUID
) -> None:
    with mailroom.db.transaction(TESTER) as txn:
        txn.session.execute(update(Message).values(status=MessageStatus.QUEUED))
    gateway.answer = Accepted("SM1")

    assert settle(mailroom) == {"found": 1}

    assert mailroom.message(overtaken).status == MessageStatus.SENT
