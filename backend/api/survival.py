"""Being alive, and deaths: confirmations, what the site learns, reports of death and their second person."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any
from uuid import UUID

from flask import g
from flask.views import MethodView
from sqlalchemy import select

from backend import access
from backend.access import Verb
from backend.agenda.calendar import by_key
from backend.agenda.history import agenda_of
from backend.api.bodies import ApiBlueprint
from backend.api.requests import afterwards
from backend.api.speaking import as_said_by
from backend.db import Transaction
from backend.errors import InvalidInput
from backend.patients.identifiers import note_reading
from backend.patients.life import last_known_alive
from backend.patients.models import Patient
from backend.sealing import unseal
from backend.survival import deaths, follow_up
from backend.survival.checks import CHECKS, Check
from backend.survival.deaths import disagree
from backend.survival.models import DeathReport
from backend.terms import AgendaKind, EvidenceSource, Respondent, SurvivalStatus
from schemas.survival import (
    DIED,
    ApprovalIn,
    ConfirmationIn,
    ConfirmationOut,
    ContradictionsOut,
    DeathReportIn,
    DeathReportOut,
    DeathReportsOut,
    DenialIn,
    SurvivalCheckQuery,
    SurvivalStatusIn,
    SurvivalStatusOut,
)

blp = ApiBlueprint("survival", __name__, url_prefix="/api/v1", description="Survival follow-up")

SEALED = ("cause", "informant", "relation", "denied_because")
OF_OTHERS = ("disagrees_with", "last_known_alive")
OPEN_TO_ALL = tuple(name for name in DeathReportOut().fields if name not in (*SEALED, *OF_OTHERS))


@blp.route("/me/survival-confirmations")
class Confirmations(MethodView):
    """What is said at the patient's phone."""

    @blp.arguments(ConfirmationIn)
    @blp.response(201, ConfirmationOut)
    def post(self, body: dict[str, Any]) -> dict[str, Any]:
        """Say that the patient is well, or as a caregiver that the patient has died."""
        patient = access.own_patient(g.txn)
        refuse_unknown_check(patient, body["key"])
        txn = as_said_by(g.txn, body["respondent"])
        kept = _keep_death(txn, patient, body) if body["status"] == DIED else _keep_life(txn, patient, body)
        said = {name: body[name] for name in ("status", "respondent", "as_of")}
        return said | {"id": kept, "recorded_at": txn.now}


@blp.route("/patients/<uuid:patient_id>/survival-statuses")
class SurvivalStatuses(MethodView):
    """What the site learns about a patient."""

    @blp.arguments(SurvivalStatusIn)
    @blp.response(201, SurvivalStatusOut)
    def post(self, body: dict[str, Any], patient_id: UUID) -> dict[str, Any]:
        """Record that the patient is alive, or that nobody could say."""
        patient = access.patient(g.txn, patient_id, Verb.FOLLOW_SURVIVAL)
        _learn(patient, body)
        said = {name: body[name] for name in ("status", "as_of", "source")}
        return said | {"recorded_at": g.txn.now, "last_known_alive": last_known_alive(g.txn, patient)}


@blp.route("/patients/<uuid:patient_id>/death-reports")
class DeathReports(MethodView):
    """Reports of a patient's death."""

    @blp.response(200, DeathReportsOut)
    def get(self, patient_id: UUID) -> dict[str, Any]:
        """List the reports of a patient's death, the newest first; the reading of names is noted."""
        patient = access.patient(g.txn, patient_id, Verb.READ_SURVIVAL)
        return {"items": _shown(patient, deaths.reports_of(g.txn, patient)), "next_cursor": None}

    @blp.arguments(DeathReportIn)
    @blp.response(201, DeathReportOut)
    def post(self, body: dict[str, Any], patient_id: UUID) -> dict[str, Any]:
        """Report a death: from now on nothing is sent to the patient or the family. Another person decides."""
        patient = access.patient(g.txn, patient_id, Verb.REPORT_DEATHS)
        return _shown(patient, [deaths.report_death(g.txn, patient, **body)])[0]


@blp.route("/death-reports/<uuid:report_id>/approvals")
class Approvals(MethodView):
    """The second person agrees."""

    @blp.arguments(ApprovalIn)
    @blp.response(201, DeathReportOut)
    def post(self, body: dict[str, Any], report_id: UUID) -> dict[str, Any]:
        """Put the death on the record."""
        report = access.record(g.txn, DeathReport, report_id, Verb.APPROVE_DEATHS)
        patient = access.patient(g.txn, report.patient_id, Verb.APPROVE_DEATHS)
        return _shown(patient, [deaths.approve(g.txn, patient, report, body["died_on"])])[0]


@blp.route("/death-reports/<uuid:report_id>/denials")
class Denials(MethodView):
    """The second person does not agree."""

    @blp.arguments(DenialIn)
    @blp.response(201, DeathReportOut)
    def post(self, body: dict[str, Any], report_id: UUID) -> dict[str, Any]:
        """The report was mistaken. Contact stays held until a person resumes it from the work list."""
        report = access.record(g.txn, DeathReport, report_id, Verb.APPROVE_DEATHS)
        patient = access.patient(g.txn, report.patient_id, Verb.APPROVE_DEATHS)
        return _shown(patient, [deaths.deny(g.txn, patient, report, body["reason"])])[0]


@blp.route("/survival/checks")
class SurvivalChecks(MethodView):
    """What must list nothing."""

    @blp.arguments(SurvivalCheckQuery, location="query")
    @blp.response(200, ContradictionsOut)
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """List records about life and death that cannot all be true, for a person to look into."""
        visible = access.visible_at(g.txn, Patient.site_id, Verb.READ_SURVIVAL, query["site"])
        found = [(check, whose, record) for check in CHECKS for whose, record in check.find(g.txn)]
        wanted = select(Patient).where(visible, Patient.id.in_({whose for _, whose, _ in found}))
        known = {patient.id: patient for patient in g.txn.session.scalars(wanted)}
        codes = access.site_codes(g.txn)
        listed = [
            _contradiction(check, known[whose], record, codes) for check, whose, record in found if whose in known
        ]
        return {"items": listed, "next_cursor": None}


def _contradiction(check: Check, patient: Patient, record_id: UUID, codes: Mapping[UUID, str]) -> dict[str, Any]:
    whose = {"id": patient.id, "subject_number": patient.subject_number, "site": codes[patient.site_id]}
    return {"check": check.name, "sentence": check.sentence, "patient": whose, "record_id": record_id}


def refuse_unknown_check(patient: Patient, key: str | None) -> None:
    """Raises ``InvalidInput`` for a key that is none of the patient's survival checks."""
    if key is None:
        return
    item = by_key(agenda_of(g.txn, patient)).get(key)
    if item is None or item.kind is not AgendaKind.SURVIVAL_CHECK:
        raise InvalidInput(fields={"key": ["The agenda has no such survival check."]})


def _keep_life(txn: Transaction, patient: Patient, body: dict[str, Any]) -> UUID:
    is_proxy = body["respondent"] == Respondent.CAREGIVER
    if is_proxy:
        follow_up.check_proxies(txn, patient, field="respondent")
    source = EvidenceSource.CAREGIVER if is_proxy else EvidenceSource.PATIENT
    reference = body["key"] or ""
    evidence = follow_up.confirm_alive(txn, patient, as_of=body["as_of"], source=source, reference=reference)
    follow_up.warn_whoever_decides(txn, patient, evidence)
    return evidence.id


def _keep_death(txn: Transaction, patient: Patient, body: dict[str, Any]) -> UUID:
    if body["respondent"] != Respondent.CAREGIVER:
        raise InvalidInput(fields={"respondent": ["Only a caregiver can report a death from the patient's phone."]})
    died_on = body["as_of"].isoformat()
    return deaths.report_death(txn, patient, died_on=died_on, relation="caregiver", field="as_of").id


def _learn(patient: Patient, body: dict[str, Any]) -> None:
    is_alive = body["status"] == SurvivalStatus.ALIVE
    learn = follow_up.learn_alive if is_alive else follow_up.note_unknown
    learn(g.txn, patient, as_of=body["as_of"], source=EvidenceSource(body["source"]), note=body["note"])


def _shown(patient: Patient, reports: Sequence[DeathReport]) -> list[dict[str, Any]]:
    """Names and words for those who care for the patient, and the reading is noted once the answer stands."""
    others = deaths.reports_of(g.txn, patient)
    known = {"last_known_alive": last_known_alive(g.txn, patient)}
    shown = [_report(one, others) | known for one in reports]
    if not access.may(g.txn, patient.site_id, Verb.READ_IDENTIFIERS):
        return shown
    afterwards(partial(note_reading, patient_id=patient.id))
    words = [{name: unseal(g.txn, one, f"{name}_sealed") for name in SEALED} for one in reports]
    return [one | said for one, said in zip(shown, words, strict=True)]


def _report(report: DeathReport, others: Sequence[DeathReport]) -> dict[str, Any]:
    shown = {name: getattr(report, name) for name in OPEN_TO_ALL}
    return shown | {"disagrees_with": [one.id for one in others if disagree(report, one)]}
