"""Questionnaires, for the phones that ask them."""

from typing import Any

from flask import g
from flask.views import MethodView

from backend import access
from backend.api import languages
from backend.api.bodies import ApiBlueprint
from backend.api.languages import accepted_language
from backend.instruments.definition import Instrument, instrument, newest_instruments
from backend.instruments.document import as_document
from backend.patients.models import Patient
from backend.staff.models import Site
from backend.triage.advice import emergency_rules
from backend.triage.candidates import rules_for
from schemas.instruments import InstrumentOut, InstrumentsOut

blp = ApiBlueprint("instruments", __name__, url_prefix="/api/v1/me/instruments", description="Questionnaires")

Answer = tuple[dict[str, Any], dict[str, str]]


@blp.route("")
class Instruments(MethodView):
    """The questionnaires there are."""

    @blp.reads(languages.ACCEPT_LANGUAGE)
    @blp.response(200, InstrumentsOut, headers=languages.IN_ANSWERS)
    def get(self) -> Answer:
        """List the questionnaires by name."""
        language = accepted_language(access.own_patient(g.txn).language)
        listed = [_reference(one, language) for one in newest_instruments(g.txn)]
        return {"items": listed, "next_cursor": None}, _spoken_in(language)


@blp.route("/<name>")
class OneInstrument(MethodView):
    """One questionnaire."""

    @blp.reads(languages.ACCEPT_LANGUAGE)
    @blp.response(200, InstrumentOut, headers=languages.IN_ANSWERS)
    def get(self, name: str) -> Answer:
        """Read the newest version, in the language asked for or else the patient's."""
        patient = access.own_patient(g.txn)
        language = accepted_language(patient.language)
        return _document(patient, instrument(g.txn, name), language), _spoken_in(language)


def _reference(listed: Instrument, language: str) -> dict[str, Any]:
    return {"name": listed.name, "version": listed.version, "title": listed.content["title"][language]}


def _document(patient: Patient, asked: Instrument, language: str) -> dict[str, Any]:
    phone = g.txn.session.get_one(Site, patient.site_id).emergency_phone
    return as_document(asked, language, emergency_rules(rules_for(g.txn, patient), language, phone))


def _spoken_in(language: str) -> dict[str, str]:
    return {"Content-Language": language, "Vary": "Accept-Language"}
