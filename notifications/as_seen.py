"""A text as whoever reads it sees it, without the marks that nobody sees. Pure."""

import re

# Marks of direction, joiners, soft hyphens, byte order marks, and the choice between a picture and a character.
_UNSEEN = re.compile(
    "[\u00ad\u061c\u180e\u200c-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\U000e0000-\U000e007f]+"
)
# A space of no width still parts two words of English, and a control is as good as a space.
_AS_GOOD_AS_A_SPACE = re.compile("[\u200b\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f]")


def as_seen(text: str) -> str:
    """What some telephones and keyboards put between letters must hide neither a STOP nor a word of danger."""
    return _AS_GOOD_AS_A_SPACE.sub(" ", _UNSEEN.sub("", text))
