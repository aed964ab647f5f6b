"""The demo's page: simulated phones to read and to write on, and a clock to move. It exists in demo mode only.

Nobody signs in here, because there is nobody to protect: every person of a demo is invented.
"""

import json
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Blueprint, Response, current_app, jsonify, make_response, request

from backend import clock
from backend.api.bodies import BodyParser
from backend.api.requests import database_of, settings_of
from backend.demo_clock import DEMO
from backend.web import demo_phones
from backend.web.demo_steps import move_clock_by, move_clock_to
from backend.web.pages import shown
from notifications.channels.simulator import texts_of
from notifications.scheduler import Ticker
from schemas.demo import ClockMoveIn, PhoneTextIn

blp = Blueprint("demo", __name__, url_prefix="/demo")
bodies = BodyParser()


@blp.get("")
def page() -> Response:
    """Phones, clock, things to try, sign-ins."""
    return shown("demo.html", people=_people())


@blp.get("/phones")
def phones() -> Response:
    """Every phone of the demo, for the page, which asks every other second: mostly nothing has changed."""
    with database_of(current_app).reading(DEMO) as txn:
        answer = make_response()
        answer.set_etag(demo_phones.state_of_all(txn))
        if answer.make_conditional(request).status_code != 304:
            listed = [asdict(phone) for phone in demo_phones.every_phone(txn)]
            answer.set_data(json.dumps({"phones": listed}, ensure_ascii=False, default=datetime.isoformat))
            answer.content_type = "application/json"
    answer.cache_control.no_cache = True
    return answer


@blp.get("/phones/<number>")
def phone(number: str) -> Response:
    """What is on one phone."""
    return jsonify(_on_phone(number))


@blp.post("/phones/<number>")
def write(number: str) -> tuple[Response, int]:
    """Send a text as this phone; an answer is there when this returns."""
    body = bodies.parse(PhoneTextIn(), request, location="json")
    db = database_of(current_app)
    demo_phones.write_from(db, _ticker(), demo_phones.number_of(number), body["text"])
    return jsonify(_on_phone(number)), 201


@blp.get("/clock")
def now() -> Response:
    """What time it is, where, and when tomorrow morning begins there."""
    with database_of(current_app).reading(DEMO) as txn:
        zone = demo_phones.zone_of_study(txn)
    return jsonify(
        now=_instant(clock.now()),
        time_zone=zone,
        tomorrow_morning=_instant(demo_phones.tomorrow_morning(clock.now(), zone)),
    )


@blp.post("/clock")
def move() -> Response:
    """Move the clock ahead; whatever falls due on the way happens."""
    body = bodies.parse(ClockMoveIn(), request, location="json")
    db = database_of(current_app)
    if "to" in body:
        ran = move_clock_to(db, _ticker(), body["to"])
    else:
        ran = move_clock_by(db, _ticker(), timedelta(seconds=body["by"]))
    return jsonify(now=_instant(clock.now()), ran=dict(ran))


def _on_phone(number: str) -> dict[str, Any]:
    with database_of(current_app).reading(DEMO) as txn:
        texts = texts_of(txn, demo_phones.number_of(number))
    return {"messages": [{**asdict(text), "at": _instant(text.at)} for text in texts]}


def _people() -> dict[str, Any]:
    """Who may sign in, as the demo wrote it down when it was made; nobody when the file is not there yet."""
    try:
        return dict(json.loads((settings_of(current_app).home / "demo.json").read_text(encoding="utf-8")))
    except FileNotFoundError:
        return {}


def _ticker() -> Ticker:
    ticker: Ticker = current_app.extensions["followup_ticker"]
    return ticker


def _instant(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()
