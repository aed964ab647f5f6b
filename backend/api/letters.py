"""Letters: what a person of the team writes to a patient, or answers to a text in the inbox."""

from typing import Any
from uuid import UUID

from flask import g
from flask.views import MethodView

from backend import access
from backend.access import Verb
from backend.api.bodies import ApiBlueprint
from backend.conversations import letters
from backend.conversations.letters import Words
from backend.errors import InvalidInput
from backend.terms import Language
from schemas.letters import InboxReplyIn, LetterIn, LetterOut

blp = ApiBlueprint("letters", __name__, url_prefix="/api/v1", description="What the team writes")


@blp.route("/patients/<uuid:patient_id>/messages")
class PatientLetters(MethodView):
    """Letters to a patient."""

    @blp.arguments(LetterIn)
    @blp.response(201, LetterOut)
    def post(self, body: dict[str, Any], patient_id: UUID) -> Any:
        """Write to a patient, in the app or by text as the patient has chosen."""
        patient = access.patient(g.txn, patient_id, Verb.WRITE_LETTERS)
        return letters.write(g.txn, patient, Words(body["text"], body["id"]))


@blp.route("/inbox/<uuid:inbound_id>/replies")
class InboxReplies(MethodView):
    """Answers to a text."""

    @blp.arguments(InboxReplyIn)
    @blp.response(201, LetterOut)
    def post(self, body: dict[str, Any], inbound_id: UUID) -> Any:
        """Answer a text, to where it came from; it stays in the inbox until somebody resolves it."""
        received = access.inbound(g.txn, inbound_id, Verb.WRITE_LETTERS)
        language = Language(body["language"]) if body["language"] else None
        site_id = received.site_id or _site(body["site"])
        return letters.reply(g.txn, received, Words(body["text"], body["id"], language), site_id)


def _site(code: str | None) -> UUID:
    """Where whoever answers works; the body says which, if that is more than one place."""
    if code is not None:
        return access.site_by_code(g.txn, code, Verb.WRITE_LETTERS).id
    own = access.sites_where(g.txn, Verb.WRITE_LETTERS)
    if len(own) != 1:
        raise InvalidInput(fields={"site": ["This text belongs to no site: say whose telephone number to give."]})
    return own.pop()
