"""A fake gateway of templates for the whole run, and mailrooms whose texts go by it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import select

from backend.template_account import TemplateAccount
from backend.terms import ChannelKind, Language
from notifications import Send
from notifications.channels.template_gateway import TemplateGateway
from notifications.models import Attempt
from notifications.template_map import TemplateMap, read_template_map
from notifications.templates import load_templates, signed_as
from tests.fakes.template_gateway_books import APP_ID, SECRET, SIGN_NAME
from tests.fakes.template_gateway_process import FakeGateway, a_fake_gateway, write_map
from tests.notifications.conftest import ANNS_NUMBER, OFFICE, TESTER, Mailroom

# For an answer that does not come; and for one that comes, on a machine that is busy with other tests.
LITTLE_PATIENCE, PATIENCE = 1.0, 20.0
SILENT = frozenset({"hang", "dribble"})
TEXTS = signed_as(load_templates(), SIGN_NAME)
VALUES = {"date": "2027-03-17", "phone": OFFICE}


@pytest.fixture(scope="session")
def running() -> Iterator[FakeGateway]:
    with a_fake_gateway() as gateway:
        yield gateway


@pytest.fixture
def fake(running: FakeGateway) -> FakeGateway:
    running.forget()
    return running


@pytest.fixture(scope="session")
def listed(tmp_path_factory: pytest.TempPathFactory) -> TemplateMap:
    return read_template_map(write_map(tmp_path_factory.mktemp("map") / "map.yaml"), TEXTS)


@pytest.fixture
def account(fake: FakeGateway) -> TemplateAccount:
    return TemplateAccount(fake.address, APP_ID, SECRET, SIGN_NAME, "CN", Path("unread"))


@pytest.fixture
def reaching(listed: TemplateMap) -> Callable[..., TemplateGateway]:
    """Makes the way to an account's gateway."""

    def made(account: TemplateAccount, listed: TemplateMap = listed, seconds: float = PATIENCE) -> TemplateGateway:
        return TemplateGateway(account, TEXTS, listed, seconds_for_an_answer=seconds)

    return made


@pytest.fixture
def channel(account: TemplateAccount, reaching: Callable[..., TemplateGateway]) -> TemplateGateway:
    return reaching(account)


@pytest.fixture
def impatient(account: TemplateAccount, reaching: Callable[..., TemplateGateway]) -> TemplateGateway:
    return reaching(account, seconds=LITTLE_PATIENCE)


def by_the_gateway(_txn, _message) -> Send:
    return Send(ChannelKind.SMS, ANNS_NUMBER, Language.CHINESE, VALUES)


@pytest.fixture
def posted(mailroom: Mailroom, channel: TemplateGateway, fake: FakeGateway, clock) -> Mailroom:
    """A mailroom whose texts go by the gateway."""
    mailroom.channels[ChannelKind.SMS], mailroom.release = channel, by_the_gateway
    return mailroom


def settled(mailroom: Mailroom, message_id: UUID | None) -> tuple[str, list[str]]:
    with mailroom.db.reading(TESTER) as txn:
        attempts = txn.session.scalars(select(Attempt.status).order_by(Attempt.number)).all()
    return mailroom.message(message_id).status, list(attempts)
