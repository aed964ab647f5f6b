"""Kill workers, then count what the provider got: ``python3 do.py ledger --messages 1000 --kills 60``."""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests import postgres
from tests.databases import KINDS, Databases
from tests.ledger.course import Course, run
from tests.ledger.faults import FAULTS


def main(words: Sequence[str]) -> int:
    """Run one course, print its figures, and fail when the two books do not agree."""
    options = _read(words)
    if options.database == "postgres" and postgres.find_binaries() is None:
        raise SystemExit("There is no PostgreSQL to be had here; see tests/postgres.py.")
    course = Course(
        messages=options.messages,
        kills=options.kills,
        workers=options.workers,
        fault=options.fault,
        outage_seconds=options.seconds,
        seconds_to_drain=options.patience,
        log=options.log,
    )
    with tempfile.TemporaryDirectory(prefix="followup-ledger-", dir=_in_memory()) as folder:
        databases = Databases(Path(folder))
        try:
            outcome = run(course, databases.fresh_url(options.database), Path(folder) / "home")
        finally:
            databases.close()
    print(f"\ndatabase {options.database}\nfault {options.fault}", *outcome.lines(), sep="\n", flush=True)
    return 0 if outcome.is_even else 1


def _in_memory() -> Path | None:
    """Where nothing waits for a disk, where there is such a place: processes die here, the power does not fail."""
    place = Path("/dev/shm")
    return place if os.access(place, os.W_OK) else None


def _read(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="do.py ledger", description=__doc__)
    parser.add_argument("--database", choices=KINDS, default="sqlite")
    parser.add_argument("--messages", type=int, default=1000)
    parser.add_argument("--kills", type=int, default=60, help="how often a worker is killed, or halted with stop-cont")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--fault", choices=sorted(FAULTS), default="none", help="what else goes wrong (default: none)")
    parser.add_argument("--seconds", type=float, default=30.0, help="how long an outage lasts (default: 30)")
    parser.add_argument("--patience", type=float, default=900.0, help="seconds for settling in the end")
    parser.add_argument(
        "--log", type=argparse.FileType("w"), default=subprocess.DEVNULL, help="a file for what the processes say"
    )
    return parser.parse_args(words)


def _stop(*_: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    # However it is ended, what it has started ends too.
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, _stop)
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
