"""Questionnaires, for the phones that ask them."""

from typing import Any

from flask import g
from flask.views import MethodView

from backend import access
from backend.api import languages
from backend.api.bodies import ApiBlueprint
from backend.api.languages import accepted_language
from backend.instruments.definition import Instrument, Symptom, instrument, newest_instruments
from backend.instruments.document import as_document, symptom_document
from backend.instruments.search import find_symptoms
from backend.patients.models import Patient
from backend.reports.offline import emergency_document
from backend.triage.candidates import rules_for
from schemas.instruments import FoundSymptomOut, FoundSymptomsOut, InstrumentOut, InstrumentsOut, SymptomQuery

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


@blp.route("/<name>/symptoms")
class Symptoms(MethodView):
    """The symptoms a questionnaire offers."""

    @blp.reads(languages.ACCEPT_LANGUAGE)
    @blp.arguments(SymptomQuery, location="query")
    @blp.response(200, FoundSymptomsOut, headers=languages.IN_ANSWERS)
    def get(self, query: dict[str, Any], name: str) -> Answer:
        """Find the symptoms that a typed word may mean; a questionnaire that asks them all offers none."""
        language = accepted_language(access.own_patient(g.txn).language)
        asked = instrument(g.txn, name)
        found = [_found(asked, one.symptom, language) for one in find_symptoms(asked, query["q"])]
        return {"items": found, "next_cursor": None}, _spoken_in(language)


def _reference(listed: Instrument, language: str) -> dict[str, Any]:
    return {"name": listed.name, "version": listed.version, "title": listed.content["title"][language]}


def _found(asked: Instrument, symptom: Symptom, language: str) -> dict[str, Any]:
    whole = symptom_document(asked, symptom, language)
    return {name: whole[name] for name in FoundSymptomOut().fields}


def _document(patient: Patient, asked: Instrument, language: str) -> dict[str, Any]:
    return as_document(asked, language, emergency_document(g.txn, patient, rules_for(g.txn, patient), language))


def _spoken_in(language: str) -> dict[str, str]:
    return {"Content-Language": language, "Vary": "Accept-Language"}
