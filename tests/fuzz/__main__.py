"""Fuzz a running server: ``python3 do.py fuzz --cases 10000 --seeds 1,2,3 --database sqlite``."""

import argparse
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from random import Random

import requests
import schemathesis

from tests.fuzz.places import Places
from tests.fuzz.requests import Fuzzer, shares
from tests.fuzz.server import a_served_demo
from tests.fuzz.tally import Tally

QUICK = 600
SECONDS_FOR_AN_ANSWER = 30


def main(words: Sequence[str]) -> int:
    """Fuzz, say what came of it, and fail when something did that should not have."""
    options = _read(words)
    tally = Tally()
    try:
        _fuzz(options, tally)
    finally:
        # Whoever stops it half-way sees what there was until then.
        print("\n".join(tally.lines()), flush=True)
    return 0 if tally.is_clean else 1


def _fuzz(options: argparse.Namespace, tally: Tally) -> None:
    print("making a demo and starting a server for it ...", flush=True)
    with a_served_demo(options.database, options.log) as (address, db), requests.Session() as session:
        began = time.monotonic()
        schema = schemathesis.openapi.from_url(f"{address}/api/v1/openapi.json")
        places = Places(db, Random(options.seeds[0]))
        for seed, cases in shares(options.cases, options.seeds):
            Fuzzer(schema, places, tally, lambda case: _send(case, session), seed).run(cases)
            print(f"seed {seed}: {tally.cases} cases so far, {time.monotonic() - began:.0f} s", flush=True)


def _read(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="do.py fuzz", description=__doc__)
    parser.add_argument("--cases", type=int, default=10_000, help="at least how many requests (default: 10000)")
    parser.add_argument("--seeds", type=_numbers, default=[1, 2, 3], help="what chance begins with (default: 1,2,3)")
    parser.add_argument("--database", choices=["sqlite", "postgres"], default="sqlite")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK} requests and the first seed")
    parser.add_argument(
        "--log", type=argparse.FileType("w"), default=subprocess.DEVNULL, help="a file for what the server says"
    )
    options = parser.parse_args(words)
    if options.quick:
        options.cases, options.seeds = QUICK, options.seeds[:1]
    return options


def _numbers(said: str) -> list[int]:
    return [int(one) for one in said.split(",")]


def _send(case: schemathesis.Case, session: requests.Session) -> schemathesis.Response:
    return case.call(session=session, timeout=SECONDS_FOR_AN_ANSWER)


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
