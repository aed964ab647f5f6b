"""Whether this server is well: alive, ready, and in numbers. No identifiers, and no transaction left open."""

from datetime import datetime
from typing import Any

from flask import Response, current_app
from flask.views import MethodView
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest
from sqlalchemy import func, select, text
from sqlalchemy.exc import SQLAlchemyError

from backend import clock
from backend.api.bodies import ApiBlueprint
from backend.api.requests import database_of
from backend.db import Database, Transaction, system
from backend.errors import SchemaOutOfDate
from backend.migrations import refuse_other_schema
from backend.terms import MessageStatus
from notifications.models import InboundMessage, Message
from notifications.scheduler import last_heartbeat
from schemas.health import AliveOut, ReadyOut

blp = ApiBlueprint("health", __name__, description="Whether this server is well")

WATCHER = system("health")
# Ticks come every few seconds; a worker that says nothing for this long sends nothing either.
SILENT_AFTER_SECONDS = 120


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

    @blp.response(200, content_type="text/plain")
    @blp.doc(security=[])
    def get(self) -> Response:
        """Counts and ages of messages."""
        registry = CollectorRegistry()
        with database_of(current_app).reading(WATCHER) as txn:
            _measure(txn, registry)
        return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


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
    return {"status": "silent" if age > SILENT_AFTER_SECONDS else "ticking", "seconds_since_beat": int(age)}


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
    _gauge(registry, "worker_beat_age_seconds", "Since the worker last showed itself.", _seconds_since_beat(txn))


def _gauge(registry: CollectorRegistry, name: str, meaning: str, value: float | None) -> None:
    """A number; nothing at all where there is nothing to measure."""
    if value is not None:
        Gauge(f"followup_{name}", meaning, registry=registry).set(value)


def _age(since: datetime | None, now: datetime) -> float | None:
    return max(0.0, (now - since).total_seconds()) if since else None
