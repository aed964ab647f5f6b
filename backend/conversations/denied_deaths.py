"""Words of death that do not tell of a patient's death now: denied, feared, of one long past, or of a neighbour. Pure.

Where in doubt it is a death: a person decides, and until then nothing is sent. What is found here is still read by a
person before anything else, so nothing is lost by it but a condolence to the living.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from backend.conversations.deaths_told import CLAUSE_ENDS, one_of
from backend.protocol.definition import WordLists, Words
from backend.triage.words import LISTS_REMEMBERED, folded

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
NOT_ENGLISH = (
    r"(?:not|n't|never|hasnt|nobody has|no one has|nobody|no one|nearly|almost)(?: (?:yet|actually|really|just))? "
)
NOT_CHINESE = r"(?:没有|没|未|不是|并未|并没有|還没|沒有|沒)(?:人|谁|真的|真)?|[快要想怕]"


@dataclass(frozen=True)
class _Lists:
    """The words of all languages."""

    death: tuple[str, ...]
    persons: tuple[str, ...]
    other_people: tuple[str, ...]


def tells_of_no_death_now(text: str, words: Words) -> bool:
    """Whether each clause with a word of death denies or fears it just before, or is of long ago or somebody else."""
    lists = _Lists(*(_in_all_languages(one) for one in (words.death, words.persons, words.other_people)))
    if not lists.death:
        return False
    listed, mention = _death(lists), _mention(lists)
    telling = [clause for clause in CLAUSE_ENDS.split(" ".join(folded(text).split())) if listed.search(clause)]
    return bool(telling) and all(
        _is_denied(clause, listed) or _is_long_past(clause) or _is_of_somebody_else(clause, listed, mention)
        for clause in telling
    )


def _in_all_languages(lists: WordLists) -> tuple[str, ...]:
    return tuple(folded(word) for said in lists.values() for word in said)


@lru_cache(maxsize=LISTS_REMEMBERED)
def _death(lists: _Lists) -> re.Pattern[str]:
    return re.compile(f"(?P<denied>{NOT_ENGLISH}|{NOT_CHINESE})?(?:{_anywhere(lists.death)})")


@lru_cache(maxsize=LISTS_REMEMBERED)
def _mention(lists: _Lists) -> re.Pattern[str]:
    """Somebody who is named: one of the patients' families, or somebody else and theirs ("my neighbour's wife")."""
    person, other = one_of(lists.persons), one_of(lists.other_people)
    return re.compile(f"(?P<other>{other}(?:(?:'s |s' | s |的)?{person})?)|{person}")


def _anywhere(listed: tuple[str, ...]) -> str:
    return "|".join(re.escape(word) for word in sorted(listed, key=len, reverse=True))


def _is_denied(clause: str, listed: re.Pattern[str]) -> bool:
    return all(found["denied"] for found in listed.finditer(clause))


def _is_of_somebody_else(clause: str, listed: re.Pattern[str], mention: re.Pattern[str]) -> bool:
    """Whether whoever is named last before the word of death is nobody whom a study follows."""
    told = listed.search(clause)
    named = list(mention.finditer(clause, 0, told.start())) if told else []
    return bool(named) and named[-1]["other"] is not None


def _is_long_past(clause: str) -> bool:
    return any(_is_long(found) for found in LONG_AGO.finditer(clause)) and not LATELY.search(clause)


def _is_long(found: re.Match[str]) -> bool:
    figure = found["figure"] or found["number"]
    return figure is None or int(figure) >= LONG_AGO_YEARS
