"""Words that tell of a death only because of whom they stand beside: ``他走了``, "dad passed on Friday". Pure.

No pattern here goes back over what it has read, so that no text, however it repeats itself, takes long.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from backend.protocol.definition import Words
from backend.triage.words import LISTS_REMEMBERED, folded

LONGEST_NEWS = 80
BETWEEN_WORDS = re.compile(r"[^\w']+")
CLAUSE_ENDS = re.compile(r"[.!?;,。！？；，\n]+")
# What this sign stands for beside a death: a number, a day of a month, or a year that is not long past.
NUMBER_SIGN = "#"
A_NUMBER = (
    "(?:[0-9]{1,2}(?:st|nd|rd|th)?|20[2-9][0-9]|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve"
    "|[一二三四五六七八九十两兩几幾]{1,3})"
)


@dataclass(frozen=True)
class _Lists:
    """The words of one language."""

    many_meanings: tuple[str, ...]
    only_of_a_person: tuple[str, ...]
    persons: tuple[str, ...]
    beside: tuple[str, ...]


def says_only_that_a_person_died(text: str, words: Words) -> bool:
    """``他走了`` and "my father died 3 days ago", but neither ``药没了`` nor "my phone died"."""
    plain = _plain(folded(text))
    return len(plain) <= LONGEST_NEWS and any(_whole(one).fullmatch(plain) is not None for one in _by_language(words))


def may_say_that_a_person_died(text: str, words: Words) -> bool:
    """Whether a word that else tells of nobody's death is all that is said, or ends a clause that names a person.

    "Did not make it" and "dad passed this morning, what now?" may; "I passed the test" and "he passed urine" do not.
    """
    clauses = [_plain(clause) for clause in CLAUSE_ENDS.split(folded(text))]
    whole = _plain(folded(text))
    return any(
        whole in one.only_of_a_person or any(_part(one).search(clause) is not None for clause in clauses)
        for one in _by_language(words)
    )


def _plain(said: str) -> str:
    return " ".join(BETWEEN_WORDS.sub(" ", said).split())


def _by_language(words: Words) -> Iterator[_Lists]:
    many, only = words.death_after_a_person, words.death_only_of_a_person
    for language in dict.fromkeys((*many, *only)):
        persons, beside = words.persons.get(language, ()), words.beside_a_death.get(language, ())
        yield _Lists(many.get(language, ()), only.get(language, ()), persons, beside)


@lru_cache(maxsize=LISTS_REMEMBERED)
def _whole(lists: _Lists) -> re.Pattern[str]:
    """A word alone, or a person and a word with nothing but words of ``beside`` around them."""
    person, beside = one_of(lists.persons), one_of(lists.beside)
    alone, death = one_of(lists.many_meanings), one_of((*lists.many_meanings, *lists.only_of_a_person))
    before = f"(?:(?!{person}){beside} ?)*+(?:{person}(?:'s)? ?)++"
    return re.compile(f"{alone}|{before}(?:(?!{death}){beside} ?)*+{death} ?(?:{beside} ?)*+")


@lru_cache(maxsize=LISTS_REMEMBERED)
def _part(lists: _Lists) -> re.Pattern[str]:
    """A person and a word in a longer text, where the clause ends or goes on with a word of ``beside``."""
    beside, death = one_of(lists.beside), one_of(lists.only_of_a_person)
    return re.compile(f"{one_of(lists.persons)}(?:'s)? ?(?:(?!{death}){beside} ?)*+{death}(?= ?(?:{beside}|$))")


def one_of(listed: tuple[str, ...]) -> str:
    """A pattern for any of them in a folded text; nothing when there are none.

    Where a word begins or ends in a Latin letter or a figure, it does so in the text: ``died`` is not in ``studied``.
    """
    longest_first = sorted((folded(word) for word in listed), key=len, reverse=True)
    return "(?:(?!)" + "".join(f"|{_as_a_whole(word)}" for word in longest_first) + ")"


def _as_a_whole(word: str) -> str:
    said = re.escape(word).replace(re.escape(NUMBER_SIGN), A_NUMBER)
    begins, ends = word[:1].isascii(), word[-1:].isascii()
    return f"{'(?<![a-z0-9])' if begins else ''}{said}{'(?![a-z0-9])' if ends else ''}"
