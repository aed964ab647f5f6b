"""A worker that can be killed. Started by test_kills.py; reads on standard input how to start each one.

``python -m tests.notifications.worker_process DATABASE_URL``. Each line starts one child of this process:
``run`` works until it is killed, ``drain`` until nothing is left to do, and ``claimed``, ``begun`` or ``accepted``
kills itself at that very point of its first message. The child's process id is printed, then how it ended.
"""

import os
import signal
import sys
import time
from pathlib import Path
from uuid import UUID

from sqlalchemy import func, select

from backend import tables  # noqa: F401 - foreign keys need every table
from backend.db import Database, Transaction, system
from backend.terms import ChannelKind, Language, MessageStatus
from notifications import Send, dispatch_due
from notifications.channels import Accepted, Envelope
from notifications.channels.simulator import Simulator
from notifications.models import Message
from notifications.reconciliation import reconcile
from tests.databases import KEYRING
from tests.notifications.conftest import TEMPLATES, settings_with

LEASE_SECONDS = 0.3
WORKER = system("worker under test")
UNSETTLED = (MessageStatus.QUEUED, MessageStatus.CLAIMED, MessageStatus.SENDING, MessageStatus.IN_DOUBT)


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class Deadly(Simulator):
    """Ends this process just before or just after the provider has taken a message."""

    when = "run"

    def send(self, envelope: Envelope, attempt_id: UUID) -> Accepted:
        if self.when == "begun":
            die()
        answer = super().send(envelope, attempt_id)
        if self.when == "accepted":
            die()
        return answer


def work(url: str, how: str) -> None:
    db = Database(url, KEYRING)
    settings = settings_with(db, Path("/nowhere"), LEASE_SECONDS)
    simulator = Deadly(db)
    simulator.when = how
    channels = {ChannelKind.SMS.value: simulator}

    def release(_txn: Transaction, message: Message) -> Send:
        if how == "claimed":
            die()
        return Send(ChannelKind.SMS, message.values["number"], Language.ENGLISH, {"date": "2027-03-17", "phone": "1"})

    while how != "drain" or unsettled(db):
        reconcile(db, channels, on_dead_letter=never)
        dispatch_due(db, channels, lambda _txn, _ids: release, settings, on_dead_letter=never, templates=TEMPLATES)
        time.sleep(0.005)
    db.close()


def unsettled(db: Database) -> int:
    with db.reading(WORKER) as txn:
        return txn.session.scalar(select(func.count()).where(Message.status.in_(UNSETTLED))) or 0


def never(_txn: Transaction, message: Message, _attempt: object) -> None:
    raise AssertionError(f"message {message.id} became a dead letter")


def say(number: int) -> None:
    sys.stdout.write(f"{number}\n")
    sys.stdout.flush()


def main() -> None:
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            work(sys.argv[1], line.strip())
            os._exit(0)
        say(child)
        _, status = os.waitpid(child, 0)
        say(os.waitstatus_to_exitcode(status))


if __name__ == "__main__":
    main()
