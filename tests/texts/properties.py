"""What must hold of every text, however it was made; a fault is told in a sentence that shows the text."""

import time
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from backend.conversations.reading import Command, command_in, read_choice, read_number, says_yes_or_no
from backend.conversations.replies import EMERGENCIES, Digit, Meaning, holds_danger, read
from backend.protocol.definition import Words
from notifications.opt_outs import keyword_in
from tests.texts.grammar import Kind, Made

# Whatever a number may be written with. A text that holds anything else says more than a number.
OF_NUMBERS = frozenset("0123456789零一二三四五六七八九〇两兩十百半点點度摄攝氏体體温溫重公斤千克是为°·・") | frozenset(
    "我现現在发發高低烧燒热熱了到有 temperature weight is degrees celsius kilogs i have got my a fever of"
)
DEATHS = frozenset({Meaning.DEATH, Meaning.PERHAPS_DEATH, Meaning.DEATH_AND_DANGER, Meaning.DANGER_PERHAPS_DEATH})
MOST_SECONDS = 2.0
SHOWN = 120


@dataclass
class Tally:
    """What texts were read as, and what was wrong."""

    read_as: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    slowest: float = 0.0

    def look_at(self, made: Made, words: Words) -> str:
        """Read a text in every way there is, and note what it was read as and what should not have happened."""
        began = time.process_time()
        try:
            meaning = read(made.text, words)
            became, wrong = read_as(made.text, meaning), list(faults(made, meaning, words))
        except Exception as error:
            became, wrong = "raised", [f"{type(error).__name__}: {error}"]
        seconds = time.process_time() - began
        self.slowest = max(self.slowest, seconds)
        if seconds > MOST_SECONDS:
            wrong.append(f"took {seconds:.1f} s")
        self.read_as[became] += 1
        self.faults += [f"{made.kind.name} {ascii(made.text[:SHOWN])}: {one}" for one in wrong]
        return became


def read_as(text: str, meaning: Digit | Command | Meaning) -> str:
    """The one thing that a text is, in the order in which the server asks."""
    if keyword_in(text) is not None:
        return "keyword"
    if meaning in EMERGENCIES:
        return "danger and death" if meaning in DEATHS else "danger"
    if meaning in DEATHS:
        return "death"
    if isinstance(meaning, Digit) or read_number(text) is not None:
        return "answer"
    return "command" if isinstance(meaning, Command) else "kept whole"


def faults(made: Made, meaning: Digit | Command | Meaning, words: Words) -> Iterator[str]:
    """What is wrong with how it was read."""
    number, choice, command = read_number(made.text), read_choice(made.text), command_in(made.text)
    yield from _of_all(made.text, number, choice, command)
    yield from _as_made(made, meaning, number)
    if made.kind is Kind.DANGER and not holds_danger(made.text, words):
        yield "holds a danger that was not found where nobody could be told for the writer"


def _of_all(text: str, number: Decimal | None, choice: int | None, command: Command | None) -> Iterator[str]:
    if number is not None and command is not None:
        yield f"is the number {number} and the command {command.value}"
    if keyword_in(text) is not None and (number is not None or command is not None):
        yield "is STOP or START, and something else"
    if number is not None and (not 0 <= number < 1000 or _letters(text) - OF_NUMBERS):
        yield f"is no {number}"
    said = says_yes_or_no(text)
    if said is not None and (number is not None or command not in (None, Command.NOT_ANSWERING)):
        yield f"is {said} and {number or command}"
    if choice is not None and (number != choice or not 0 <= choice <= 9):
        yield f"is the choice {choice} and the number {number}"


def _letters(text: str) -> set[str]:
    """The letters and figures in it, as they are compared."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return {_figure(one) for one in folded if unicodedata.category(one)[0] in "LN"}


def _figure(character: str) -> str:
    return str(unicodedata.decimal(character)) if character.isdecimal() else character


def _as_made(made: Made, meaning: Digit | Command | Meaning, number: Decimal | None) -> Iterator[str]:
    match made.kind:
        case Kind.CHOICE if meaning != Digit(int(made.holds)):
            yield f"is the answer {made.holds} and was read as {meaning}"
        case Kind.NUMBER if number != made.holds:
            yield f"is {made.holds} and was read as {number}"
        case Kind.COMMAND if meaning is not made.holds:
            yield f"asks for {made.holds} and was read as {meaning}"
        case Kind.KEYWORD if keyword_in(made.text) is None:
            yield "is STOP or START and was not heard"
        case Kind.DANGER if meaning not in EMERGENCIES:
            yield f"holds a danger and was read as {meaning}"
        case Kind.DEATH if meaning not in DEATHS:
            yield f"tells of a death and was read as {meaning}"
        case Kind.BESIDE if number is not None or meaning is not Meaning.UNCLEAR:
            yield f"is for a person and was read as {meaning}, {number}"
