"""Pages that are kept beside the code and must say what the code says."""

import os
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
REFRESH = "FOLLOWUP_REFRESH_DOCS"
STALE = f"The kept page is not what the code makes now. Write it with {REFRESH}=1, and read the difference."
MADE = {"__pycache__", "build", "node_modules"}
PACKAGES = ("backend", "schemas", "notifications", "seeds")


def agrees(path: Path, made: str) -> bool:
    """Whether the kept page is what the code makes now; with FOLLOWUP_REFRESH_DOCS=1 it is written instead."""
    if is_refreshing():
        path.write_text(made, encoding="utf-8")
    return path.is_file() and path.read_text(encoding="utf-8") == made


def is_refreshing() -> bool:
    """Whether kept pages are to be written rather than compared."""
    return os.environ.get(REFRESH) == "1"


def table(path: Path, heading: str) -> list[list[str]]:
    """The rows of the first Markdown table whose first column is called ``heading``, ticks removed."""
    rows = [cells(line) for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    start = next(number for number, row in enumerate(rows) if row[0] == heading)
    width = len(rows[start])
    found = []
    for row in rows[start + 2 :]:
        if len(row) != width or set(row[0]) == {"-"}:
            break
        found.append(row)
    return found


def cells(line: str) -> list[str]:
    """The cells of one row of a table."""
    return [cell.strip().replace("`", "") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


@cache
def kept_files() -> tuple[Path, ...]:
    """Every file that is written by people: not what was compiled, built or installed."""
    at_the_top = [path for path in ROOT.iterdir() if path.is_file()]
    below = [path for folder in (*PACKAGES, "tests", "docs") for path in (ROOT / folder).rglob("*") if path.is_file()]
    return tuple(sorted(path for path in at_the_top + below if not MADE & set(path.relative_to(ROOT).parts)))


def python_files(*folders: str) -> Iterator[tuple[str, Path]]:
    """Python files below these folders, each with its name as seen from the project's."""
    for path in kept_files():
        name = path.relative_to(ROOT).as_posix()
        if path.suffix == ".py" and (not folders or name.split("/")[0] in folders):
            yield name, path
