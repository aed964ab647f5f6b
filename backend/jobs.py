"""The timetable: every periodic job, on one page. The ticker only calls them; what is due stands in our tables."""

import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from backend import clock, demo_clock
from backend.adverse_events.safety_warnings import warn_due
from backend.agenda.pauses import end_due_pauses
from backend.agenda.planning import behind, everyone, replan_all
from backend.agenda.silence import ask_for_calls
from backend.audit_checkpoints import write_checkpoints
from backend.audit_seals import Sealer
from backend.config import Settings, SmsGateway
from backend.conversations import confirming
from backend.conversations.channels import fall_back
from backend.conversations.dead_letters import make_dead_letter_a_task
from backend.conversations.endings import see_to_surveys
from backend.conversations.handle import understand_waiting
from backend.conversations.release import releasing_with
from backend.conversations.release_to_staff import StaffWays
from backend.db import Database, is_unavailable, system
from backend.errors import BadSettings
from backend.heartbeat import tell_outside
from backend.limits import forget_old_counts
from backend.providers import PROVIDERS
from backend.terms import ChannelKind
from backend.triage.escalation import escalate_due
from backend.worklist import outages
from backend.worklist.alarms import see_to_the_ways
from notifications.channels import Channel
from notifications.channels.calls import SECONDS_FOR_AN_ANSWER
from notifications.channels.email import Email
from notifications.channels.in_app import InApp
from notifications.channels.simulator import Simulator
from notifications.channels.template_gateway import TemplateGateway, gateway_for
from notifications.dispatcher import Counts, dispatch_due
from notifications.overtaken import settle_overtaken
from notifications.polling import poll_replies, poll_reports
from notifications.reconciliation import reconcile
from notifications.scheduler import SILENT_AFTER, Job, Ticker, last_heartbeat
from notifications.sweeping import JOB as SWEEP_TEXTS
from notifications.sweeping import sweep
from notifications.templates import Template, load_templates, signed_as

log = logging.getLogger(__name__)

PLANNER = system("planner")
SECONDS_BETWEEN_PLANS = 300.0
SECONDS_BETWEEN_CALLS = 60.0
SECONDS_BETWEEN_FALLBACKS = 60.0
SECONDS_BETWEEN_SURVEYS = 30.0
SECONDS_BETWEEN_ESCALATIONS = 15.0
SECONDS_BETWEEN_CHECKPOINTS = 900.0
SECONDS_BETWEEN_FORGETTINGS = 600.0
SECONDS_BETWEEN_BEATS = 60.0
SECONDS_BETWEEN_ALARMS = 15.0
SECONDS_BETWEEN_BOOKKEEPING = 600.0
SECONDS_BETWEEN_POLLS = 5.0
# Whoever wrote of bleeding must not wait for an hour because a webhook was lost.
SECONDS_BETWEEN_SWEEPS = 900.0
# Two such calls, one with each of two tokens, are over before the lease is.
PART_OF_A_LEASE = 0.4
# Patients whose plans are compared in one look, and so few planned in one transaction that others need not wait long.
LOOKED_AT_TOGETHER = 100
PLANNED_TOGETHER = 20


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
        """Make the outbox hold what every agenda asks for. Looking changes nothing, and so keeps no writer waiting."""
        with self.db.reading(PLANNER) as txn:
            everybody = everyone(txn)
        counts = Counter(queued=0, recalled=0)
        for some in _by(LOOKED_AT_TOGETHER, everybody):
            counts.update(self._plan_or_divide(some))
        return counts

    def _plan_or_divide(self, some: Sequence[UUID]) -> Counts:
        """A patient whose calendar cannot be computed must not leave the others without reminders."""
        try:
            return self._plan(some)
        except Exception as error:
            if is_unavailable(error):
                raise
            if len(some) == 1:
                log.exception("a patient could not be planned", extra={"patient_id": str(some[0])})
                return {"plans_failed": 1}
        halves = _by((len(some) + 1) // 2, some)
        return sum((Counter(self._plan_or_divide(half)) for half in halves), Counter())

    def _plan(self, some: Sequence[UUID]) -> Counts:
        counts: Counter[str] = Counter()
        with self.db.reading(PLANNER) as txn:
            to_plan = behind(txn, some)
        for few in _by(PLANNED_TOGETHER, to_plan):
            with self.db.transaction(PLANNER) as txn:
                done = replan_all(txn, few)
            counts.update(queued=done.queued, recalled=done.recalled)
        return counts

    def call(self) -> Counts:
        """Ask people to telephone patients who are silent, and new numbers where nobody has shown who they are."""
        done = ask_for_calls(self.db)
        done.update(confirming.ask_for_calls(self.db))
        return done

    def end_pauses(self) -> Counts:
        """Plan messages again after pauses that are over, and ask a person how to go on."""
        return end_due_pauses(self.db)

    def understand(self) -> Counts:
        """Read the texts that nothing has looked at yet."""
        return understand_waiting(self.db)

    def see_to_surveys(self) -> Counts:
        """File what nobody goes on answering by text, and leave for later what nobody answers now."""
        return see_to_surveys(self.db)

    def dispatch(self, *, first_breath: int = 1) -> Counts:
        """Send what is due; with a gateway that cannot be shut, many may be begun at first."""
        return dispatch_due(
            self.db,
            self.channels,
            releasing_with(self.templates, self.staff_ways),
            self.settings,
            on_dead_letter=make_dead_letter_a_task,
            templates=self.templates,
            first_breath=first_breath,
        )

    def fall_back(self) -> Counts:
        """Say by the next channel what was not delivered or opened in time."""
        return fall_back(self.db)

    def escalate(self) -> Counts:
        """Page again, take on what nobody has taken note of in time, and warn of safety reports not sent yet."""
        return {**escalate_due(self.db), **warn_due(self.db)}

    @property
    def staff_ways(self) -> StaffWays:
        """How staff can be reached by this process."""
        return StaffWays(self.settings.public_url, has_email=ChannelKind.EMAIL in self.channels)

    def see_to_the_ways(self) -> Counts:
        """Tell every site of a gateway that stands still, and try numbers again that somebody has seen to."""
        return see_to_the_ways(self.db)

    def reconcile(self) -> Counts:
        """Find out what became of messages whose sender did not live to tell."""
        return reconcile(self.db, self.channels, on_dead_letter=make_dead_letter_a_task)

    def settle_overtaken(self) -> Counts:
        """Find out what became of calls whose message was settled without them."""
        return settle_overtaken(self.db, self.channels)

    def poll_reports(self, gateway: TemplateGateway) -> Counts:
        """Ask the gateway what became of what it took."""
        return poll_reports(self.db, gateway, on_dead_letter=make_dead_letter_a_task)

    def send_letters_about_outages(self) -> Counts:
        """Send these and nothing else: for a web process, while no worker does."""
        return dispatch_due(
            self.db,
            {way: channel for way, channel in self.channels.items() if way == ChannelKind.EMAIL},
            releasing_with(self.templates, self.staff_ways),
            self.settings,
            on_dead_letter=make_dead_letter_a_task,
            templates=self.templates,
            only=outages.LETTERS,
        )

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


def _by(size: int, everybody: Sequence[UUID]) -> Iterator[Sequence[UUID]]:
    for first in range(0, len(everybody), size):
        yield everybody[first : first + size]


def work_of(db: Database, settings: Settings) -> Work:
    """Everything the jobs need. Raises ``BadTemplate`` rather than start with a text that cannot be sent."""
    if settings.sms_gateway not in PROVIDERS:
        raise BadSettings(fields={"FOLLOWUP_SMS_GATEWAY": ["Is not declared with its region in backend/providers.py."]})
    templates = load_templates()
    if settings.template:
        templates = signed_as(templates, settings.template.sign_name)
    gateway = _text_gateway(db, settings, templates)
    channels: dict[str, Channel] = {ChannelKind.SMS: gateway, ChannelKind.IN_APP: InApp()}
    if settings.smtp_url:
        channels[ChannelKind.EMAIL] = Email(settings.smtp_url)
    return Work(db, settings, channels, templates)


def _text_gateway(db: Database, settings: Settings, templates: Mapping[str, Template]) -> Channel:
    """Who carries the texts."""
    if settings.sms_gateway is SmsGateway.TWILIO and settings.twilio:
        # Its library takes longer to read than all the rest of us, so only those who send by it do.
        from notifications.channels.sms import Twilio

        return Twilio(
            settings.twilio,
            settings.public_url,
            seconds_between_looks=settings.look_seconds,
            # Whoever waits longer than the lease lasts would be asked after while still speaking.
            seconds_for_an_answer=min(SECONDS_FOR_AN_ANSWER, settings.lease_seconds * PART_OF_A_LEASE),
        )
    if settings.sms_gateway is SmsGateway.TEMPLATE and settings.template:
        return gateway_for(settings.template, templates, seconds_between_looks=settings.look_seconds)
    return Simulator(db)


def ticker_of(work: Work) -> Ticker:
    """The jobs in the order in which one pass runs them."""
    tick = work.settings.tick_seconds
    jobs = [
        Job("keep_time", tick, work.keep_time),
        Job("plan", SECONDS_BETWEEN_PLANS, work.plan),
        Job("end_pauses", SECONDS_BETWEEN_CALLS, work.end_pauses),
        Job("call", SECONDS_BETWEEN_CALLS, work.call),
        Job("understand", tick, work.understand),
        Job("see_to_surveys", SECONDS_BETWEEN_SURVEYS, work.see_to_surveys),
        Job("escalate", SECONDS_BETWEEN_ESCALATIONS, work.escalate),
        Job("reconcile", tick, work.reconcile),
        Job("settle_overtaken", SECONDS_BETWEEN_BOOKKEEPING, work.settle_overtaken),
        Job("fall_back", SECONDS_BETWEEN_FALLBACKS, work.fall_back),
        Job("dispatch", tick, work.dispatch),
        Job("see_to_the_ways", SECONDS_BETWEEN_ALARMS, work.see_to_the_ways),
        Job("seal", tick, Sealer(work.db).seal_waiting),
        Job("checkpoint", SECONDS_BETWEEN_CHECKPOINTS, work.checkpoint),
        Job("forget_old_counts", SECONDS_BETWEEN_FORGETTINGS, work.forget_old_counts),
    ]
    polled = work.channels.get(ChannelKind.SMS)
    if isinstance(polled, TemplateGateway):
        jobs.append(Job("poll_reports", SECONDS_BETWEEN_POLLS, lambda: work.poll_reports(polled)))
        jobs.append(Job("poll_replies", SECONDS_BETWEEN_POLLS, lambda: poll_replies(work.db, polled)))
    if work.settings.twilio:
        from notifications.channels.sms import Twilio

        if isinstance(polled, Twilio):
            jobs.append(Job(SWEEP_TEXTS, SECONDS_BETWEEN_SWEEPS, lambda: sweep(work.db, polled.received_since)))
    if work.settings.heartbeat_url:
        jobs.append(Job("beat_outside", SECONDS_BETWEEN_BEATS, work.beat_outside))
    return Ticker(work.db, jobs, threads=1 if work.db.is_sqlite else work.settings.threads)
