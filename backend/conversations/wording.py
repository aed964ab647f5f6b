"""A question in the words of a text message: the instrument's own, with its choices and their stored values. Pure.

What texts say beside the instrument's words stands in ``words``, a file a language.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path

from backend.conversations import script
from backend.instruments.definition import Instrument
from backend.terms import Language

_WORDS = Path(__file__).parent / "words"
# What a reply of 1 and of 2 means where it is a matter of yes or no, in the order in which they are printed.
YES_AND_NO = (script.YES, script.NO)


@cache
def words(language: str) -> Mapping[str, str]:
    """What texts say beside the instrument's own words, in one of our languages."""
    said: dict[str, str] = json.loads((_WORDS / f"{Language(language)}.json").read_text(encoding="utf-8"))
    return said


def text_of(instrument: Instrument, extent: str, question: str, language: str) -> str:
    """The question as it is asked. The first about a time says which time it is about."""
    said = words(language)
    if question == script.TEMPERATURE:
        return said["temperature"]
    recalled = _recall(instrument, extent, question, language)
    if question == script.CARD:
        return recalled + said["card"]
    choices = _listed(choices_of(instrument, question, language), language)
    if question == script.OVERALL:
        return recalled + said["overall"].format(choices=choices)
    asked = said["item"].format(question=instrument.items[question].question[language], choices=choices)
    return recalled + asked


def choices_of(instrument: Instrument, question: str, language: str) -> Sequence[tuple[int, str]]:
    """The digits that a question prints, and the words beside them, for one that is neither measured nor the card."""
    if question == script.OVERALL:
        return list(enumerate(instrument.content["severity_choices"][language]))
    choices = instrument.items[question].choices[language]
    if script.is_yes_or_no(instrument, question):
        return list(enumerate((choices[value] for value in YES_AND_NO), start=1))
    return list(enumerate(choices))


def _listed(choices: Iterable[tuple[int, str]], language: str) -> str:
    said = words(language)
    return said["between"].join(said["choice"].format(value=value, label=label) for value, label in choices)


def _recall(instrument: Instrument, extent: str, question: str, language: str) -> str:
    """The time a part asks about, before the first question of the part."""
    part = _part_of(instrument, question)
    before: set[str] = set()
    for one in script.questions_of(instrument, extent):
        if one == question:
            break
        before |= _part_of(instrument, one)
    if not part or part <= before:
        return ""
    about = next(one for one in instrument.content["parts"] if one["part"] in part)
    return str(about["recall_text"][language]) + words(language)["after_the_time"]


def _part_of(instrument: Instrument, question: str) -> set[str]:
    if question in instrument.items:
        return {instrument.items[question].part}
    if question == script.CARD:
        return {item.part for item in instrument.items.values() if item.is_sign}
    if question == script.OVERALL:
        return {next(item.part for item in instrument.items.values() if not item.is_sign)}
    return set()
