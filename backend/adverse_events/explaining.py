"""Why an adverse event is emergent or not, in words for the staff. The words stand in ``words``, a file a language."""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from backend.terms import Language

_WORDS = Path(__file__).parent / "words"
PERIODS = ("study", "cells", "drug")


def explain(emergence: Mapping[str, Any], language: str) -> dict[str, str]:
    """By period, one sentence on what the flag rests on. ``emergence`` is what is stored with the event."""
    words = catalogue(language)
    return {period: _sentence(words, period, emergence[period]) for period in PERIODS}


@cache
def catalogue(language: str) -> Mapping[str, str]:
    """The words in one of our languages."""
    text = (_WORDS / f"emergence.{Language(language)}.json").read_text(encoding="utf-8")
    words: dict[str, str] = json.loads(text)
    return words


def _sentence(words: Mapping[str, str], period: str, flag: Mapping[str, Any]) -> str:
    window = words["window" if flag["to"] else "open_window"].format(**flag)
    return words[flag["because"]].format(period=words[period], window=window, on=flag["on"], grade=flag["grade"])
