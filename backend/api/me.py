"""A patient's own record, as the phone sees it."""

from typing import Any

from flask import g
from flask.views import MethodView

from backend import access
from backend.agenda.planning import replan
from backend.api.bodies import ApiBlueprint
from backend.patients.changes import change_preferences
from backend.patients.models import Patient
from backend.staff.models import Site
from schemas.patients import MeOut, PreferencesIn

blp = ApiBlueprint("me", __name__, url_prefix="/api/v1/me", description="The patient's own record")


@blp.route("")
class Me(MethodView):
    """Who is signed in on this phone."""

    @blp.response(200, MeOut)
    def get(self) -> dict[str, Any]:
        """Read one's own record: preferences, and whom to call."""
        return _shown(access.own_patient(g.txn))


@blp.route("/preferences")
class Preferences(MethodView):
    """How the patient wishes to be reached."""

    @blp.arguments(PreferencesIn)
    @blp.response(200, MeOut)
    def patch(self, body: dict[str, Any]) -> dict[str, Any]:
        """Change language, zone, channels or hours; what is left out stays."""
        patient = change_preferences(g.txn, access.own_patient(g.txn), body)
        replan(g.txn, patient)
        return _shown(patient)


def _shown(patient: Patient) -> dict[str, Any]:
    site = g.txn.session.get_one(Site, patient.site_id)
    about_site = {
        "site": site.code,
        "site_name": site.name,
        "emergency_phone": site.emergency_phone,
        "office_phone": site.office_phone,
    }
    names = ("id", "subject_number", "language", "time_zone", "channels", "quiet_from", "quiet_to", "preferred_time")
    return {name: getattr(patient, name) for name in (*names, "status")} | about_site | {"calendar_url": None}
