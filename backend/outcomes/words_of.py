"""The words of tables and pictures, in the staff's languages. They stand in ``words``, a file a language."""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from backend.terms import Language

_WORDS = Path(__file__).parent / "words"


@cache
def words_in(language: str) -> Mapping[str, str]:
    """Every word of the outcomes in one of our languages."""
    words: dict[str, str] = json.loads((_WORDS / f"outcomes.{Language(language)}.json").read_text(encoding="utf-8"))
    return words
