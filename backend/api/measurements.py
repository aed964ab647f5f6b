"""The numbers of a server, for Prometheus. Asked of the database, because what they tell of happens in other processes.

Each is answered from an index: whoever watches asks every few seconds, for years.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from prometheus_client import CollectorRegistry, Counter, Gauge
from sqlalchemy import func, select

from backend import clock
from backend.audit_seals import SEALED_WITHIN, unsealed_for
from backend.db import Transaction
from backend.terms import AttemptStatus, ChannelKind, MessageStatus
from backend.triage.models import StaffPage
from notifications import breakers, sweeping
from notifications.filtering import filtered_templates
from notifications.models import Attempt, InboundMessage, JobRun, Message
from notifications.outbox import EXPIRED
from notifications.scheduler import last_heartbeat
from notifications.waiting import next_message_at

FAILURES_OF = timedelta(days=1)
UNANSWERED_FOR = timedelta(minutes=30)
DWELL_OF = timedelta(hours=1)
# More than a server sends in an hour; beyond it the latest ones speak for all.
DWELLS_LOOKED_AT = 20_000
QUANTILES = (0.5, 0.9, 0.99)


def measure(txn: Transaction, registry: CollectorRegistry) -> None:
    """Everything there is to count."""
    _measure_messages(txn, registry)
    _measure_dwell(txn, registry)
    _measure_ways(txn, registry)
    waiting = InboundMessage.handled_at.is_(None)
    oldest_text = select(func.min(InboundMessage.received_at)).where(waiting)
    _gauge(
        registry, "inbox_texts", "Texts nobody has dealt with.", txn.session.scalar(select(func.count()).where(waiting))
    )
    _gauge(registry, "inbox_age_seconds", "How long one has waited.", age(txn.session.scalar(oldest_text), txn.now))
    _gauge(registry, "pages_unanswered", "Emergencies nobody has answered for half an hour.", _unanswered(txn))
    _gauge(registry, "audit_unsealed", "Entries without a seal for a minute.", len(unsealed_for(txn, SEALED_WITHIN)))
    _measure_missed(txn, registry)
    _measure_jobs(txn, registry)
    _gauge(registry, "text_segments", "What a carrier charges for the texts of a day.", _charged(txn))
    _gauge(registry, "texts_fetched", "Texts of a day that no webhook brought.", _fetched(txn))
    _gauge(registry, "worker_beat_age_seconds", "Since the worker last showed itself.", seconds_since_beat(txn))


def seconds_since_beat(txn: Transaction) -> float | None:
    """Since the last of the workers showed itself; None if none ever did."""
    return age(last_heartbeat(txn), clock.wall())


def age(since: datetime | None, now: datetime) -> float | None:
    """In seconds, and never negative, because a clock may have been set back."""
    return max(0.0, (now - since).total_seconds()) if since else None


def _measure_messages(txn: Transaction, registry: CollectorRegistry) -> None:
    counted = txn.session.execute(select(Message.status, func.count()).group_by(Message.status))
    by_status = dict(counted.all())
    messages = Gauge("followup_messages", "Messages by where they stand.", ["status"], registry=registry)
    for status in MessageStatus:
        messages.labels(status=status.value).set(by_status.get(status.value, 0))
    _gauge(registry, "dead_letters", "Messages that nobody could deliver.", by_status.get(MessageStatus.FAILED, 0))
    _gauge(registry, "in_doubt", "Of which nobody knows what came.", by_status.get(MessageStatus.IN_DOUBT, 0))
    _gauge(registry, "queue_age_seconds", "How late the most overdue message is.", age(next_message_at(txn), txn.now))


def _measure_dwell(txn: Transaction, registry: CollectorRegistry) -> None:
    """From when a message was last due to when a provider had it, of those that one took in the last hour."""
    taken = (
        select(Message.next_try_at, Attempt.settled_at)
        .join(Message, Message.id == Attempt.message_id)
        .where(Attempt.status == AttemptStatus.ACCEPTED, Attempt.settled_at > txn.now - DWELL_OF)
        .order_by(Attempt.settled_at.desc())
        .limit(DWELLS_LOOKED_AT)
    )
    dwells = sorted(age(due, taken_at) or 0.0 for due, taken_at in txn.session.execute(taken) if taken_at)
    if not dwells:
        return
    gauge = Gauge(
        "followup_dwell_seconds", "From due to taken by a provider, in the last hour.", ["quantile"], registry=registry
    )
    for quantile in QUANTILES:
        gauge.labels(quantile=str(quantile)).set(_quantile(dwells, quantile))


def _quantile(ordered: Sequence[float], quantile: float) -> float:
    """The smallest value that so large a part does not exceed."""
    return ordered[max(0, -int(-quantile * len(ordered) // 1) - 1)]


def _measure_ways(txn: Transaction, registry: CollectorRegistry) -> None:
    stopped = Gauge(
        "followup_gateway_stopped", "1 while nothing is sent that way.", ["channel", "code"], registry=registry
    )
    for breaker in breakers.standing_open(txn):
        stopped.labels(channel=breaker.channel, code=breaker.code).set(1)
    filtered = Gauge(
        "followup_filtered", "Messages carriers filtered, of those with three.", ["kind", "version"], registry=registry
    )
    for found in filtered_templates(txn):
        filtered.labels(kind=found.template, version=str(found.version)).set(found.messages)


def _unanswered(txn: Transaction) -> int:
    since = txn.now - UNANSWERED_FOR
    waiting = select(func.count()).where(StaffPage.acknowledged_at.is_(None), StaffPage.opened_at <= since)
    return txn.session.scalar(waiting) or 0


def _measure_missed(txn: Transaction, registry: CollectorRegistry) -> None:
    missed = Counter("followup_missed", "Messages that expired unsent, by template.", ["kind"], registry=registry)
    expired = select(Message.template, func.count()).where(
        Message.status == MessageStatus.SUPPRESSED, Message.reason == EXPIRED
    )
    for template, number in txn.session.execute(expired.group_by(Message.template).order_by(Message.template)):
        missed.labels(kind=template).inc(number)


def _measure_jobs(txn: Transaction, registry: CollectorRegistry) -> None:
    runs = Gauge("followup_job_runs", "Runs of a day that did something.", ["job", "outcome"], registry=registry)
    since = JobRun.started_at > clock.wall() - FAILURES_OF
    for outcome, which in (("failed", JobRun.error.is_not(None)), ("done", JobRun.error.is_(None))):
        counted = select(JobRun.name, func.count()).where(since, which).group_by(JobRun.name).order_by(JobRun.name)
        for name, number in txn.session.execute(counted):
            runs.labels(job=name, outcome=outcome).set(number)


def _charged(txn: Transaction) -> int:
    texts = select(func.sum(Attempt.segments)).where(
        Attempt.channel == ChannelKind.SMS,
        Attempt.started_at > txn.now - FAILURES_OF,
        Attempt.status == AttemptStatus.ACCEPTED,
    )
    return txn.session.scalar(texts) or 0


def _fetched(txn: Transaction) -> int | None:
    """None where nobody fetches."""
    since = JobRun.started_at > clock.wall() - FAILURES_OF
    swept = txn.session.scalars(select(JobRun.counts).where(JobRun.name == sweeping.JOB, since)).all()
    return sum(counts.get(sweeping.FETCHED, 0) for counts in swept) if swept else None


def _gauge(registry: CollectorRegistry, name: str, meaning: str, value: float | None) -> None:
    """A number; nothing at all where there is nothing to measure."""
    if value is not None:
        Gauge(f"followup_{name}", meaning, registry=registry).set(value)
