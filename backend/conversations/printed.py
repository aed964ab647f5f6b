"""The word that a question prints beside a digit, as that digit: under "1还好" the text ``还好`` is 1. Pure.

Only what is printed counts, with its digit or without: ``fine`` is no ``well``, and ``还好，就是有点累`` says more. All
languages of a text are heard, for whoever holds the telephone may write the other. A word with a question mark behind
it asks something ("能来？"), and one that trails off ("well...") says that there is more.
"""

import re
from collections.abc import Iterable, Mapping
from functools import cache

from backend.conversations.reading import plain_word
from notifications.as_seen import as_seen
from notifications.templates import load_templates

# ``1 = coming``, ``1还好``: what stands between a digit and the next comma or full stop.
CHOICE = re.compile(r"(?<!\d)(\d)(?: = ?)?([^\d,，.。;；{}]+)")
# Between a digit and its word as people set them.
WITH_ITS_DIGIT = re.compile(r"(?:(?P<digit>\d)[ .:=)\u20e3-]*)?(?P<word>\D+)")
SAYS_MORE = re.compile(r"[?？…]|[.。]{2}")
LONGEST = 60

Printed = Mapping[str, int]


@cache
def words_of(template: str) -> Printed:
    """The words that this text of ours prints beside its digits, in every language; none where it asks nothing."""
    said = load_templates().get(template)
    texts = said.texts.values() if said else ()
    return printed((int(digit), word) for text in texts for digit, word in CHOICE.findall(text))


def printed(choices: Iterable[tuple[int, str]]) -> Printed:
    """Words as they are compared, each with its digit. A word that stands beside two digits is neither."""
    digits: dict[str, set[int]] = {}
    for digit, word in choices:
        digits.setdefault(plain_word(word), set()).add(digit)
    return {word: found.pop() for word, found in digits.items() if len(found) == 1}


def digit_meant(text: str, words: Printed) -> int | None:
    """Which digit it says in the printed word; None where it says anything else, or another digit before the word."""
    seen = as_seen(text)
    found = None if len(seen) > LONGEST or SAYS_MORE.search(seen) else WITH_ITS_DIGIT.fullmatch(plain_word(seen))
    meant = words.get(found["word"].strip()) if found else None
    return meant if found and found["digit"] in (None, str(meant)) else None
