"""What carries the texts of a story: Twilio, faked by a process of its own and spoken to by its own client, or ours.

A story sees the same of both: what a phone shows, and writing on it. Twilio's webhooks can be lost, told twice and told
late, in any order, as those of a bad day are.
"""

import base64
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import takewhile
from random import Random
from threading import Thread
from typing import Any, Protocol
from urllib.parse import urlencode
from urllib.request import Request

from flask import Flask
from sqlalchemy import select
from werkzeug.serving import WSGIRequestHandler, make_server

import notifications
from backend.config import Settings, SmsGateway
from backend.db import Database, system
from backend.sealing import keyring_of, unseal
from backend.terms import Direction
from backend.twilio_account import TwilioAccount
from notifications.channels.simulator import Simulator
from notifications.models import SimulatedText
from notifications.scheduler import Ticker
from notifications.sweeping import JOB as SWEEP
from tests.fakes.twilio_account import ACCOUNT_SID, API, AUTH_TOKENS, SENDER, Status, Text, moment
from tests.fakes.twilio_callbacks import inbound
from tests.fakes.twilio_process import OPENER, FakeTwilio, a_fake_twilio

ACCOUNT = TwilioAccount(ACCOUNT_SID, AUTH_TOKENS[:1], SENDER, "")
WEBHOOK = "/webhooks/twilio/messages"
PASSWORD = base64.b64encode(f"{ACCOUNT_SID}:{AUTH_TOKENS[0]}".encode()).decode()
# So many webhooks are told late together, when they mean nothing any more.
TOLD_TOGETHER = 5
DOUBLED = 0.5
# So many texts of one phone are asked for at once.
A_LOOK = 30
TEST = system("test")


class Network(Protocol):
    """What a story asks of either."""

    def fitted(self, settings: Settings) -> Settings:
        """Settings of a server whose texts it carries."""

    def serve(self, app: Flask, db: Database) -> None:
        """This application is whom it tells of texts from now on."""

    def fresh(self, number: str) -> list[str]:
        """What has reached this phone since it was last looked at, oldest first."""

    def write(self, number: str, text: str) -> None:
        """Somebody writes on this phone to the study."""

    def catch_up(self, ticker: Ticker) -> None:
        """A quarter of an hour has passed: what a worker does then to learn of texts that nobody told it of."""

    def figures(self) -> Mapping[str, int]:
        """How much was lost."""


@dataclass
class SimulatedPhones:
    """Our own gateway, as the demo has it."""

    db: Database | None = None
    read: Counter[str] = field(default_factory=Counter)

    def fitted(self, settings: Settings) -> Settings:
        return settings

    def serve(self, app: Flask, db: Database) -> None:
        self.db = db

    def fresh(self, number: str) -> list[str]:
        assert self.db
        with self.db.reading(TEST) as txn:
            index = keyring_of(txn).blind_index("phone", number)
            on_it = select(SimulatedText).where(
                SimulatedText.number_index == index, SimulatedText.direction == Direction.OUTBOUND
            )
            in_order = on_it.order_by(SimulatedText.at, SimulatedText.id).offset(self.read[number])
            found = [unseal(txn, one, "text_sealed") or "" for one in txn.session.scalars(in_order)]
        self.read[number] += len(found)
        return found

    def write(self, number: str, text: str) -> None:
        assert self.db
        notifications.receive(self.db, Simulator(self.db).write_from(number, text))

    def catch_up(self, ticker: Ticker) -> None:
        """It never loses anything."""

    def figures(self) -> Mapping[str, int]:
        return {}


@dataclass
class Twilio:
    """The fake one. ``lost``: the share of webhooks that never come; with it, others come twice, late, in any order."""

    fake: FakeTwilio
    here: str
    doors: dict[str, Flask]
    lost: float = 0.0
    dice: Random = field(default_factory=lambda: Random(1))
    # The newest text that was read of each phone; what will be told late; how much was written, and how much of that
    # came by no webhook at first.
    newest: dict[str, str] = field(default_factory=dict)
    late: list[dict[str, str]] = field(default_factory=list)
    written: int = 0
    never_told: int = 0
    told_again: int = 0

    def fitted(self, settings: Settings) -> Settings:
        account = replace(ACCOUNT, base_url=self.fake.address)
        return replace(settings, public_url=self.here, sms_gateway=SmsGateway.TWILIO, twilio=account)

    def serve(self, app: Flask, db: Database) -> None:
        self.doors["app"] = app
        self.fake.tell_texts_to(self.here + WEBHOOK)
        is_bad = self.lost > 0
        self.fake.switch(
            webhooks_dropped_share=self.lost,
            callbacks_doubled=is_bad,
            callbacks_shuffled=is_bad,
            callbacks_early=is_bad,
            step_seconds=0.0,
            seed=self.dice.randrange(1_000_000),
        )

    def fresh(self, number: str) -> list[str]:
        query = urlencode({"To": number, "PageSize": A_LOOK})
        address = f"{self.fake.address}/{API}/Accounts/{ACCOUNT_SID}/Messages.json?{query}"
        with OPENER.open(Request(address, headers={"Authorization": f"Basic {PASSWORD}"}), timeout=30) as answer:
            listed = json.load(answer)["messages"]
        news = list(takewhile(lambda one: one["sid"] != self.newest.get(number), listed))
        assert len(news) < A_LOOK, "more has come than one look shows"
        if listed:
            self.newest[number] = listed[0]["sid"]
        return [str(one["body"]) for one in reversed(news)]

    def write(self, number: str, text: str) -> None:
        heard = self.fake.write(number, text)
        assert heard["status"] in (0, 200), f"the webhook was answered with {heard}"
        self.written += 1
        self.never_told += heard["status"] == 0
        if self.lost:
            self._tell_again(inbound(_as_it_was(heard["sid"], number, text)), was_told=heard["status"] == 200)

    def catch_up(self, ticker: Ticker) -> None:
        ticker.run(SWEEP)

    def figures(self) -> Mapping[str, int]:
        return {
            "webhooks that were lost": self.never_told,
            "webhooks that came again": self.told_again,
            "callbacks": sum(self.fake.books()["callbacks"].values())
            - self.written
            + self.never_told
            - self.told_again,
        }

    def _tell_again(self, said: dict[str, str], *, was_told: bool) -> None:
        """Half of those that came, at once; and all of them when they mean nothing any more, also the lost ones."""
        if was_told and self.dice.random() < DOUBLED:
            self._tell(said)
        if len(self.late) >= TOLD_TOGETHER:
            for one in self.dice.sample(self.late, len(self.late)):
                self._tell(one)
            self.late.clear()
        self.late.append(said)

    def _tell(self, said: dict[str, str]) -> None:
        assert self.fake.call_back(self.here + WEBHOOK, **said)["status"] == 200
        self.told_again += 1


def _as_it_was(sid: str, number: str, text: str) -> Text:
    now = moment()
    return Text(sid, SENDER, number, text, "inbound", Status.RECEIVED, now, now, sent=now)


class _Quiet(WSGIRequestHandler):
    """The product logs its requests by itself."""

    def log_request(self, *_: object) -> None:
        pass


@contextmanager
def twilio(lost: float = 0.0, seed: int = 1) -> Iterator[Twilio]:
    """A fake Twilio, and a server of ours at which it can tell; both end with the story."""
    doors: dict[str, Any] = {}
    ours = make_server("127.0.0.1", 0, lambda *asked: doors["app"](*asked), threaded=True, request_handler=_Quiet)
    Thread(target=ours.serve_forever, args=(0.01,), daemon=True).start()
    try:
        with a_fake_twilio() as fake:
            yield Twilio(fake, f"http://127.0.0.1:{ours.server_port}", doors, lost, Random(seed))
    finally:
        ours.shutdown()
        ours.server_close()


@contextmanager
def simulated() -> Iterator[SimulatedPhones]:
    """The simulator, to be used as the other is."""
    yield SimulatedPhones()
