"""The real server with three doors more, for the benchmark alone: ``python -m tests.bench.submit_server PORT``.

A bare route that asks nobody and reads nothing, a hand on the trial's clock, and the account of where time goes.
"""

import sys
import time
from datetime import datetime

from flask import Flask

from backend import clock
from backend.api.lines import THREADS_FOR_EACH
from backend.app import create_app
from backend.config import read_settings
from backend.http_server import answer_requests
from backend.logs import configure_logs
from backend.opening import open_database
from tests.bench.steps import Steps

BARE = "/bench/bare"
CLOCK = "/bench/clock"
STEPS = "/bench/steps"
PROCESSOR = "/bench/processor"


def main(port: int) -> None:
    """Serve until stopped, as ``followup serve`` does."""
    configure_logs()
    settings = read_settings()
    db = open_database(settings)
    app = create_app(settings, db)
    add_doors(app)
    answer_requests(app, "127.0.0.1", port, threads=settings.threads * THREADS_FOR_EACH, behind_proxies=False)
    db.close()


def add_doors(app: Flask) -> None:
    """What the benchmark asks of the server."""
    steps = Steps()

    @app.get(BARE)
    def bare() -> dict[str, bool]:
        return {"ok": True}

    @app.get(PROCESSOR)
    def processor() -> dict[str, float]:
        return {"seconds": time.process_time()}

    @app.post(f"{CLOCK}/<moment>")
    def move(moment: str) -> dict[str, bool]:
        clock.move_to(datetime.fromisoformat(moment))
        return {"ok": True}

    @app.post(STEPS)
    def begin() -> dict[str, bool]:
        # Timers cost a little themselves, so they are not there while speeds are measured.
        steps.put_in_place(app)
        steps.begin()
        return {"ok": True}

    @app.get(STEPS)
    def taken() -> dict[str, float]:
        return steps.taken()


if __name__ == "__main__":
    main(int(sys.argv[1]))
