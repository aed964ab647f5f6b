"""A patient's own record, as the phone sees it."""

from functools import partial
from typing import Any
from uuid import UUID

from flask import current_app, g
from flask.views import MethodView

from backend import access
from backend.agenda.planning import replan
from backend.api.bodies import ApiBlueprint
from backend.api.requests import afterwards, settings_of
from backend.db import Transaction
from backend.patients import feeds
from backend.patients.changes import change_preferences
from backend.patients.models import Patient
from backend.staff.models import Site
from schemas.patients import CalendarFeedOut, MeOut, PreferencesIn

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


@blp.route("/calendar-feed")
class CalendarFeeds(MethodView):
    """The address at which the patient's calendar program reads the agenda."""

    @blp.response(201, CalendarFeedOut)
    def post(self) -> dict[str, Any]:
        """Get a new address; the one known until now shows nothing any more."""
        patient = access.own_patient(g.txn)
        feeds.void_feed(g.txn, patient, "a new address was asked for")
        feeds.open_feed(g.txn, patient)
        return {"calendar_url": _calendar_url(patient)}


def _shown(patient: Patient) -> dict[str, Any]:
    site = g.txn.session.get_one(Site, patient.site_id)
    about_site = {
        "site": site.code,
        "site_name": site.name,
        "emergency_phone": site.emergency_phone,
        "office_phone": site.office_phone,
    }
    names = ("id", "subject_number", "language", "time_zone", "channels", "quiet_from", "quiet_to", "preferred_time")
    return {name: getattr(patient, name) for name in (*names, "status")} | about_site | _calendar(patient)


def _calendar(patient: Patient) -> dict[str, str | None]:
    """The feed's address; a patient's first look at the record opens it."""
    if not feeds.is_open(g.txn, patient):
        # Whom to call must be shown even if nothing can be written: then the next look opens it.
        afterwards(partial(_open_feed, patient_id=patient.id), or_never=True)
    return {"calendar_url": _calendar_url(patient)}


def _calendar_url(patient: Patient) -> str | None:
    token = feeds.token_for(g.txn, patient)
    return f"{settings_of(current_app).public_url}/calendar/{token}.ics" if token else None


def _open_feed(txn: Transaction, *, patient_id: UUID) -> None:
    feeds.open_feed(txn, txn.session.get_one(Patient, patient_id))
