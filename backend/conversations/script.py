"""What a questionnaire asks by text message, question by question, and what the answers come to. Pure.

The temperature comes first, then one question about the whole card of danger signs, then the symptoms: one by one, or
as one question where the site wants it short. Whoever says yes to the card is asked nothing more: a person calls.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from backend.conversation_terms import Caveat, TextSurveys
from backend.conversations import form_questions
from backend.instruments.branching import is_hidden
from backend.instruments.definition import Instrument

TEMPERATURE = "temperature_c"
CARD = "card.any_sign"
OVERALL = "overall.severity"
# Asked by text message alone; no instrument has items of these names.
ONLY_BY_TEXT = (CARD, OVERALL)
YES, NO = 1, 0
HIGHEST_OVERALL = 4
# From so much on a person looks at what is behind one answer for everything.
WORTH_A_LOOK = 2

Values = Mapping[str, float | None]


@dataclass(frozen=True)
class Filled:
    """Answers so far, as a report has them. ``answers`` holds None for what was left out.

    ``overall`` is the one answer that stands for all symptoms, where it is bad enough for a person to look.
    """

    answers: Mapping[str, int | None]
    measurements: Mapping[str, float]
    overall: int | None
    caveats: tuple[Caveat, ...]


def questions_of(instrument: Instrument, extent: str) -> Iterator[str]:
    """Everything it may ask, in order. Symptoms that are only offered are one question: nobody can pick by text."""
    measured = instrument.measurements.get(TEMPERATURE)
    if measured is not None and measured.asked:
        yield TEMPERATURE
    if any(item.is_sign for item in instrument.items.values()):
        yield CARD
    symptoms = [item for item in instrument.items.values() if not item.is_sign]
    if extent == TextSurveys.SHORT:
        yield from [OVERALL] if symptoms else []
        return
    yield from (item.code for item in symptoms if not item.offered)
    yield from [OVERALL] if any(item.offered for item in symptoms) else []


def next_question(instrument: Instrument, extent: str, answers: Values) -> str | None:
    """The first question that has no answer and that no answer hides; None when nothing is left to ask.

    ``answers``: item → value, None for what was left out. The form may have answered the signs one by one: then the
    card is not asked. Nor is anything asked of whoever said that a sign of the card is there.
    """
    if answers.get(CARD) == YES:
        return None
    values = _values(instrument, answers)
    for question in questions_of(instrument, extent):
        if question in answers or (question == CARD and _knows_every_sign(instrument, answers)):
            continue
        item = instrument.items.get(question)
        if item is None or not is_hidden(item, values):
            return question
    return None


def question_before(instrument: Instrument, extent: str, answers: Values, asked: str | None) -> str | None:
    """The last question with an answer before this one; None when it is the first."""
    values = _values(instrument, answers)
    before: str | None = None
    for question in questions_of(instrument, extent):
        if question == asked:
            break
        item = instrument.items.get(question)
        if question in answers and (item is None or not is_hidden(item, values)):
            before = question
    return before


def may_be(instrument: Instrument, question: str, value: float) -> bool:
    """Whether this value can be an answer to this question."""
    measured = instrument.measurements.get(question)
    if measured is not None:
        return measured.minimum <= value <= measured.maximum and (not measured.is_whole or value == int(value))
    return value == int(value) and 0 <= value <= highest_of(instrument, question)


def is_finished(instrument: Instrument, extent: str, answers: Values) -> bool:
    """Whether everything was asked that there is to ask: also what is not asked any more after a yes to the card."""
    return next_question(instrument, extent, {**answers, CARD: NO} if CARD in answers else answers) is None


def highest_of(instrument: Instrument, question: str) -> int:
    """The highest value of a question that is no measurement."""
    if question in form_questions.HIGHEST:
        return form_questions.HIGHEST[question]
    if question == OVERALL:
        return HIGHEST_OVERALL
    return YES if question == CARD else instrument.items[question].highest


def is_yes_or_no(instrument: Instrument, question: str) -> bool:
    """Whether it is asked as 1 for yes and 2 for no."""
    return question not in instrument.measurements and highest_of(instrument, question) == YES


def is_a_scale(instrument: Instrument, question: str) -> bool:
    """Whether it is asked as one of several degrees, 0 to 4."""
    return question not in instrument.measurements and highest_of(instrument, question) > YES


def filled(instrument: Instrument, answers: Values) -> Filled:
    """What the answers come to.

    No to the card is no to each sign that was not answered by itself, as "none of these" is in the app. What an
    earlier answer hides, after somebody went back and changed it, is left out.
    """
    values = _values(instrument, answers)
    overall = answers.get(OVERALL)
    return Filled(
        answers={
            code: answer
            for code, answer in _items(instrument, answers).items()
            if not is_hidden(instrument.items[code], values)
        },
        measurements={name: value for name in instrument.measurements if (value := answers.get(name)) is not None},
        overall=int(overall) if overall is not None and overall >= WORTH_A_LOOK else None,
        caveats=tuple(_caveats(instrument, answers)),
    )


def _caveats(instrument: Instrument, answers: Values) -> Iterator[Caveat]:
    yield Caveat.MODE_NOT_VALIDATED
    if CARD in answers and not _knows_every_sign(instrument, answers):
        yield Caveat.SIGNS_ASKED_AS_ONE
    if OVERALL in answers:
        yield Caveat.SYMPTOMS_ASKED_AS_ONE


def _items(instrument: Instrument, answers: Values) -> dict[str, int | None]:
    """The items that were asked, in the instrument's order; a card that was left out leaves its signs out."""
    card_answered, card = CARD in answers, answers.get(CARD)
    found: dict[str, int | None] = {}
    for code, item in instrument.items.items():
        if code in answers:
            value = answers[code]
            found[code] = None if value is None else int(value)
        elif item.is_sign and card_answered and card != YES:
            found[code] = None if card is None else NO
    return found


def _values(instrument: Instrument, answers: Values) -> dict[str, int]:
    return {code: value for code, value in _items(instrument, answers).items() if value is not None}


def _knows_every_sign(instrument: Instrument, answers: Values) -> bool:
    return all(item.code in answers for item in instrument.items.values() if item.is_sign)
