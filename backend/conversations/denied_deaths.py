"""Words of death that do not tell of a death now: denied, or of one long past. Pure.

Where in doubt it is a death: a person decides, and until then nothing is sent. What is found here is still read by a
person before anything else, so nothing is lost by it but a condolence to the living.
"""

import re
from collections.abc import Iterable

# Nobody is followed longer than this by far, so whoever died earlier is not the patient.
LONG_AGO_YEARS = 10
CHINESE_TENS = "[二三四五六七八九两几]?十[一二三四五六七八九多几来]*"
LONG_AGO = re.compile(
    r"(?<![a-z0-9])(?:(?P<figure>\d{1,3}) ?(?:years?|yrs?) ago"
    r"|(?:ten|eleven|twelve|fifteen|twenty|thirty|forty|fifty)(?:[ -](?:one|two|three|four|five))? years ago"
    r"|when i was (?:a |very |still )*(?:child|kid|boy|girl|young|little|small|baby))(?![a-z0-9])"
    rf"|(?P<number>\d{{1,3}}) ?[多几来]?年(?:以|之)?前|{CHINESE_TENS}年(?:以|之)?前|我小时候|我很小的时候"
)
LATELY = re.compile(
    r"(?<![a-z])(?:today|yesterday|tonight|morning|night|just|now|this|last|on)(?![a-z])|[今昨刚凌晨早晚]"
)
CLAUSE_ENDS = re.compile(r"[.!?;,。！？；，\n]")
NOT_ENGLISH = r"(?:not|n't|never|hasnt|nobody has|no one has|nobody|no one)(?: (?:yet|actually|really|just))? "
NOT_CHINESE = r"(?:没有|没|未|不是|并未|并没有|還没|沒有|沒)(?:人|谁|真的|真)?"


def tells_of_no_death_now(text: str, words: Iterable[str]) -> bool:
    """Whether each clause of a folded text with one of these words denies it just before, or speaks of long ago."""
    listed = "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))
    if not listed:
        return False
    telling = [clause for clause in CLAUSE_ENDS.split(text) if re.search(listed, clause)]
    return bool(telling) and all(_is_denied(clause, listed) or _is_long_past(clause) for clause in telling)


def _is_denied(clause: str, listed: str) -> bool:
    denied = re.findall(rf"(?:{NOT_ENGLISH}|{NOT_CHINESE})(?:{listed})", clause)
    return len(denied) == len(re.findall(listed, clause))


def _is_long_past(clause: str) -> bool:
    return any(_is_long(found) for found in LONG_AGO.finditer(clause)) and not LATELY.search(clause)


def _is_long(found: re.Match[str]) -> bool:
    figure = found["figure"] or found["number"]
    return figure is None or int(figure) >= LONG_AGO_YEARS
