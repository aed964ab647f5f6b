"""Whether this server is well: alive, ready, and in numbers. No identifiers, and no transaction left open."""

import hmac
from typing import Any

from flask import Response, current_app, request
from flask.views import MethodView
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from backend.api.access_log import measurements_of
from backend.api.bodies import ApiBlueprint
from backend.api.measurements import measure, seconds_since_beat
from backend.api.requests import database_of, settings_of
from backend.config import Mode, Settings
from backend.db import Database, Transaction, system
from backend.errors import NotSignedIn, SchemaOutOfDate
from backend.migrations import refuse_other_schema
from notifications import breakers
from notifications.scheduler import SILENT_AFTER
from schemas.health import AliveOut, ReadyOut

blp = ApiBlueprint("health", __name__, description="Whether this server is well")

WATCHER = system("health")


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
        """Say whether database, schema, worker and gateways are well. For those who watch: 503 when one is not."""
        found = _look(database_of(current_app))
        is_served = found["database"] == found["schema"] == "ok" and found["worker"]["status"] != "silent"
        is_well = is_served and not found["stopped"]
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
            measure(txn, registry)
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
            stopped = [breaker.channel for breaker in breakers.standing_open(txn)]
            return {"database": "ok", "schema": "ok", "worker": _worker(txn), "stopped": stopped}
    except SchemaOutOfDate:
        return {"database": "ok", "schema": "out_of_date", "worker": unknown, "stopped": []}
    except SQLAlchemyError:
        return {"database": "unavailable", "schema": "unknown", "worker": unknown, "stopped": []}


def _worker(txn: Transaction) -> dict[str, Any]:
    age = seconds_since_beat(txn)
    if age is None:
        return {"status": "none", "seconds_since_beat": None}
    return {"status": "silent" if age > SILENT_AFTER.total_seconds() else "ticking", "seconds_since_beat": int(age)}
