"""A year by text, three times over: ``python3 do.py year-by-text --seed 1 --lost 0.2``.

One life through Twilio's webhooks, one through the simulated phones, and one with webhooks lost, told twice and told
late. What they leave in the record must be the same, line by line.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from tests import postgres
from tests.databases import KINDS, Databases
from tests.stories.by_text.life import YEAR, Lived, lived
from tests.stories.by_text.networks import Network, simulated, twilio
from tests.stories.by_text.outcome import differences


def main(words: Sequence[str]) -> int:
    """Live it, print the figures, and fail where two lives differ."""
    options = _read(words)
    if options.database == "postgres" and postgres.find_binaries() is None:
        raise SystemExit("There is no PostgreSQL to be had here; see tests/postgres.py.")
    ways: dict[str, AbstractContextManager[Network]] = {
        "webhooks": twilio(),
        "simulator": simulated(),
        f"webhooks, {options.lost:.0%} lost": twilio(options.lost, options.seed),
    }
    with tempfile.TemporaryDirectory(prefix="followup-year-") as folder:
        databases = Databases(Path(folder))
        try:
            lives = {way: _lived(way, network, databases, Path(folder), options) for way, network in ways.items()}
        finally:
            databases.close()
    return _compared(lives)


def _lived(
    way: str, network: AbstractContextManager[Network], databases: Databases, folder: Path, options: argparse.Namespace
) -> Lived:
    kind = "sqlite" if way == "simulator" else options.database
    began = time.monotonic()
    with network as carrying:
        life = lived(
            databases.fresh_url(kind), folder / way, carrying, days=options.days, full=range(options.full_for_days)
        )
    for name, figure in life.figures.items():
        print(f"{way} ({kind}): {name} {figure}")
    print(f"{way} ({kind}): seconds {time.monotonic() - began:.0f}", flush=True)
    return life


def _compared(lives: dict[str, Lived]) -> int:
    (first, *others), wrong = lives, 0
    for other in others:
        for line in differences(lives[first].outcome, lives[other].outcome):
            print(f"{first} and {other} differ: {line}")
            wrong += 1
    print("identical" if not wrong else f"{wrong} differences", flush=True)
    return 1 if wrong else 0


def _read(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="do.py year-by-text", description=__doc__)
    parser.add_argument("--database", choices=KINDS, default="postgres", help="of the lives through webhooks")
    parser.add_argument("--seed", type=int, default=1, help="which webhooks go wrong")
    parser.add_argument("--lost", type=float, default=0.2, help="the share of webhooks that never come")
    parser.add_argument("--days", type=int, default=YEAR, help="until the relative writes")
    parser.add_argument(
        "--full-for-days", type=int, default=YEAR, help="from then on the hospital asks the short form (default: never)"
    )
    return parser.parse_args(words)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
