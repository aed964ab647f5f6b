"""A worker of the benchmark: ``python -m tests.bench.dispatch_worker DATABASE_URL``, as many of them as one likes.

Each line on standard input says how, and a moment of the trial; whatever is due by then is sent, and one line says how
many had which outcome. ``trial``: everything is real but the provider. ``mailroom``: nor is the trial, which has no
objection to anything.
"""

import json
import sys
from collections.abc import Collection
from contextlib import closing
from datetime import datetime
from pathlib import Path
from uuid import UUID

from backend import clock, tables  # noqa: F401 - foreign keys need every table
from backend.conversations.dead_letters import make_dead_letter_a_task
from backend.db import Database, Transaction
from backend.jobs import Work
from backend.terms import ChannelKind, Language
from notifications import Release, Send, dispatch_due
from notifications.models import Message
from notifications.templates import load_templates
from tests.bench.at_once import AtOnce
from tests.databases import KEYRING, settings_of


def _no_objection(_txn: Transaction, _patient_ids: Collection[UUID]) -> Release:
    return _send


def _send(_txn: Transaction, message: Message) -> Send:
    values = {"date": "2027-03-17", "phone": "+862012345678"}
    return Send(ChannelKind.SMS, message.values["number"], Language.ENGLISH, values)


def _dispatch(work: Work, how: str) -> dict[str, int]:
    if how == "trial":
        return dict(work.dispatch())
    return dispatch_due(
        work.db,
        work.channels,
        _no_objection,
        work.settings,
        on_dead_letter=make_dead_letter_a_task,
        templates=work.templates,
    )


def main(url: str) -> None:
    """Work whenever told to, until standard input ends."""
    with closing(Database(url, KEYRING)) as db:
        work = Work(db, settings_of(url, Path()), {ChannelKind.SMS: AtOnce()}, load_templates())
        print("ready", flush=True)
        for line in sys.stdin:
            how, moment = line.split()
            clock.move_to(datetime.fromisoformat(moment))
            print(json.dumps(_dispatch(work, how)), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
