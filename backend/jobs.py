"""The timetable: every periodic job, on one page. The ticker only calls them; what is due stands in our tables."""

from collections.abc import Mapping
from dataclasses import dataclass

from backend import demo_clock
from backend.agenda.planning import everyone, replan
from backend.config import Settings
from backend.conversations.handle import understand_waiting
from backend.conversations.release import make_dead_letter_a_task, releasing_with
from backend.db import Database, system
from backend.migrations import refuse_other_schema
from backend.patients.models import Patient
from backend.sealing import Keyring, refuse_wrong_keys
from backend.terms import ChannelKind
from notifications.channels import Channel
from notifications.channels.in_app import InApp
from notifications.channels.simulator import Simulator
from notifications.dispatcher import Counts, dispatch_due
from notifications.reconciliation import reconcile
from notifications.scheduler import Job, Ticker
from notifications.templates import Template, load_templates

PLANNER = system("planner")
SECONDS_BETWEEN_PLANS = 300.0


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

    def understand(self) -> Counts:
        """Read the texts that nothing has looked at yet."""
        return understand_waiting(self.db)

    def dispatch(self) -> Counts:
        """Send what is due."""
        return dispatch_due(
            self.db,
            self.channels,
            releasing_with(self.templates),
            self.settings,
            on_dead_letter=make_dead_letter_a_task,
            templates=self.templates,
        )

    def reconcile(self) -> Counts:
        """Find out what became of messages whose sender did not live to tell."""
        return reconcile(self.db, self.channels, on_dead_letter=make_dead_letter_a_task)


def open_database(settings: Settings) -> Database:
    """The database the settings name, with the keys they hold."""
    keyring = Keyring(settings.data_keys, settings.index_key, settings.secret_key)
    # The ticking threads of one process need connections beside those that answer requests.
    return Database(settings.database_url, keyring, threads=settings.threads * 2)


def refuse_unfit(db: Database) -> None:
    """Raise ``SchemaOutOfDate`` or ``WrongDataKey`` rather than work on a database that is not ours to work on."""
    refuse_other_schema(db)
    with db.reading(system("start")) as txn:
        refuse_wrong_keys(txn)


def work_of(db: Database, settings: Settings) -> Work:
    """Everything the jobs need. Raises ``BadTemplate`` rather than start with a text that cannot be sent."""
    channels: dict[str, Channel] = {ChannelKind.SMS: Simulator(db), ChannelKind.IN_APP: InApp()}
    return Work(db, settings, channels, load_templates())


def ticker_of(work: Work) -> Ticker:
    """The jobs in the order in which one pass runs them."""
    tick = work.settings.tick_seconds
    jobs = [
        Job("keep_time", tick, work.keep_time),
        Job("plan", SECONDS_BETWEEN_PLANS, work.plan),
        Job("understand", tick, work.understand),
        Job("reconcile", tick, work.reconcile),
        Job("dispatch", tick, work.dispatch),
    ]
    return Ticker(work.db, jobs, threads=1 if work.db.is_sqlite else work.settings.threads)
