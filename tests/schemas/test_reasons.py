"""Why something was done: words, and not the space for them."""

import pytest
from marshmallow import Schema, ValidationError

from schemas.letters import LetterIn
from schemas.pauses import PauseIn
from schemas.reports import OtherSymptomIn
from schemas.stops import DiscontinuationIn, ReversalIn, WithdrawalIn


@pytest.mark.parametrize("form", [DiscontinuationIn, PauseIn, ReversalIn, WithdrawalIn])
def test_a_reason_of_spaces_alone_is_refused(form: type[Schema]) -> None:
    with pytest.raises(ValidationError) as refusal:
        form(only=("reason",)).load({"reason": " \n\u3000"})

    assert refusal.value.messages == {"reason": ["Something other than spaces is needed."]}


@pytest.mark.parametrize("text", [" \u200b ", "\u2060\ufeff", "\u2800", "\u3164", "\u00ad\u200d", "\r\n"])
def test_a_letter_that_shows_nothing_is_refused(text: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        LetterIn(only=("text",)).load({"text": text})

    assert refusal.value.messages == {"text": ["Something other than spaces is needed."]}


@pytest.mark.parametrize("text", ["好", "\u200b好\u200b", ".", "👨\u200d👩\u200d👧"])
def test_a_letter_that_shows_anything_is_taken(text: str) -> None:
    assert LetterIn(only=("text",)).load({"text": text}) == {"text": text}


def test_a_mark_that_shows_nothing_costs_no_report() -> None:
    assert OtherSymptomIn().load({"text": "\u200b"})["text"] == "\u200b"
