"""What a questionnaire asks by text: every path ends, nothing hidden is asked, and what comes out can be submitted."""

import random

import pytest

from backend.conversation_terms import LIVE, Caveat, ConversationStatus, TextSurveys
from backend.conversations import script, wording
from backend.conversations.states import MOVES, Happened, after
from backend.errors import NoLongerPossible
from backend.instruments.answers import check_answers
from backend.instruments.branching import is_hidden
from backend.instruments.definition import Instrument
from backend.terms import Language
from notifications.templates import load_templates, render, segment_count
from tests.study import contents
from tests.study import instrument as shipped

INSTRUMENTS = {name: shipped(name) for name in contents()}
EXTENTS = (TextSurveys.FULL, TextSurveys.SHORT)


def answered(instrument: Instrument, extent: str, chance: random.Random) -> dict[str, float | None]:
    """One way through, with anything a patient may say; every question once, and none that is hidden."""
    answers: dict[str, float | None] = {}
    while (question := script.next_question(instrument, extent, answers)) is not None:
        assert question not in answers, "A question is asked once."
        item = instrument.items.get(question)
        values = {code: int(value) for code, value in answers.items() if value is not None}
        assert item is None or not is_hidden(item, values), f"{question} is hidden."
        answers[question] = an_answer(instrument, question, chance)
    return answers


def an_answer(instrument: Instrument, question: str, chance: random.Random) -> float | None:
    if chance.random() < 0.1:
        return None
    if question == script.TEMPERATURE:
        return chance.choice([34.0, 36.8, 38.4, 43.0])
    if question == script.CARD:
        return float(chance.random() < 0.2)
    return float(chance.randint(0, script.highest_of(instrument, question)))


@pytest.mark.parametrize("name", INSTRUMENTS)
def test_every_way_through_every_questionnaire_ends_in_answers_that_can_be_submitted(name: str) -> None:
    instrument, chance = INSTRUMENTS[name], random.Random(name)

    for extent in EXTENTS * 150:
        answers = answered(instrument, extent, chance)
        filled = script.filled(instrument, answers)
        checked = check_answers(
            instrument, [{"item": code, "value": value} for code, value in filled.answers.items()], filled.measurements
        )
        assert checked.values == {code: value for code, value in filled.answers.items() if value is not None}
        assert all(answers[code] == value for code, value in checked.values.items() if code in answers)
        signs = {code for code, item in instrument.items.items() if item.is_sign}
        assert (signs <= checked.values.keys()) == (answers.get(script.CARD) == 0 and bool(signs) or not signs)


def test_what_is_asked_depends_on_the_questionnaire_and_on_how_much_the_site_wants_asked() -> None:
    of = {name: [list(script.questions_of(one, extent)) for extent in EXTENTS] for name, one in INSTRUMENTS.items()}

    assert of["safety"] == [["temperature_c", "card.any_sign"]] * 2
    assert of["weekly"][1] == ["temperature_c", "card.any_sign", "overall.severity"]
    assert of["weekly"][0][:4] == ["temperature_c", "card.any_sign", "fatigue.severity", "fatigue.interference"]
    assert of["ad_hoc"][0] == ["temperature_c", "card.any_sign", "overall.severity"], "Nobody can pick by text."
    assert of["core"][0][0] == "fatigue.severity"


def test_an_answer_that_was_changed_hides_what_was_said_after_it_and_the_form_may_answer_each_sign() -> None:
    weekly = INSTRUMENTS["weekly"]
    signs = {code: 0.0 for code, item in weekly.items.items() if item.is_sign}
    said: dict[str, float | None] = {"temperature_c": 36.8, **signs, "checklist.chills": 1, "nausea.severity": 3}

    assert script.next_question(weekly, "full", said) == "fatigue.severity"
    assert "nausea.severity" not in script.filled(weekly, said | {"nausea.frequency": 0}).answers
    kept = script.filled(weekly, {"checklist.chills": 1.0, script.CARD: 0.0})
    assert (kept.answers["checklist.chills"], kept.answers["checklist.diarrhea"]) == (1, 0)
    assert Caveat.SIGNS_ASKED_AS_ONE in kept.caveats
    assert Caveat.SIGNS_ASKED_AS_ONE not in script.filled(weekly, said).caveats


def test_going_back_asks_the_question_before_which_is_none_that_has_been_hidden_since() -> None:
    weekly = INSTRUMENTS["weekly"]
    said: dict[str, float | None] = {"temperature_c": None, "card.any_sign": 0, "fatigue.severity": 0}

    assert script.question_before(weekly, "full", said, "appetite.severity") == "fatigue.severity"
    assert script.question_before(weekly, "full", said, "fatigue.severity") == "card.any_sign"
    assert script.question_before(weekly, "full", said, "temperature_c") is None


def test_what_has_ended_never_moves_again_and_every_live_state_can_end() -> None:
    for status in ConversationStatus:
        for happened in Happened:
            if (status, happened) not in MOVES:
                with pytest.raises(NoLongerPossible):
                    after(status, happened)
        ends = {MOVES[move] for move in MOVES if move[0] == status} - set(LIVE)
        assert bool(ends) == (status in LIVE)
        assert (ConversationStatus.PARTIAL in ends) == (status in ("answering", "stalled"))


def test_every_question_is_one_text_message_in_every_language_also_where_it_is_asked_again() -> None:
    templates = load_templates()
    for language in Language:
        for name in contents():
            asked = shipped(name)
            for extent in ("full", "short"):
                for question in script.questions_of(asked, extent):
                    words = {"question": wording.text_of(asked, extent, question, language)}
                    taken = [
                        segment_count(render(templates[template], language, words))
                        for template in ("survey_question", "survey_again")
                    ]
                    assert taken[0] == 1, words
                    assert taken[1] <= 2, words
