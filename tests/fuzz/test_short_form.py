"""The short form of ``python3 do.py fuzz``: some hundreds of requests, within the process, one seed, both databases."""

from random import Random

import pytest
import schemathesis

from backend.api.permissions import Who
from tests.fuzz.places import Places
from tests.fuzz.requests import Fuzzer
from tests.fuzz.tally import SERVER_ERRORS, UNDOCUMENTED, VIOLATIONS, Tally
from tests.hostile.ground import ids_of
from tests.people import ann, ben, phone_of

CASES = 200


# Schemathesis warns of what it leaves out of a document; what it sends is what is looked at here.
@pytest.mark.filterwarnings("ignore")
def test_what_the_document_can_describe_never_fails_and_is_answered_as_the_document_says(app, db):
    patient = ann(db)
    ids_of(app, db, patient, {Who.PATIENT: phone_of(db, patient)})
    ben(db)
    tally = Tally()
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", app)

    Fuzzer(schema, Places(db, Random(1)), tally, lambda case: case.call(), seed=1).run(CASES)

    assert tally.is_clean, "\n".join(tally.lines())
    assert tally.cases > CASES // 2
    assert len(tally.views_reached()) > 25


def test_an_answer_that_the_document_does_not_know_is_told_apart(app, db):
    """The tally itself: a status, a shape and a failure that should not be are each found."""
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", app)
    case = schema["/api/v1/sites"]["GET"].Case()
    answer = case.call()

    for status, content, kind in ((418, b"{}", UNDOCUMENTED), (500, b"{}", SERVER_ERRORS), (200, b"{}", VIOLATIONS)):
        tally = Tally()
        answer.status_code, answer.content = status, content
        tally.note(case, answer)

        assert tally.failures[kind], kind
        assert not tally.is_clean
