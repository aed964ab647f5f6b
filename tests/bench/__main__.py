"""One benchmark by its name."""

import sys
from collections.abc import Callable, Mapping, Sequence

BENCHES: Mapping[str, Callable[[Sequence[str]], None]] = {}


def main(words: Sequence[str]) -> int:
    """Run what is named; without a name, say what there is."""
    if not words or words[0] not in BENCHES:
        print(f"Which one? {', '.join(sorted(BENCHES))}", file=sys.stderr)
        return 2
    BENCHES[words[0]](words[1:])
    return 0


sys.exit(main(sys.argv[1:]))
