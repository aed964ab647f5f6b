"""Somebody who has an old phone: reads a text as a person does, by what it says, and answers by how they feel.

Nothing here knows our tables, keys or templates. A text that such a reader makes nothing of ends the story, because a
patient would make nothing of it either.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field


class Stuck(Exception):
    """The person does not know what to do."""


@dataclass(frozen=True)
class Mood:
    """How the person is these days. ``symptoms``: a word of a question → how bad, from 0 to 4."""

    temperature: str = "36.6"
    has_a_sign: bool = False
    symptoms: Mapping[str, int] = field(default_factory=dict)
    overall: int = 0
    # So many questions are answered, and then the phone is put away.
    patience: int = 100_000
    comes_to_visits: bool = True


# The choices a text prints: a figure, and after it what the figure means.
CHOICE = re.compile(r"(?<![\d.])(\d)\s*[=＝：:、.]?\s*([^\d\s，,、；;。.：:]+)")
RANGE = re.compile(r"(\d)\s*(?:[-–—~～至到])\s*(\d)")
NOT = re.compile(r"没有|没|不|无|否")
# Whoever asks says so. What may be replied at any time, and is not asked now, is how to stop and begin texts again.
ASKS = re.compile(r"[？?]|请\S{0,4}回复|回复[：:\d]|请回答")
AT_ANY_TIME = re.compile(r"不想再收短信请回复TD|不想再收请回复TD|恢复短信请回复[：:]?恢复")


@dataclass
class Person:
    """Chinese is what this one reads. ``birth_year`` is what only they know."""

    birth_year: int
    mood: Mood = field(default_factory=Mood)
    answered: int = 0

    def answer_to(self, text: str) -> str | None:
        """What to write back; None when nothing is asked."""
        if re.search(r"出生", text):
            return str(self.birth_year)
        if self.answered >= self.mood.patience:
            return None
        answer = self._answer(text)
        self.answered += answer is not None and about(text) == "health"
        return answer

    def _answer(self, text: str) -> str | None:
        choices = {what: figure for figure, what in CHOICE.findall(text.partition("回复")[2])}
        if "体温" in text:
            return self.mood.temperature
        if any("能来" in what for what in choices):
            return _chosen(choices, "能来" if self.mood.comes_to_visits else "改", text)
        if any("还好" in what for what in choices):
            return _chosen(choices, "还好", text)
        if re.search(r"危险|卡片?上|卡上", text) and choices:
            return _yes_or_no(choices, text, is_yes=self.mood.has_a_sign)
        if RANGE.search(text) or len(choices) > 2:
            return str(self._how_bad(text))
        if len(choices) == 2:
            return _yes_or_no(choices, text, is_yes=self._how_bad(text) > 0)
        if not ASKS.search(AT_ANY_TIME.sub("", text)):
            return None
        raise Stuck(f"What shall one answer to this? {text}")

    def _how_bad(self, text: str) -> int:
        if re.search(r"总|整体|所有|全部", text):
            return self.mood.overall
        return next((how_bad for word, how_bad in self.mood.symptoms.items() if word in text), 0)


def _chosen(choices: Mapping[str, str], meaning: str, text: str) -> str:
    for what, figure in choices.items():
        if meaning in what:
            return figure
    raise Stuck(f"None of the choices means {meaning}: {text}")


def _yes_or_no(choices: Mapping[str, str], text: str, *, is_yes: bool) -> str:
    for what, figure in choices.items():
        if (NOT.search(what) is None) == is_yes:
            return figure
    raise Stuck(f"Which is {'yes' if is_yes else 'no'}? {text}")


def about(text: str) -> str:
    """What a text is about, as somebody knows who has read it."""
    for word, what in (("能来", "a visit"), ("还好", "being well"), ("出生", "the number")):
        if word in text:
            return what
    return "health"
