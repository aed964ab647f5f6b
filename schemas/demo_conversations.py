"""The shape of a recorded conversation of the demo: what a phone writes, and how long it waits before each text."""

from datetime import timedelta

from marshmallow import fields, validate

from schemas.base import Schema
from schemas.demo import Interval
from schemas.seed_fields import Truth, Whole, texts

LONGEST_WAIT = timedelta(days=7)


class RecordedStep(Schema):
    """One text of the phone's."""

    after = Interval(
        required=True,
        validate=validate.Range(max=LONGEST_WAIT.total_seconds(), error="Must be a week at most."),
        metadata={"description": "How long the phone waits before it writes; the demo's clock moves by as much"},
    )
    writes = texts("The text, as it is typed")
    to_yes_or_no = texts("What is typed instead where the open question is answered with yes or no", required=False)
    if_asked = Truth("Whether it is written only where a question of a questionnaire is open", load_default=False)
    while_asked = Truth("The same, again and again for as long as one is open", load_default=False)


class RecordedConversationFile(Schema):
    """A conversation that any phone of the demo can play."""

    place = Whole("Where it stands in the list", at_least=1, at_most=99, required=True)
    title = texts("What it is called")
    about = texts("What there is to see, and what remains of it afterwards")
    steps = fields.List(fields.Nested(RecordedStep), required=True, validate=validate.Length(1, 40))
