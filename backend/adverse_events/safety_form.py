"""What stands on the printed form of a serious event. No name, number or address of a patient is part of it.

Words that a person wrote may name somebody: they are only for those who may read identifiers, and whoever prints says.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import select

from backend import clock
from backend.adverse_events.circumstances import infusion_days
from backend.adverse_events.grades import Step, worst_grade
from backend.adverse_events.judgement import Judgement
from backend.adverse_events.models import AdverseEvent, AdverseEventSignature, SafetyReport
from backend.adverse_events.recording import course_of, judgement_of
from backend.adverse_events.safety_reports import Recipients, recipients_of, reports_of
from backend.agenda.history import protocol_for
from backend.db import Transaction
from backend.errors import NotSerious
from backend.partial_dates import earliest
from backend.patients.models import Patient
from backend.patients.report_correction import ReportCorrection
from backend.patients.symptom_report import SymptomReport
from backend.staff.models import Site
from backend.terminology.models import CtcaeTerm
from backend.terms import Language
from backend.triage.models import CandidateEvent, CandidateFinding

Names = Mapping[str, str]


@dataclass(frozen=True)
class Heard:
    """A report of the patient's, a correction of one, or a text, that lies behind the event."""

    received_at: datetime
    instrument: str | None
    respondent: str
    composite: int | None
    grade: int | None
    version: SymptomReport | ReportCorrection | None
    inbound_message_id: UUID | None

    @property
    def is_correction(self) -> bool:
        """Whether it was said by correcting a report."""
        return isinstance(self.version, ReportCorrection)


@dataclass(frozen=True)
class Sent:
    """A safety report that was sent; ``recipients`` is None for who may not read identifiers."""

    report: SafetyReport
    recipients: str | None


@dataclass(frozen=True)
class SafetyForm:
    """The form as values. ``days_since_infusion`` counts to the onset; None where none was given before it."""

    study: str
    titles: Names
    site: Site
    patient: Patient
    arm: Names
    receives_cells: bool
    drug: Names
    event: AdverseEvent
    judged: Judgement
    term: Names
    soc: str
    course: tuple[Step, ...]
    worst: int
    infusions: tuple[date, ...]
    days_since_infusion: int | None
    heard: Sequence[Heard]
    signature: AdverseEventSignature | None
    sent: Sequence[Sent]

    @property
    def recipients_are_shown(self) -> bool:
        """Whether anybody's words are on it."""
        return any(one.recipients is not None for one in self.sent)


def form_of(txn: Transaction, event: AdverseEvent, *, may_read_words: bool) -> SafetyForm:
    """Everything of the form. Raises ``NotSerious`` for an event that is not: there is nothing to tell of."""
    if not event.serious:
        raise NotSerious()
    patient = txn.session.get_one(Patient, event.patient_id)
    protocol, course = protocol_for(txn, patient), course_of(txn, event)
    arm, given = protocol.arms[patient.arm], infusion_days(txn, patient)
    drug = protocol.targeted_drugs.get(patient.targeted_drug)
    term = _term(txn, event)
    return SafetyForm(
        study=protocol.study,
        titles=protocol.titles,
        site=txn.session.get_one(Site, event.site_id),
        patient=patient,
        arm=arm.names,
        receives_cells=arm.receives_cells,
        drug=drug.names if drug else {},
        event=event,
        judged=judgement_of(txn, event),
        term=_names(term),
        soc=term.soc,
        course=course,
        worst=worst_grade(course),
        infusions=given,
        days_since_infusion=days_since(given, earliest(event.onset_on)),
        heard=_heard(txn, event),
        signature=_signature(txn, event),
        sent=[_sent(txn, one, may_read_words=may_read_words) for one in reports_of(txn, event)],
    )


def days_since(infusions: Sequence[date], onset: date) -> int | None:
    """Days from the last infusion that was given by the day of the onset; None where there was none. Pure."""
    before = [given for given in infusions if given <= onset]
    return (onset - max(before)).days if before else None


def at_hospital(moment: datetime, site: Site) -> str:
    """An instant as a clock at the hospital shows it: ``2027-03-17 09:05``."""
    return f"{clock.local(moment, site.time_zone):%Y-%m-%d %H:%M}"


def _term(txn: Transaction, event: AdverseEvent) -> CtcaeTerm:
    coded = select(CtcaeTerm).where(CtcaeTerm.version == event.ctcae_version, CtcaeTerm.code == event.term_code)
    return txn.session.scalars(coded).one()


def _names(term: CtcaeTerm) -> Names:
    known = {Language.ENGLISH.value: term.name, Language.CHINESE.value: term.name_zh}
    return {language: name for language, name in known.items() if name}


def _heard(txn: Transaction, event: AdverseEvent) -> list[Heard]:
    """Also of what was merged into its candidate: it is the same event under another name."""
    if event.candidate_event_id is None:
        return []
    same = select(CandidateEvent.id).where(
        (CandidateEvent.id == event.candidate_event_id) | (CandidateEvent.merged_into == event.candidate_event_id)
    )
    found = select(CandidateFinding).where(CandidateFinding.candidate_event_id.in_(same))
    rows = txn.session.scalars(found.order_by(CandidateFinding.found_at, CandidateFinding.id)).all()
    return [_one_heard(txn, row) for row in rows]


def _one_heard(txn: Transaction, row: CandidateFinding) -> Heard:
    correction = txn.session.get_one(ReportCorrection, row.correction_id) if row.correction_id else None
    report_id = correction.report_id if correction else row.report_id
    report = txn.session.get_one(SymptomReport, (row.patient_id, report_id)) if report_id else None
    version = correction or report
    return Heard(
        received_at=version.received_at if version else row.found_at,
        instrument=report.instrument if report else None,
        respondent=report.respondent if report else "patient",
        composite=row.composite,
        grade=row.grade,
        version=version,
        inbound_message_id=row.inbound_message_id,
    )


def _signature(txn: Transaction, event: AdverseEvent) -> AdverseEventSignature | None:
    return txn.session.get(AdverseEventSignature, event.signature_id) if event.signature_id else None


def _sent(txn: Transaction, report: SafetyReport, *, may_read_words: bool) -> Sent:
    return Sent(report, _listed(recipients_of(txn, report)) if may_read_words else None)


def _listed(recipients: Recipients | None) -> str | None:
    return "; ".join(recipients) if isinstance(recipients, list) else recipients
