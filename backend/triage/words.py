"""Is one of these words in a text a person typed? Pure.

Said once for reports and text messages alike, so that the same words raise the same alarm on every way in.
A negation ("no bleeding") is not understood: a needless call is the cheaper mistake.
"""

import re
import unicodedata
from collections.abc import Iterable

APOSTROPHES = str.maketrans({"\u2019": "'", "\u2018": "'", "\u02bc": "'", "`": "'"})
SPACES_AMONG_CHINESE = re.compile(r"(?<=[^\x00-\x7f])\s+(?=[^\x00-\x7f])")


def holds_any(text: str, words: Iterable[str]) -> bool:
    """Whether any word stands in the text.

    Chinese runs words together, so a word is found anywhere, also across spaces. A word in Latin letters must
    not stand inside a longer one (``died`` in ``studied``); full width, capitals and curly apostrophes are equal.
    """
    plain = _plain(text)
    return any(_stands_in(plain, _plain(word)) for word in words)


def folded(text: str) -> str:
    """Full and half width, capital and small letters, and every apostrophe, are the same to us."""
    return unicodedata.normalize("NFKC", text.translate(APOSTROPHES)).casefold()


def _plain(text: str) -> str:
    return " ".join(SPACES_AMONG_CHINESE.sub("", folded(text)).split())


def _stands_in(plain: str, word: str) -> bool:
    if not word.isascii():
        return word in plain
    return re.search(rf"(?<![a-z0-9]){re.escape(word)}(?![a-z0-9])", plain) is not None
