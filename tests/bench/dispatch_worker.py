"""A worker of the benchmark: ``python -m tests.bench.dispatch_worker DATABASE_URL``, as many of them as one likes.

Each line on standard input is a moment of the trial; whatever is due by then is sent, and one line says how many had
which outcome. Everything is real but the provider, which takes every message at once.
"""

import json
import sys
from contextlib import closing
from datetime import datetime
from pathlib import Path
from uuid import UUID, uuid4

from backend import clock
from backend.db import Database
from backend.jobs import Work
from backend.terms import ChannelKind
from notifications.channels import Accepted, CannotTell, Envelope, Sighting, Sought
from notifications.templates import load_templates
from tests.databases import KEYRING, settings_of


class AtOnce:
    """A provider that takes everything, and is never asked again."""

    gateway = "at once"
    looks_to_be_sure = 1
    seconds_between_looks = 0.0

    def send(self, _envelope: Envelope, _attempt_id: UUID) -> Accepted:
        """Taken."""
        return Accepted(uuid4().hex)

    def find(self, _sought: Sought) -> Sighting:
        """It keeps nothing."""
        return CannotTell()


def main(url: str) -> None:
    """Work whenever told to, until standard input ends."""
    with closing(Database(url, KEYRING)) as db:
        work = Work(db, settings_of(url, Path()), {ChannelKind.SMS: AtOnce()}, load_templates())
        print("ready", flush=True)
        for line in sys.stdin:
            clock.move_to(datetime.fromisoformat(line.strip()))
            print(json.dumps(work.dispatch()), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
