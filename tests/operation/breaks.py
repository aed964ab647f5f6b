"""For each invariant, one way of breaking it behind everybody's back, as a console or a defect would."""

from collections.abc import Callable
from datetime import date, time, timedelta
from uuid import uuid4

from sqlalchemy import Table, delete, insert, select, text, update

from backend import clock as clocks
from backend.adverse_events.models import AdverseEvent
from backend.agenda.models import AgendaFact
from backend.audit_seals import seal_some
from backend.conversations.models import Conversation
from backend.db import Base, Transaction
from backend.fsck.messages import IN_FLIGHT
from backend.patients.models import ActivationCode, ContactHold, Device, Enrolment, Patient
from backend.patients.symptom_report import SymptomReport
from backend.protocol.models import ProtocolVersion
from backend.sealing import DataKey, keyring_of
from backend.survival.models import DeathReport
from backend.triage.models import (
    CandidateDecision,
    CandidateEvent,
    CandidateFinding,
    PagedCandidate,
    PagedPerson,
    StaffPage,
)
from backend.worklist.models import WorkItem
from notifications.models import Attempt, GatewayBreaker, Message
from tests import people
from tests.notifications.rows import a_row

HOUR = timedelta(hours=1)
Break = Callable[[Transaction], None]


def table_of(model: type[Base]) -> Table:
    """The table itself, so that nothing of the model's own care is in the way."""
    table = model.__table__
    assert isinstance(table, Table)
    return table


def unguard(txn: Transaction, table: Table) -> None:
    """As an attacker, or a well-meaning person with a console, would."""
    on = f" ON {table.name}" if txn.session.get_bind().dialect.name == "postgresql" else ""
    for act in ("update", "delete"):
        txn.session.execute(text(f"DROP TRIGGER IF EXISTS {table.name}_no_{act}{on}"))


def changed(model: type[Base], *which: object, **values: object) -> Break:
    """Rows of a table now say something else."""

    def act(txn: Transaction) -> None:
        unguard(txn, table_of(model))
        txn.session.execute(update(table_of(model)).where(*which).values(**values))  # type: ignore[arg-type]

    return act


def removed(model: type[Base], *which: object) -> Break:
    """Rows of a table are gone."""

    def act(txn: Transaction) -> None:
        unguard(txn, table_of(model))
        txn.session.execute(delete(table_of(model)).where(*which))  # type: ignore[arg-type]

    return act


def twice(model: type[Base], without_index: str = "", **values: object) -> Break:
    """A second row like the first one, which an index may have to be dropped for."""

    def act(txn: Transaction) -> None:
        if without_index:
            txn.session.execute(text(f"DROP INDEX {without_index}"))
        row = txn.session.execute(select(table_of(model)).limit(1)).mappings().one()
        txn.session.execute(insert(table_of(model)).values({**row, "id": uuid4(), **values}))

    return act


def one_message(**values: object) -> Break:
    """One message that waits now says this."""

    def act(txn: Transaction) -> None:
        chosen = select(Message.id).where(Message.status == "queued").limit(1)
        changed(Message, Message.id == txn.session.scalars(chosen).one(), **values)(txn)

    return act


def the_last_text(txn: Transaction) -> Attempt:
    """Something that was sent to a patient."""
    sent = select(Attempt).where(Attempt.patient_id.is_not(None)).order_by(Attempt.started_at.desc()).limit(1)
    return txn.session.scalars(sent).one()


def left_before_the_last_text(txn: Transaction) -> None:
    """The trail says that the patient had withdrawn by then."""
    sent = the_last_text(txn)
    changed(Patient, Patient.id == sent.patient_id, status="withdrawn")(txn)
    at, said = sent.started_at - IN_FLIGHT * 2, {"record_type": "patient", "field": "status", "new": "withdrawn"}
    a_row(txn, "audit_event", id=10_000, at=at, patient_id=sent.patient_id, **said)


def held_before_the_last_text(txn: Transaction) -> None:
    """Contact was held by then."""
    sent = the_last_text(txn)
    changed(ContactHold, patient_id=sent.patient_id, held_at=sent.started_at - HOUR)(txn)


def stopped_before_the_last_text(txn: Transaction) -> None:
    """The number had said STOP by then."""
    index = keyring_of(txn).blind_index("phone", people.ANNS_PHONE)
    stopped_by = a_row(txn, "inbound_message", key_owner_id=uuid4())
    a_row(txn, "opt_out", number_index=index, stopped_at=the_last_text(txn).started_at - HOUR, stopped_by=stopped_by)


def a_doubt_nobody_looks_into(txn: Transaction) -> None:
    """In doubt since yesterday."""
    changed(Attempt, status="in_doubt", started_at=clocks.now() - 25 * HOUR)(txn)
    changed(Message, status="in_doubt", reason=None)(txn)


def a_gateway_nobody_was_told_of(txn: Transaction) -> None:
    """It has refused everything for two hours."""
    since = clocks.wall() - 2 * HOUR
    breaker = GatewayBreaker(channel="sms", opened_at=since, code="20003", openings=1, refusals=1, next_probe_at=since)
    txn.session.add(breaker)
    txn.session.flush()


def a_message_to_the_dead(txn: Transaction) -> None:
    """It waits to be sent."""
    dead = txn.session.scalars(select(Patient.id).where(Patient.status == "died")).one()
    one_message(patient_id=dead)(txn)


def a_reference_to_nothing(txn: Transaction) -> None:
    """A row without the row it rests on; PostgreSQL would have to be told not to look."""
    if txn.session.get_bind().dialect.name == "postgresql":
        txn.session.execute(text("ALTER TABLE opt_out DROP CONSTRAINT fk_opt_out_stopped_by"))
        again = "FOREIGN KEY (stopped_by) REFERENCES inbound_message NOT VALID"
        txn.session.execute(text(f"ALTER TABLE opt_out ADD CONSTRAINT fk_opt_out_stopped_by {again}"))
        return
    txn.session.execute(text("PRAGMA defer_foreign_keys = ON"))
    a_row(txn, "opt_out", stopped_by=uuid4())


def a_finding_about_another(txn: Transaction) -> None:
    """The candidate event is suddenly somebody else's."""
    others = select(Patient.id).where(Patient.id.not_in(select(CandidateEvent.patient_id))).limit(1)
    changed(CandidateEvent, patient_id=txn.session.scalars(others).one(), is_running=False)(txn)


def a_page_that_reached_nobody(txn: Transaction) -> None:
    """And nobody was told so."""
    removed(PagedPerson)(txn)
    removed(WorkItem)(txn)


def a_page_put_off(txn: Transaction) -> None:
    """By two hours, though the report came just now."""
    now = clocks.now()
    changed(StaffPage, acknowledged_at=None, renewed_at=now, next_at=now + 2 * HOUR)(txn)


def alive_after_the_funeral(txn: Transaction) -> None:
    """Evidence of life on a later day."""
    dead = txn.session.scalars(select(Patient).where(Patient.status == "died")).one()
    a_row(txn, "evidence_of_life", patient_id=dead.id, site_id=dead.site_id, as_of=date(2027, 3, 1))


def found_alive_without_a_trace(txn: Transaction) -> None:
    """A call that reached the patient, and left no evidence."""
    patient = txn.session.scalars(select(Patient).where(Patient.status == "on_study").limit(1)).one()
    a_row(txn, "contact_attempt", patient_id=patient.id, site_id=patient.site_id, outcome="alive")


def another_day_of_death(txn: Transaction) -> None:
    """A second report, approved as well, of a year long before."""
    approved = select(table_of(DeathReport)).where(DeathReport.status == "approved").limit(1)
    row = txn.session.execute(approved).mappings().one()
    txn.session.execute(insert(table_of(DeathReport)).values({**row, "id": uuid4(), "died_on": "2019"}))


def an_event_that_killed_long_before(txn: Transaction) -> None:
    """Of somebody who has died, another year than the death's."""
    dead = txn.session.scalars(select(Patient).where(Patient.status == "died")).one()
    whose = {"patient_id": dead.id, "site_id": dead.site_id}
    changed(AdverseEvent, grade=5, ended_on="2019", **whose)(txn)


def a_code_for_the_dead(txn: Transaction) -> None:
    """It still works."""
    dead = txn.session.scalars(select(Patient.id).where(Patient.status == "died")).one()
    twice(ActivationCode, fingerprint="another", patient_id=dead, used_at=None, voided_at=None)(txn)


def a_second_code(txn: Transaction) -> None:
    """Two that work."""
    unused = select(ActivationCode.patient_id).where(ActivationCode.used_at.is_(None)).limit(1)
    owner = txn.session.scalars(unused).one()
    twice(ActivationCode, fingerprint="another", patient_id=owner, used_at=None, voided_at=None)(txn)


def an_old_entry_sealed_in_good_faith(txn: Transaction) -> None:
    """Somebody writes into yesterday; the next tick seals it like any other."""
    a_row(txn, "audit_event", id=10_000, at=clocks.now() - 24 * HOUR, site_id=None)
    assert seal_some(txn, None, 0, 10_000)


def sql(statement: str) -> Break:
    """Whatever can be typed."""
    return lambda txn: (txn.session.execute(text(statement)), None)[1]


def a_shift_without_length(txn: Transaction) -> None:
    """It ends when it begins."""
    at = clocks.now()
    a_row(txn, "on_call_shift", starts_at=at, ends_at=at, entered_at=at)


def a_stranger_on_call(txn: Transaction) -> None:
    """Somebody who never worked at the site."""
    at = clocks.now()
    a_row(txn, "on_call_shift", starts_at=at, ends_at=at + HOUR, entered_at=at)


def a_second_factor_twice(txn: Transaction) -> None:
    """Two in force."""
    at = clocks.wall()
    staff = a_row(txn, "staff_member")
    for _ in range(2):
        a_row(txn, "staff_authenticator", staff_id=staff, begun_at=at, confirmed_at=at, ended_at=None)


def a_move_before_its_day(txn: Transaction) -> None:
    """To a version that nobody has set in effect."""
    twice(ProtocolVersion, version=2)(txn)
    first, second = txn.session.scalars(select(ProtocolVersion.id).order_by(ProtocolVersion.version))
    patient = txn.session.scalars(select(Patient).order_by(Patient.subject_number).limit(1)).one()
    whose = {"patient_id": patient.id, "site_id": patient.site_id}
    a_row(txn, "protocol_move", from_version_id=first, to_version_id=second, moved_on=date(2027, 3, 1), **whose)


def a_correction_after_none(txn: Transaction) -> None:
    """The seventh version of a report that was never corrected before."""
    report = txn.session.scalars(select(SymptomReport)).first()
    assert report is not None, "There is a report."
    whose = {"patient_id": report.patient_id, "site_id": report.site_id, "report_id": report.id, "sent_id": uuid4()}
    a_row(txn, "report_correction", version=7, **whose)


PENDING = DeathReport.status == "pending"


def a_survey(status: str, *, ended: bool) -> Break:
    """A questionnaire by text whose time ended two hours ago, and that stands so."""

    def act(txn: Transaction) -> None:
        ben = txn.session.scalars(select(Patient).where(Patient.birth_year == 1955)).one()
        txn.session.add(
            Conversation(
                patient_id=ben.id,
                site_id=ben.site_id,
                report_id=uuid4(),
                instrument="safety",
                instrument_version=1,
                language="en",
                extent="full",
                status=status,
                unclear=0,
                links_issued=0,
                opened_at=txn.now - 3 * HOUR,
                closes_at=txn.now - 2 * HOUR,
                ended_at=txn.now if ended else None,
            )  # fmt: skip
        )
        txn.session.flush()

    return act


BREAKS: dict[str, Break] = {
    "schema.models": sql("ALTER TABLE work_item ADD COLUMN colour TEXT"),
    "schema.append_only": lambda txn: unguard(txn, table_of(SymptomReport)),
    "schema.references": a_reference_to_nothing,
    "versions.chain": twice(ProtocolVersion, version=3),
    "versions.content": changed(ProtocolVersion, content={"study": "another"}),
    "versions.moves": changed(Patient, protocol_moved_at=clocks.at_local(date(2027, 2, 1), time(9), "UTC")),
    "versions.effects": a_move_before_its_day,
    "versions.facts": changed(AgendaFact, revision=2),
    "versions.reports": changed(SymptomReport, instrument_version=9),
    "patients.keys": removed(DataKey, DataKey.owner_id.in_(select(Patient.id).where(Patient.birth_year == 1955))),
    "patients.master_keys": changed(DataKey, master_key="another"),
    "patients.enrolment": removed(Enrolment),
    "patients.numbers": changed(Patient, Patient.birth_year == 1955, subject_number="02-0001"),
    "patients.phones": changed(Patient, Patient.birth_year == 1955, phone_index="another"),
    "patients.codes": a_second_code,
    "patients.dead_codes": a_code_for_the_dead,
    "patients.devices": twice(Device, "uq_patient_device_signed_in", signed_out_at=None),
    "patients.ended": changed(Patient, Patient.birth_year == 1955, status="withdrawn"),
    "surveys.ended": a_survey("waiting", ended=False),
    "surveys.filed": a_survey("completed", ended=True),
    "staff.authenticators": a_second_factor_twice,
    "staff.shifts": a_shift_without_length,
    "staff.on_call": a_stranger_on_call,
    "triage.findings": removed(CandidateFinding),
    "triage.reports": removed(CandidateFinding),
    "triage.same_patient": a_finding_about_another,
    "triage.source": changed(CandidateFinding, report_id=None, inbound_message_id=None),
    "triage.due": changed(CandidateEvent, due_at=clocks.at_local(date(2027, 1, 1), time(9), "UTC")),
    "triage.emergency": changed(CandidateEvent, due_at=clocks.at_local(date(2027, 4, 1), time(9), "UTC")),
    "triage.acknowledged": changed(CandidateEvent, acknowledged_by=None),
    "triage.decided": removed(CandidateDecision),
    "triage.waiting": changed(CandidateEvent, status="proposed"),
    "triage.claimed": changed(CandidateEvent, status="dismissed", claimed_by=uuid4(), claimed_at=clocks.now()),
    "triage.merged": changed(CandidateEvent, merged_into=uuid4()),
    "triage.circle": changed(CandidateEvent, status="merged", merged_into=CandidateEvent.id),
    "triage.closed": changed(CandidateEvent, status="dismissed"),
    "triage.confirmed": changed(CandidateEvent, status="confirmed"),
    "triage.corrections": a_correction_after_none,
    "triage.snoozed": changed(CandidateEvent, snoozed_until=clocks.at_local(date(2027, 4, 1), time(9), "UTC")),
    "pages.emergencies": changed(CandidateEvent, CandidateEvent.tier == "T1", status="proposed"),
    "pages.settled": changed(StaffPage, acknowledged_at=None, acknowledged_by=None, acknowledged_how=None),
    "pages.answered": changed(StaffPage, acknowledged_by=None),
    "pages.about": removed(PagedCandidate),
    "pages.people": a_page_that_reached_nobody,
    "pages.put_off": a_page_put_off,
    "events.candidates": changed(AdverseEvent, candidate_event_id=select(CandidateEvent.id).limit(1).scalar_subquery()),
    "events.grades": changed(AdverseEvent, grade=3),
    "events.emergence": changed(AdverseEvent, emergence={}),
    "events.signatures": changed(AdverseEvent, signature_id=None),
    "events.signed": changed(AdverseEvent, outcome="recovered"),
    "safety.clock": changed(AdverseEvent, serious=["disability"]),
    "safety.asked": changed(AdverseEvent, report_due_at=AdverseEvent.recorded_at),
    "safety.reported": changed(AdverseEvent, reported_at=AdverseEvent.recorded_at),
    "survival.grade_5": changed(AdverseEvent, grade=5),
    "survival.grade_5_date": an_event_that_killed_long_before,
    "survival.approved": changed(DeathReport, status="denied"),
    "survival.recorded": changed(Patient, status="on_study"),
    "survival.two_people": changed(DeathReport, ~PENDING, decided_by=DeathReport.reported_by),
    "survival.held": changed(ContactHold, lifted_at=clocks.at_local(date(2027, 3, 1), time(9), "UTC")),
    "survival.asked": removed(WorkItem),
    "survival.attempts": found_alive_without_a_trace,
    "survival.alive_after_death": alive_after_the_funeral,
    "survival.two_dates_of_death": another_day_of_death,
    "messages.provider_id": one_message(status="sent"),
    "messages.after_leaving": left_before_the_last_text,
    "messages.held": held_before_the_last_text,
    "messages.after_stop": stopped_before_the_last_text,
    "messages.queued_for_the_dead": a_message_to_the_dead,
    "messages.leases": one_message(status="claimed", lease_until=None),
    "messages.tasks": one_message(status="failed"),
    "messages.expired": one_message(expires_at=clocks.at_local(date(2027, 1, 1), time(9), "UTC")),
    "messages.doubts": a_doubt_nobody_looks_into,
    "messages.gateways": a_gateway_nobody_was_told_of,
    "messages.attempts": one_message(status="sending"),
    "trail.order": an_old_entry_sealed_in_good_faith,
}
