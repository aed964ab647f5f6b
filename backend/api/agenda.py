"""Agendas and treatment cycles: what lies ahead, the patient's answers, the site's decisions."""

from functools import partial
from typing import Any
from uuid import UUID

from flask import g
from flask.views import MethodView

from backend import access, audit, clock
from backend.access import Verb
from backend.adverse_events.recording import recompute
from backend.agenda import changes, history
from backend.agenda.calendar import AgendaItem, visible_to_patient
from backend.agenda.changes import CycleChange
from backend.agenda.cycles import latest_attempt
from backend.agenda.facts import attendance_by_key
from backend.agenda.models import Cycle
from backend.agenda.undoing import starts_of
from backend.api.acts import PREVIEW, done
from backend.api.bodies import ApiBlueprint
from backend.api.keeping import KeepingView
from backend.api.languages import ACCEPT_LANGUAGE, accepted_language, in_language
from backend.api.requests import afterwards
from backend.conversations.handle import understand
from backend.db import Transaction
from backend.patients.models import Patient
from backend.sealing import keyring_of
from backend.terms import Attendance, ChannelKind, CycleStatus, Reply
from notifications import inbound
from notifications.inbound import ReceivedText
from schemas.agenda import (
    AgendaItemOut,
    AgendaOut,
    AttendanceChangeOut,
    AttendanceIn,
    CycleChangeIn,
    CycleChangeOut,
    CycleIn,
    CycleOut,
    CyclesOut,
    InfusionIn,
    PreviewQuery,
    ReplyIn,
    StaffAgendaOut,
)

blp = ApiBlueprint("agenda", __name__, url_prefix="/api/v1", description="Agendas and treatment cycles")

AS_IT_IS = ("key", "kind", "due_on", "state", "instrument", "reply")


@blp.route("/me/agenda")
class MyAgenda(MethodView):
    """What the patient has ahead."""

    @blp.response(200, AgendaOut)
    def get(self) -> dict[str, Any]:
        """Read one's own agenda; nothing in it that one has not been told of."""
        patient = access.own_patient(g.txn)
        return _agenda(visible_to_patient(history.agenda_of(g.txn, patient)), patient.language)


@blp.route("/me/agenda/<key>/reply")
class MyReply(KeepingView):
    """The patient's answer to an invitation."""

    # A note is not lost because the invitation it is about has gone.
    words_in = "note"

    @blp.arguments(ReplyIn)
    @blp.response(200, AgendaItemOut)
    def post(self, body: dict[str, Any], key: str) -> dict[str, Any]:
        """Say that one comes, or ask for another date."""
        patient = access.own_patient(g.txn)
        item = changes.reply_to(g.txn, patient, key, Reply(body["reply"]), body["note"])
        _hear(patient, item, body["note"])
        return _item(item, patient.language)


@blp.route("/patients/<uuid:patient_id>/agenda")
class PatientAgenda(MethodView):
    """A patient's agenda, as staff see it."""

    @blp.reads(ACCEPT_LANGUAGE)
    @blp.response(200, StaffAgendaOut)
    def get(self, patient_id: UUID) -> dict[str, Any]:
        """Read an agenda, planned infusions included."""
        patient = access.patient(g.txn, patient_id, Verb.READ_AGENDA)
        shown = _agenda(history.agenda_of(g.txn, patient), accepted_language())
        entries = attendance_by_key(g.txn, patient)
        return shown | {"items": [one | {"attendance_id": entries.get(one["key"])} for one in shown["items"]]}


@blp.route("/patients/<uuid:patient_id>/agenda/<key>/attendance")
class ItemAttendance(MethodView):
    """Whether the patient came."""

    @blp.reads(ACCEPT_LANGUAGE)
    @blp.arguments(PreviewQuery, location="query")
    @blp.arguments(AttendanceIn)
    @blp.response(200, AttendanceChangeOut)
    def post(
        self, query: dict[str, Any], body: dict[str, Any], patient_id: UUID, key: str
    ) -> tuple[dict[str, Any], int]:
        """Record a visit, a call or an infusion day as attended or missed."""
        patient = access.patient(g.txn, patient_id, Verb.RECORD_ATTENDANCE)
        change = changes.record_attendance(g.txn, patient, key, Attendance(body["status"]), body["on"])
        entry = {"attendance_id": None if query["preview"] else change.entry.id}
        shown = _item(change.item, accepted_language()) | entry
        return done(shown, change.diff, status=200, preview=query["preview"])


@blp.route("/patients/<uuid:patient_id>/cycles")
class Cycles(MethodView):
    """A patient's treatment cycles."""

    @blp.response(200, CyclesOut)
    def get(self, patient_id: UUID) -> dict[str, Any]:
        """List the cycles, every attempt at each."""
        patient = access.patient(g.txn, patient_id, Verb.READ_AGENDA)
        return {"items": [_cycle(patient, one) for one in history.cycles_of(g.txn, patient)], "next_cursor": None}

    @blp.arguments(PreviewQuery, location="query")
    @blp.arguments(CycleIn)
    @blp.response(201, CycleChangeOut)
    @blp.alt_response(200, schema=CycleChangeOut, description=PREVIEW)
    def post(self, query: dict[str, Any], body: dict[str, Any], patient_id: UUID) -> tuple[dict[str, Any], int]:
        """Enter a donor's collection; the infusion days follow from it and are planned, not announced."""
        patient = access.patient(g.txn, patient_id, Verb.PLAN_TREATMENT)
        change = changes.plan_cycle(g.txn, patient, body["number"], body["donor_collection_on"])
        return _done(patient, change, 201, query["preview"], new="cycle")


@blp.route("/patients/<uuid:patient_id>/cycles/<int:number>")
class OneCycle(MethodView):
    """One treatment cycle: the attempt that stands."""

    @blp.response(200, CycleOut)
    def get(self, patient_id: UUID, number: int) -> dict[str, Any]:
        """Read a cycle."""
        patient = access.patient(g.txn, patient_id, Verb.READ_AGENDA)
        return _cycle(patient, latest_attempt(g.txn, patient, number))

    @blp.arguments(PreviewQuery, location="query")
    @blp.arguments(CycleChangeIn)
    @blp.response(200, CycleChangeOut)
    def patch(
        self, query: dict[str, Any], body: dict[str, Any], patient_id: UUID, number: int
    ) -> tuple[dict[str, Any], int]:
        """Confirm the dates, move them, or record that the cells may not be given; the patient is told."""
        patient = access.patient(g.txn, patient_id, Verb.PLAN_TREATMENT)
        return _done(patient, _decide(patient, number, body), 200, query["preview"])


@blp.route("/patients/<uuid:patient_id>/cycles/<int:number>/infusions")
class Infusions(MethodView):
    """The infusions of a cycle."""

    @blp.arguments(PreviewQuery, location="query")
    @blp.arguments(InfusionIn)
    @blp.response(201, CycleChangeOut)
    @blp.alt_response(200, schema=CycleChangeOut, description=PREVIEW)
    def post(
        self, query: dict[str, Any], body: dict[str, Any], patient_id: UUID, number: int
    ) -> tuple[dict[str, Any], int]:
        """Record that an infusion has begun."""
        patient = access.patient(g.txn, patient_id, Verb.PLAN_TREATMENT)
        change = changes.start_infusion(g.txn, patient, number, body["day"], body["started_at"])
        recompute(g.txn, patient)
        return _done(patient, change, 201, query["preview"])


def _hear(patient: Patient, item: AgendaItem, note: str | None) -> None:
    """What the patient wrote beside an answer is a text to the site like any other; the same one again is one."""
    if not note or not note.strip():
        return
    about = f"{item.key}@{item.due_on.isoformat()}"
    provider_id = f"reply-{patient.id}-{about}-{keyring_of(g.txn).fingerprint('note of a reply', note)}"
    said = ReceivedText(provider_id, "", "", note, channel=ChannelKind.IN_APP, patient_id=patient.id)
    kept = inbound.keep(g.txn, said)
    if kept is None:
        return
    # Where it will be read, also when nothing comes to understand it.
    kept.site_id = patient.site_id
    audit.note(g.txn, "message.written", kept)
    afterwards(partial(_understand, inbound_id=kept.id))


def _understand(txn: Transaction, inbound_id: UUID) -> None:
    """Read the note now rather than at the worker's next look, which is not far off if this fails."""
    understand(txn.database, inbound_id)


def _decide(patient: Patient, number: int, body: dict[str, Any]) -> CycleChange:
    if body["status"] == CycleStatus.RELEASE_FAILED:
        return changes.fail_release(g.txn, patient, number)
    return changes.confirm_cycle(g.txn, patient, number, body["day_1_on"])


def _done(
    patient: Patient, change: CycleChange, status: int, preview: bool, *, new: str = ""
) -> tuple[dict[str, Any], int]:
    return done({"cycle": _cycle(patient, change.cycle)}, change.diff, status=status, preview=preview, new=new)


def _agenda(items: tuple[AgendaItem, ...], language: str) -> dict[str, Any]:
    return {"items": [_item(one, language) for one in items], "next_cursor": None}


def _item(item: AgendaItem, language: str) -> dict[str, Any]:
    """Instants are shown with the offset of the clock whose days they were made from."""
    instants = {name: getattr(item, name) for name in ("opens_at", "closes_at", "expires_at", "completed_at")}
    shown = {name: at and clock.local(at, item.zone) for name, at in instants.items()}
    about = {"title": in_language(item.titles, language), "time_zone": item.zone}
    return {name: getattr(item, name) for name in AS_IT_IS} | shown | about


def _cycle(patient: Patient, row: Cycle) -> dict[str, Any]:
    cells = history.protocol_for(g.txn, patient).cells
    has_day_2 = cells is not None and cells.infusion_days > 1
    starts = {f"day_{start.day}_start_id": start.id for start in starts_of(row)}
    shown = {name: getattr(row, name, None) for name in CycleOut().fields}
    return shown | {"day_2_on": row.day_2_on if has_day_2 else None} | starts
