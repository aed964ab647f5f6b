"""One benchmark by its name."""

import sys
from collections.abc import Callable, Mapping, Sequence

from tests.bench.audit import bench_audit
from tests.bench.dispatch import bench_dispatch
from tests.bench.plan import bench_plan
from tests.bench.queue import bench_queue
from tests.bench.submit import bench_submit

BENCHES: Mapping[str, Callable[[Sequence[str]], None]] = {
    "audit": bench_audit,
    "dispatch": bench_dispatch,
    "plan": bench_plan,
    "queue": bench_queue,
    "submit": bench_submit,
}


def main(words: Sequence[str]) -> int:
    """Run what is named; without a name, say what there is."""
    if not words or words[0] not in BENCHES:
        print(f"Which one? {', '.join(sorted(BENCHES))}", file=sys.stderr)
        return 2
    BENCHES[words[0]](words[1:])
    return 0


# The processes that verify a trail begin by importing this file again.
if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
