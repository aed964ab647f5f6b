"""One line and one measurement a request: which route, how it ended, how long it took. Never the address itself.

An address holds ids, and whatever a stranger types after the question mark; the route's rule holds neither.
"""

import logging
import time

from flask import Flask, Response, g, request
from prometheus_client import CollectorRegistry, Counter, Histogram

log = logging.getLogger("backend.requests")

UNKNOWN = "unknown"
# Balancers and watchers ask every few seconds; their lines would hide the others.
NOT_LOGGED = frozenset({"health.Alive", "health.Ready", "health.Metrics"})


class Measurements:
    """What this process has answered since it started."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.registry = CollectorRegistry()
        self._answers = Counter(
            "followup_requests", "Answers by route and status.", ["method", "route", "status"], registry=self.registry
        )
        self._seconds = Histogram(
            "followup_request_seconds", "How long an answer took.", ["route"], registry=self.registry
        )

    def note(self, method: str, route: str, status: int, seconds: float) -> None:
        """One more answer. ``route`` is an endpoint's name, of which there are few."""
        self._answers.labels(method, route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)


def log_each_request(app: Flask) -> None:
    """Write the line and the measurement once the answer is known."""
    measured = Measurements()
    app.extensions["followup_measurements"] = measured

    @app.before_request
    def begin() -> None:
        g.began = time.perf_counter()

    @app.after_request
    def end(response: Response) -> Response:
        seconds = time.perf_counter() - g.get("began", time.perf_counter())
        route = request.endpoint or UNKNOWN
        # A stranger may invent methods; a name for each would fill the measurements.
        method = request.method if request.endpoint else UNKNOWN
        measured.note(method, route, response.status_code, seconds)
        if route not in NOT_LOGGED:
            log.info("request", extra=_said(method, route, response.status_code, seconds))
        return response


def measurements_of(app: Flask) -> Measurements:
    """What this process has answered since it started."""
    measured: Measurements = app.extensions["followup_measurements"]
    return measured


def _said(method: str, route: str, status: int, seconds: float) -> dict[str, object]:
    return {
        "method": method,
        "route": route,
        "status": status,
        "milliseconds": round(seconds * 1000),
        "request_id": g.get("request_id", ""),
    }
