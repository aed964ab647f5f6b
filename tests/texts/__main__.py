"""Read thousands of made-up texts, keep all of them, and put some through the doors: ``do.py texts --count 100000``."""

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

import time_machine

from backend.db import Database
from backend.jobs import Work, work_of
from tests import postgres
from tests.databases import KEYRING, KINDS, Databases, settings_of
from tests.free_text.figures import shipped_words
from tests.texts.grammar import Grammar, Made
from tests.texts.kept import Doors, not_kept
from tests.texts.properties import Tally

BATCH = 500
# When the first weekly questionnaire is asked.
START = "2027-03-04T09:00:30+08:00"
FAULTS_SHOWN = 20


def main(words: Sequence[str]) -> int:
    """Print what was found, one figure a line, and fail when anything was read or kept as it should not be."""
    options = _read(words)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="followup-texts-", dir=postgres.memory()) as folder:
        databases = Databases(Path(folder))
        try:
            with time_machine.travel(datetime.fromisoformat(START)):
                url = databases.fresh_url(options.database)
                db = Database(url, KEYRING)
                tally, changed, unlike = _look(options, work_of(db, settings_of(url, Path(folder))))
                db.close()
        finally:
            databases.close()
    _print(options, tally, changed, unlike, time.monotonic() - began)
    return 1 if tally.faults or changed or unlike else 0


def _look(options: argparse.Namespace, work: Work) -> tuple[Tally, list[str], list[str]]:
    """What texts were read as; what is wrong with those that were kept, and with those that came through the doors."""
    lists, tally, doors = shipped_words(), Tally(), Doors(work).open()
    changed: list[str] = []
    unlike: list[str] = []
    for first, batch in _batches(Grammar(lists, options.seed), options.count):
        changed += not_kept(work.db, [made.text for made in batch], first)
        for place, made in enumerate(batch, first):
            became = tally.look_at(made, lists)
            if place % options.every == 0:
                unlike += doors.faults(made.text, became)
        if sys.stderr.isatty():
            print(f"\r{first + len(batch)} of {options.count}", end="", file=sys.stderr, flush=True)
    tally.read_as |= {"through the doors": doors.count, "survey answers": doors.answers()}
    return tally, changed, unlike


def _batches(grammar: Grammar, count: int) -> Iterator[tuple[int, list[Made]]]:
    for first in range(0, count, BATCH):
        yield first, [grammar.make() for _ in range(min(BATCH, count - first))]


def _print(options: argparse.Namespace, tally: Tally, changed: list[str], unlike: list[str], seconds: float) -> None:
    print(f"\ntexts {options.count}\nseed {options.seed}\ndatabase {options.database}")
    for name in ("answer", "command", "keyword", "danger", "danger and death", "death", "kept whole", "raised"):
        print(f"{name.replace(' ', '_')} {tally.read_as[name]}")
    print(f"kept {options.count - len(changed)}")
    print(f"through_the_doors {tally.read_as['through the doors']}")
    print(f"survey_answers {tally.read_as['survey answers']}")
    print(f"slowest_ms {1000 * tally.slowest:.0f}\nseconds {seconds:.0f}")
    for name, found in (("read_wrongly", tally.faults), ("changed", changed), ("lost", unlike)):
        print(f"{name} {len(found)}", *(f"  {one}" for one in found[:FAULTS_SHOWN]), sep="\n", flush=True)


def _read(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="do.py texts", description=__doc__)
    parser.add_argument("--count", type=int, default=100_000, help="how many texts (default: 100000)")
    parser.add_argument("--seed", type=int, default=1, help="what chance begins with (default: 1)")
    parser.add_argument("--every", type=int, default=100, help="of so many one goes through the doors (default: 100)")
    parser.add_argument("--database", choices=KINDS, default="sqlite")
    return parser.parse_args(words)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
