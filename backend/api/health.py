"""Whether this server is well: alive, ready, and in numbers. No identifiers, and no transaction left open."""

import hmac
from datetime import datetime, timedelta
from typing import Any

from flask import Response, current_app, request
from flask.views import MethodView
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, generate_latest
from sqlalchemy import func, select, text
from sqlalchemy.exc import SQLAlchemyError

from backend import clock
from backend.api.access_log import measurements_of
from backend.api.bodies import ApiBlueprint
from backend.api.requests import database_of, settings_of
from backend.audit_seals import SEALED_WITHIN, unsealed_for
from backend.config import Mode, Settings
from backend.db import Database, Transaction, system
from backend.errors import NotSignedIn, SchemaOutOfDate
from backend.migrations import refuse_other_schema
from backend.terms import MessageStatus
from backend.triage.models import StaffPage
from notifications.models import InboundMessage, JobRun, Message
from notifications.outbox import EXPIRED
from notifications.scheduler import SILENT_AFTER, last_heartbeat
from schemas.health import AliveOut, ReadyOut

blp = ApiBlueprint("health", __name__, description="Whether this server is well")

WATCHER = system("health")
FAILURES_OF = timedelta(days=1)
UNANSWERED_FOR = timedelta(minutes=30)


@blp.route("/healthz")
class Alive(MethodView):
    """The process."""

    @blp.response(200, AliveOut)
    @blp.doc(security=[])
    def get(self) -> dict[str, str]:
        """Say that the process answers. For balancers: a database or a worker in trouble does not change it."""
        return {"status": "ok"}


@blp.route("/readyz")
class Ready(MethodView):
    """Everything that must work."""

    @blp.response(200, ReadyOut)
    @blp.alt_response(503, schema=ReadyOut, description="Something is not well")
    @blp.doc(security=[])
    def get(self) -> tuple[dict[str, Any], int]:
        """Say whether database, schema and worker are well. For those who watch: 503 when one is not."""
        found = _look(database_of(current_app))
        is_well = found["database"] == found["schema"] == "ok" and found["worker"]["status"] != "silent"
        return found, 200 if is_well else 503


@blp.route("/metrics")
class Metrics(MethodView):
    """Numbers for Prometheus."""

    @blp.response(200, {"type": "string"}, content_type="text/plain")
    @blp.alt_response(401, "UNAUTHORIZED")
    @blp.alt_response(503, "SERVICE_UNAVAILABLE")
    @blp.doc(security=[])
    def get(self) -> Response:
        """Counts and ages of messages. Where the server was given a token for this, it must be presented.

        In production a server without one shows its numbers to nobody.
        """
        _refuse_whoever_may_not_measure(settings_of(current_app))
        registry = CollectorRegistry()
        with database_of(current_app).reading(WATCHER) as txn:
            _measure(txn, registry)
        answered = generate_latest(measurements_of(current_app).registry)
        return Response(generate_latest(registry) + answered, content_type=CONTENT_TYPE_LATEST)


def _refuse_whoever_may_not_measure(settings: Settings) -> None:
    if not settings.metrics_token:
        if settings.mode is Mode.PRODUCTION:
            raise NotSignedIn()
        return
    scheme, _, presented = request.headers.get("Authorization", "").partition(" ")
    # Compared as bytes and in constant time: how far a guess was right must not show.
    is_right = hmac.compare_digest(presented.strip().encode(), settings.metrics_token.encode())
    if scheme.lower() != "bearer" or not is_right:
        raise NotSignedIn()


def _look(db: Database) -> dict[str, Any]:
    unknown = {"status": "unknown", "seconds_since_beat": None}
    try:
        with db.reading(WATCHER) as txn:
            txn.session.execute(text("SELECT 1"))
        refuse_other_schema(db)
        with db.reading(WATCHER) as txn:
            return {"database": "ok", "schema": "ok", "worker": _worker(txn)}
    except SchemaOutOfDate:
        return {"database": "ok", "schema": "out_of_date", "worker": unknown}
    except SQLAlchemyError:
        return {"database": "unavailable", "schema": "unknown", "worker": unknown}


def _worker(txn: Transaction) -> dict[str, Any]:
    age = _seconds_since_beat(txn)
    if age is None:
        return {"status": "none", "seconds_since_beat": None}
    return {"status": "silent" if age > SILENT_AFTER.total_seconds() else "ticking", "seconds_since_beat": int(age)}


def _seconds_since_beat(txn: Transaction) -> float | None:
    return _age(last_heartbeat(txn), clock.wall())


def _measure(txn: Transaction, registry: CollectorRegistry) -> None:
    counted = txn.session.execute(select(Message.status, func.count()).group_by(Message.status))
    by_status = dict(counted.all())
    messages = Gauge("followup_messages", "Messages by where they stand.", ["status"], registry=registry)
    for status in MessageStatus:
        messages.labels(status=status.value).set(by_status.get(status.value, 0))
    due = select(func.min(Message.next_try_at)).where(Message.status == MessageStatus.QUEUED)
    waiting = InboundMessage.handled_at.is_(None)
    oldest_text = select(func.min(InboundMessage.received_at)).where(waiting)
    _gauge(
        registry, "queue_age_seconds", "How late the most overdue message is.", _age(txn.session.scalar(due), txn.now)
    )
    _gauge(
        registry, "inbox_texts", "Texts nobody has dealt with.", txn.session.scalar(select(func.count()).where(waiting))
    )
    _gauge(registry, "inbox_age_seconds", "How long one has waited.", _age(txn.session.scalar(oldest_text), txn.now))
    _gauge(registry, "pages_unanswered", "Emergencies nobody has answered for half an hour.", _unanswered(txn))
    _gauge(registry, "audit_unsealed", "Entries without a seal for a minute.", len(unsealed_for(txn, SEALED_WITHIN)))
    _measure_missed(txn, registry)
    _measure_jobs(txn, registry)
    _gauge(registry, "worker_beat_age_seconds", "Since the worker last showed itself.", _seconds_since_beat(txn))


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


def _gauge(registry: CollectorRegistry, name: str, meaning: str, value: float | None) -> None:
    """A number; nothing at all where there is nothing to measure."""
    if value is not None:
        Gauge(f"followup_{name}", meaning, registry=registry).set(value)


def _age(since: datetime | None, now: datetime) -> float | None:
    return max(0.0, (now - since).total_seconds()) if since else None
