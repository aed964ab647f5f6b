"""Questions to a patient about a candidate event, asked by staff and answered by text."""

from collections.abc import Sequence
from functools import partial
from typing import Any
from uuid import UUID

from flask import g
from flask.views import MethodView

from backend import access
from backend.access import Verb
from backend.api.bodies import ApiBlueprint
from backend.api.requests import afterwards
from backend.patients.identifiers import note_reading
from backend.triage import questions
from backend.triage.models import CandidateEvent, CandidateQuestion
from schemas.paging import PageQuery, make_cursor, read_cursor
from schemas.questions import QuestionIn, QuestionOut, QuestionPageOut

blp = ApiBlueprint("questions", __name__, url_prefix="/api/v1/candidate-events", description="Questions to patients")

AS_IT_IS = ("id", "asked_at", "asked_by", "answered_at")


@blp.route("/<uuid:candidate_id>/questions")
class Questions(MethodView):
    """What was asked about a candidate event."""

    @blp.arguments(PageQuery, location="query")
    @blp.response(200, QuestionPageOut)
    def get(self, query: dict[str, Any], candidate_id: UUID) -> dict[str, Any]:
        """List the questions and their answers, the first one first. Who reads the words is noted."""
        candidate = access.record(g.txn, CandidateEvent, candidate_id, Verb.READ_CANDIDATES)
        after = read_cursor(query["cursor"], *questions.KEY)
        listed, more = questions.questions_of(g.txn, candidate, after=after, limit=query["limit"])
        asked = shown(candidate, listed)
        if any("text" in one for one in asked):
            afterwards(partial(note_reading, patient_id=candidate.patient_id))
        return {"items": asked, "next_cursor": make_cursor(more)}

    @blp.arguments(QuestionIn)
    @blp.response(201, QuestionOut)
    def post(self, body: dict[str, Any], candidate_id: UUID) -> dict[str, Any]:
        """Ask the patient; the candidate waits for the answer."""
        candidate = access.record(g.txn, CandidateEvent, candidate_id, Verb.ASK_PATIENTS)
        return _with_words(questions.ask(g.txn, candidate, body["text"]))


def shown(candidate: CandidateEvent, listed: Sequence[CandidateQuestion]) -> list[dict[str, Any]]:
    """Questions as they are listed; whoever shows their words to those who may see identifiers notes the reading."""
    may_read = access.may(g.txn, candidate.site_id, Verb.READ_IDENTIFIERS)
    return [_with_words(one) if may_read else _without_words(one) for one in listed]


def _with_words(question: CandidateQuestion) -> dict[str, Any]:
    text, answer = questions.words_of(g.txn, question)
    return _without_words(question) | {"text": text, "answer": answer}


def _without_words(question: CandidateQuestion) -> dict[str, Any]:
    return {name: getattr(question, name) for name in AS_IT_IS}
