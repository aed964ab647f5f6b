"""Why something was done: words, and not the space for them."""

import pytest
from marshmallow import Schema, ValidationError

from schemas.pauses import PauseIn
from schemas.stops import DiscontinuationIn, ReversalIn, WithdrawalIn


@pytest.mark.parametrize("form", [DiscontinuationIn, PauseIn, ReversalIn, WithdrawalIn])
def test_a_reason_of_spaces_alone_is_refused(form: type[Schema]) -> None:
    with pytest.raises(ValidationError) as refusal:
        form(only=("reason",)).load({"reason": " \n\u3000"})

    assert refusal.value.messages == {"reason": ["Something other than spaces is needed."]}
