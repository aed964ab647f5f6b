"""A writer or a sealer in a process of its own: ``python -m tests.audit.process DATABASE_URL write|seal``.

A sealer prints how many it sealed, once a second has gone by without anything to seal.
"""

import sys
import time

from backend import tables  # noqa: F401 - foreign keys need every table
from backend.audit import note
from backend.audit_seals import Sealer
from backend.db import Database, system
from tests.databases import KEYRING
from tests.people import site_row

ENTRIES = 30
QUIET_SECONDS = 1.0


def write(db: Database) -> None:
    """Things that happen at three sites."""
    for number in range(ENTRIES):
        with db.transaction(system("writer")) as txn:
            note(txn, "site.visited", site_row(txn, f"site-0{number % 3 + 1}"))


def seal(db: Database) -> int:
    """Seal until it has been quiet for a while."""
    sealer, total, last = Sealer(db), 0, time.monotonic()
    while time.monotonic() - last < QUIET_SECONDS:
        done = sealer.seal_waiting()["sealed"]
        total += done
        last = time.monotonic() if done else last
        time.sleep(0.01)
    return total


if __name__ == "__main__":
    database = Database(sys.argv[1], KEYRING)
    sys.stdout.write(str(write(database) if sys.argv[2] == "write" else seal(database)))
