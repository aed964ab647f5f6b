"""The timetable: every periodic job, on one page. The ticker only calls them; what is due stands in our tables."""

from collections.abc import Mapping
from dataclasses import dataclass

from backend import clock, demo_clock
from backend.agenda.pauses import end_due_pauses
from backend.agenda.planning import everyone, replan
from backend.agenda.silence import ask_for_calls
from backend.audit_checkpoints import write_checkpoints
from backend.audit_seals import Sealer
from backend.config import Mode, Settings
from backend.conversations.channels import fall_back
from backend.conversations.handle import understand_waiting
from backend.conversations.release import make_dead_letter_a_task, releasing_with
from backend.conversations.release_to_staff import StaffWays
from backend.db import Database, system
from backend.errors import BadSettings
from backend.heartbeat import tell_outside
from backend.limits import forget_old_counts
from backend.migrations import refuse_other_schema
from backend.patients.models import Patient
from backend.providers import PROVIDERS
from backend.sealing import Keyring, refuse_wrong_keys
from backend.terms import ChannelKind
from backend.triage.escalation import escalate_due
from notifications.channels import Channel
from notifications.channels.email import Email
from notifications.channels.in_app import InApp
from notifications.channels.simulator import Simulator
from notifications.dispatcher import Counts, dispatch_due
from notifications.reconciliation import reconcile
from notifications.scheduler import SILENT_AFTER, Job, Ticker, last_heartbeat
from notifications.templates import Template, load_templates

PLANNER = system("planner")
SECONDS_BETWEEN_PLANS = 300.0
SECONDS_BETWEEN_CALLS = 60.0
SECONDS_BETWEEN_FALLBACKS = 60.0
SECONDS_BETWEEN_ESCALATIONS = 15.0
SECONDS_BETWEEN_CHECKPOINTS = 900.0
SECONDS_BETWEEN_FORGETTINGS = 600.0
SECONDS_BETWEEN_BEATS = 60.0


@dataclass(frozen=True)
class Work:
    """What the jobs share: the database, the ways out, the texts."""

    db: Database
    settings: Settings
    channels: Mapping[str, Channel]
    templates: Mapping[str, Template]

    def keep_time(self) -> Counts:
        """In a demo, follow the clock that another process may have moved."""
        if self.settings.is_demo:
            demo_clock.follow(self.db)
        return {}

    def plan(self) -> Counts:
        """Make the outbox hold what every agenda asks for, one patient a transaction."""
        counts = {"queued": 0, "recalled": 0}
        with self.db.reading(PLANNER) as txn:
            patient_ids = everyone(txn)
        for patient_id in patient_ids:
            with self.db.transaction(PLANNER) as txn:
                done = replan(txn, txn.session.get_one(Patient, patient_id))
            counts["queued"] += done.queued
            counts["recalled"] += done.recalled
        return counts

    def call(self) -> Counts:
        """Ask people to telephone patients who are silent."""
        return ask_for_calls(self.db)

    def end_pauses(self) -> Counts:
        """Plan messages again after pauses that are over, and ask a person how to go on."""
        return end_due_pauses(self.db)

    def understand(self) -> Counts:
        """Read the texts that nothing has looked at yet."""
        return understand_waiting(self.db)

    def dispatch(self) -> Counts:
        """Send what is due."""
        return dispatch_due(
            self.db,
            self.channels,
            releasing_with(self.templates, self.staff_ways),
            self.settings,
            on_dead_letter=make_dead_letter_a_task,
            templates=self.templates,
        )

    def fall_back(self) -> Counts:
        """Say by the next channel what was not delivered or opened in time."""
        return fall_back(self.db)

    def escalate(self) -> Counts:
        """Page again, and take on what nobody has taken note of in time."""
        return escalate_due(self.db)

    @property
    def staff_ways(self) -> StaffWays:
        """How staff can be reached by this process."""
        return StaffWays(self.settings.public_url, has_email=ChannelKind.EMAIL in self.channels)

    def reconcile(self) -> Counts:
        """Find out what became of messages whose sender did not live to tell."""
        return reconcile(self.db, self.channels, on_dead_letter=make_dead_letter_a_task)

    def checkpoint(self) -> Counts:
        """Say outside the database how far the audit chains have come."""
        return write_checkpoints(self.db, self.settings.home)

    def beat_outside(self) -> Counts:
        """Tell whoever watches from outside that the database answers and a worker ticks."""
        with self.db.reading(PLANNER) as txn:
            beat = last_heartbeat(txn)
        if beat is None or clock.wall() - beat > SILENT_AFTER:
            return {}
        return {} if tell_outside(self.settings.heartbeat_url) else {"heartbeats_unheard": 1}

    def forget_old_counts(self) -> Counts:
        """Delete counted attempts whose window has ended."""
        forgotten = forget_old_counts(self.db)
        return {"counts_forgotten": forgotten} if forgotten else {}


def open_database(settings: Settings) -> Database:
    """The database the settings name, with the keys they hold."""
    keyring = Keyring(settings.data_keys, settings.index_key, settings.secret_key)
    # The ticking threads of one process need connections beside those that answer requests.
    # Nothing of a demo is worth waiting for the disk: it lives through months in seconds, and is made anew each time.
    return Database(
        settings.database_url, keyring, threads=settings.threads * 2, outlives_power_cuts=settings.mode is not Mode.DEMO
    )


def refuse_unfit(db: Database, settings: Settings | None = None) -> None:
    """Raise rather than work on a database that is not ours to work on.

    ``SchemaOutOfDate`` and ``WrongDataKey`` for any command; ``BadSettings``, for whoever gives the ``settings``
    it is about to serve with, when a demo's database is to be used in production.
    """
    refuse_other_schema(db)
    if settings is not None and settings.mode is Mode.PRODUCTION and demo_clock.is_demo(db):
        raise BadSettings(fields={"FOLLOWUP_DATABASE_URL": ["Is a demo's; production must start from an empty one."]})
    with db.reading(system("start")) as txn:
        refuse_wrong_keys(txn)


def work_of(db: Database, settings: Settings) -> Work:
    """Everything the jobs need. Raises ``BadTemplate`` rather than start with a text that cannot be sent."""
    if settings.sms_gateway not in PROVIDERS:
        raise BadSettings(fields={"FOLLOWUP_SMS_GATEWAY": ["Is not declared with its region in backend/providers.py."]})
    channels: dict[str, Channel] = {ChannelKind.SMS: Simulator(db), ChannelKind.IN_APP: InApp()}
    if settings.smtp_url:
        channels[ChannelKind.EMAIL] = Email(settings.smtp_url)
    return Work(db, settings, channels, load_templates())


def ticker_of(work: Work) -> Ticker:
    """The jobs in the order in which one pass runs them."""
    tick = work.settings.tick_seconds
    jobs = [
        Job("keep_time", tick, work.keep_time),
        Job("plan", SECONDS_BETWEEN_PLANS, work.plan),
        Job("end_pauses", SECONDS_BETWEEN_CALLS, work.end_pauses),
        Job("call", SECONDS_BETWEEN_CALLS, work.call),
        Job("understand", tick, work.understand),
        Job("escalate", SECONDS_BETWEEN_ESCALATIONS, work.escalate),
        Job("reconcile", tick, work.reconcile),
        Job("fall_back", SECONDS_BETWEEN_FALLBACKS, work.fall_back),
        Job("dispatch", tick, work.dispatch),
        Job("seal", tick, Sealer(work.db).seal_waiting),
        Job("checkpoint", SECONDS_BETWEEN_CHECKPOINTS, work.checkpoint),
        Job("forget_old_counts", SECONDS_BETWEEN_FORGETTINGS, work.forget_old_counts),
    ]
    if work.settings.heartbeat_url:
        jobs.append(Job("beat_outside", SECONDS_BETWEEN_BEATS, work.beat_outside))
    return Ticker(work.db, jobs, threads=1 if work.db.is_sqlite else work.settings.threads)
