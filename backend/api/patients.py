"""Patients, for staff: the list, one record, the phone's code, caregivers."""

from functools import partial
from typing import Any
from uuid import UUID

from flask import current_app, g
from flask.views import MethodView

from backend import access
from backend.access import Verb
from backend.adverse_events.recording import recompute
from backend.agenda.planning import replan
from backend.api import etags
from backend.api.bodies import ApiBlueprint
from backend.api.protocols import move_shown
from backend.api.qr import svg
from backend.api.requests import afterwards, settings_of
from backend.contact_terms import PhoneConfirmation
from backend.conversations.confirming import after_a_change, confirm_by_hand
from backend.errors import InvalidInput
from backend.patients import caregivers, listing
from backend.patients.changes import update_patient
from backend.patients.contact import holds
from backend.patients.enrolment import EnrolmentForm, enrol
from backend.patients.feeds import void_feed
from backend.patients.identifiers import identifiers_of, note_reading
from backend.patients.life import last_known_alive
from backend.patients.models import Caregiver, Patient
from backend.patients.physicians import Physician, physician_of
from backend.patients.sign_in import devices_of, issue_code, sign_phones_out
from backend.patients.versions import moves_of
from backend.protocol.load import arms_ever
from backend.protocol.models import ProtocolVersion
from backend.staff.models import Site
from backend.survival.dispositions import disposition_of
from backend.survival.status import survival_status_of
from schemas.paging import make_cursor, read_cursor
from schemas.patients import (
    ActivationCodeOut,
    CaregiverIn,
    CaregiverOut,
    CaregiverPageOut,
    DevicePageOut,
    EnrolmentIn,
    PatientChangeIn,
    PatientOut,
    PatientPageOut,
    PatientQuery,
    PatientRecordOut,
    PhoneConfirmationIn,
    PhoneConfirmationOut,
)

blp = ApiBlueprint("patients", __name__, url_prefix="/api/v1/patients", description="Patients, for staff")

OPEN_TO_ALL = tuple(name for name in PatientOut().fields if name != "site")
OF_RECORD = (*OPEN_TO_ALL, "channels", "quiet_from", "quiet_to", "preferred_time", "died_on", "phone_unconfirmed_since")

Answer = tuple[dict[str, Any], dict[str, str]]


@blp.route("")
class Patients(MethodView):
    """The patients of the sites one works at."""

    @blp.arguments(PatientQuery, location="query")
    @blp.response(200, PatientPageOut)
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """List patients, without anything that names them."""
        visible = access.visible_at(g.txn, Patient.site_id, Verb.READ_PATIENTS, query["site"])
        _refuse_unknown_arm(query["arm"])
        after = read_cursor(query["cursor"], str)
        page = listing.patients(
            g.txn, visible, arm=query["arm"], status=query["status"], after=after, limit=query["limit"]
        )
        codes = access.site_codes(g.txn)
        return {
            "items": [_summary(one, codes[one.site_id]) for one in page.items],
            "next_cursor": make_cursor(page.after),
        }

    @blp.arguments(EnrolmentIn)
    @blp.response(201, PatientOut, headers=etags.IN_ANSWERS)
    def post(self, body: dict[str, Any]) -> Answer:
        """Enrol a patient. Eligibility is checked item by item; every complaint comes at once."""
        site = access.site_by_code(g.txn, body.pop("site"), Verb.ENROL_PATIENTS)
        named = tuple(caregivers.CaregiverForm(**given) for given in body.pop("caregivers"))
        referred_by = body.pop("referring_physician")
        physician = Physician(**referred_by) if referred_by else None
        patient = enrol(g.txn, site, EnrolmentForm(**body, referring_physician=physician, caregivers=named))
        replan(g.txn, patient)
        return _summary(patient, site.code), etags.headers(patient.version)


@blp.route("/<uuid:patient_id>")
class OnePatient(MethodView):
    """One patient's record."""

    @blp.response(200, PatientRecordOut, headers=etags.IN_ANSWERS)
    def get(self, patient_id: UUID) -> Answer:
        """Read a record. Names and numbers are shown to those who care for the patient, and the reading is noted."""
        patient = access.patient(g.txn, patient_id, Verb.READ_PATIENTS)
        return _record(patient), etags.headers(patient.version)

    @blp.arguments(PatientChangeIn)
    @blp.response(200, PatientRecordOut, headers=etags.IN_ANSWERS)
    @blp.reads(etags.IF_MATCH)
    def patch(self, body: dict[str, Any], patient_id: UUID) -> Answer:
        """Change or correct a record that was just read; needs If-Match."""
        patient = access.patient(g.txn, patient_id, Verb.CHANGE_PATIENTS)
        update_patient(g.txn, patient, body, seen_version=etags.seen_version())
        after_a_change(g.txn, patient)
        replan(g.txn, patient)
        recompute(g.txn, patient)
        return _record(patient), etags.headers(patient.version)


@blp.route("/<uuid:patient_id>/activation-codes")
class ActivationCodes(MethodView):
    """Codes for the patient's phone."""

    @blp.response(201, ActivationCodeOut)
    def post(self, patient_id: UUID) -> dict[str, Any]:
        """Make a code, valid once and for seven days; an earlier unused one stops working."""
        patient = access.patient(g.txn, patient_id, Verb.ACTIVATE_PHONES)
        issued = issue_code(g.txn, patient)
        # Behind the #, so that the code reaches no server's log.
        link = f"{settings_of(current_app).public_url}/app#activate={issued.code}"
        return {**vars(issued), "link": link, "qr_svg": svg(link)}


@blp.route("/<uuid:patient_id>/phone-confirmations")
class PhoneConfirmations(MethodView):
    """Who answers at a number that was changed."""

    @blp.arguments(PhoneConfirmationIn)
    @blp.response(201, PhoneConfirmationOut)
    def post(self, body: dict[str, Any], patient_id: UUID) -> dict[str, Any]:
        """Say that the patient answers at the new number: from now on what comes from it counts."""
        patient = access.patient(g.txn, patient_id, Verb.CHANGE_PATIENTS)
        confirm_by_hand(g.txn, patient, PhoneConfirmation(body["how"]))
        return {"patient": patient, "how": body["how"], "confirmed_at": g.txn.now}


@blp.route("/<uuid:patient_id>/devices")
class Devices(MethodView):
    """The patient's phones."""

    @blp.response(200, DevicePageOut)
    def get(self, patient_id: UUID) -> dict[str, Any]:
        """List the phones that are or were signed in."""
        patient = access.patient(g.txn, patient_id, Verb.READ_PATIENTS)
        return {"items": devices_of(g.txn, patient), "next_cursor": None}

    @blp.response(204)
    def delete(self, patient_id: UUID) -> None:
        """Sign the patient's phone out at once, and void its calendar's address: lost, stolen or given away."""
        patient = access.patient(g.txn, patient_id, Verb.ACTIVATE_PHONES)
        void_feed(g.txn, patient, "signed out by the hospital")
        sign_phones_out(g.txn, patient, "signed out by the hospital")


@blp.route("/<uuid:patient_id>/caregivers")
class Caregivers(MethodView):
    """Whom the patient names."""

    @blp.response(200, CaregiverPageOut)
    def get(self, patient_id: UUID) -> dict[str, Any]:
        """List a patient's caregivers by name; the reading is noted."""
        patient = access.patient(g.txn, patient_id, Verb.READ_CAREGIVERS)
        afterwards(partial(note_reading, patient_id=patient.id))
        return {"items": [_caregiver(one) for one in caregivers.caregivers_of(g.txn, patient)], "next_cursor": None}

    @blp.arguments(CaregiverIn)
    @blp.response(201, CaregiverOut)
    def post(self, body: dict[str, Any], patient_id: UUID) -> dict[str, Any]:
        """Name a caregiver."""
        patient = access.patient(g.txn, patient_id, Verb.NAME_CAREGIVERS)
        site = g.txn.session.get_one(Site, patient.site_id)
        return _caregiver(caregivers.name_caregiver(g.txn, patient, site, caregivers.CaregiverForm(**body)))


def _refuse_unknown_arm(arm: str | None) -> None:
    """A misspelt filter that shows nobody would look like nobody being there."""
    if arm is not None and arm not in arms_ever(g.txn):
        raise InvalidInput(fields={"arm": ["The protocol has no such arm."]})


def _summary(patient: Patient, code: str) -> dict[str, Any]:
    return {name: getattr(patient, name) for name in OPEN_TO_ALL} | {"site": code}


def _record(patient: Patient) -> dict[str, Any]:
    """The record as the actor may see it; a reading of identifiers is noted once the answer stands."""
    shown = {name: getattr(patient, name) for name in OF_RECORD}
    shown["site"] = g.txn.session.get_one(Site, patient.site_id).code
    shown["last_known_alive"] = last_known_alive(g.txn, patient)
    shown["protocol_version"] = g.txn.session.get_one(ProtocolVersion, patient.protocol_version_id).version
    shown["protocol_moves"] = [move_shown(one) for one in moves_of(g.txn, patient)]
    shown["survival_status"] = survival_status_of(g.txn, patient)
    shown["disposition"] = disposition_of(g.txn, patient)
    shown["contact_held"] = [held.reason for held in holds(g.txn, patient)]
    if access.may(g.txn, patient.site_id, Verb.READ_IDENTIFIERS):
        shown |= vars(identifiers_of(g.txn, patient)) | {"birth_year": patient.birth_year}
        shown["referring_physician"] = physician_of(g.txn, patient)
        afterwards(partial(note_reading, patient_id=patient.id))
    return shown


def _caregiver(row: Caregiver) -> dict[str, Any]:
    named = caregivers.opened(g.txn, row)
    may = {"id": row.id, "may_report": row.may_report, "may_confirm_survival": row.may_confirm_survival}
    return may | {"name": named.name, "phone": named.phone, "relation": named.relation}
