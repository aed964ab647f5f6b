"""Links to the plain form, for staff to hand to a patient."""

from typing import Any
from uuid import UUID

from flask import current_app, g
from flask.views import MethodView

from backend import access
from backend.access import Verb
from backend.api.bodies import ApiBlueprint
from backend.api.qr import svg
from backend.api.requests import settings_of
from backend.conversations.due_forms import conversation_to_fill
from backend.conversations.form_links import give_link
from schemas.form_links import FormLinkIn, FormLinkOut

blp = ApiBlueprint("form_links", __name__, url_prefix="/api/v1/patients", description="Links to the plain form")


@blp.route("/<uuid:patient_id>/form-links")
class FormLinks(MethodView):
    """Links to the form that works without the app."""

    @blp.arguments(FormLinkIn)
    @blp.response(201, FormLinkOut)
    def post(self, body: dict[str, Any], patient_id: UUID) -> dict[str, Any]:
        """Make a link to the questionnaire that is due, or to the one for "something is wrong now".

        It opens until the report is filed, at most 72 hours; an earlier one of the same questionnaire stops working.
        """
        patient = access.patient(g.txn, patient_id, Verb.GIVE_FORM_LINKS)
        conversation = conversation_to_fill(g.txn, patient, body["agenda_key"])
        given = give_link(g.txn, conversation, settings_of(current_app).public_url)
        about = {name: getattr(conversation, name) for name in ("instrument", "agenda_key")}
        return {**vars(given), "qr_svg": svg(given.link), **about}
