"""Recorded conversations of the demo: what a phone writes, text by text. Whatever is answered is answered live."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

from schemas.demo_conversations import RecordedConversationFile
from schemas.seed_files import read_seed_file

FOLDER = Path(__file__).parent / "conversations"


@dataclass(frozen=True)
class Step:
    """One text, by language. ``if_asked``: only where a question of a questionnaire is open; ``while_asked``: again."""

    after: timedelta
    writes: Mapping[str, str]
    to_yes_or_no: Mapping[str, str]
    if_asked: bool
    while_asked: bool


@dataclass(frozen=True)
class Recording:
    """A conversation; ``name`` is that of its file."""

    name: str
    title: Mapping[str, str]
    about: Mapping[str, str]
    steps: Sequence[Step]


@cache
def recordings() -> Mapping[str, Recording]:
    """All of them by name, in the order of the list. Raises ``BadSeedFile``."""
    files = [(path.stem, read_seed_file(path, RecordedConversationFile())) for path in sorted(FOLDER.glob("*.yaml"))]
    return {
        name: Recording(name, file["title"], file["about"], [_step(step) for step in file["steps"]])
        for name, file in sorted(files, key=lambda one: (one[1]["place"], one[0]))
    }


def _step(said: Mapping[str, Any]) -> Step:
    return Step(
        after=timedelta(seconds=said["after"]),
        writes=said["writes"],
        to_yes_or_no=said.get("to_yes_or_no", said["writes"]),
        if_asked=said["if_asked"] or said["while_asked"],
        while_asked=said["while_asked"],
    )
