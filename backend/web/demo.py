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
from backend.web import demo_phones, demo_replays
from backend.web.demo_steps import move_clock_by, move_clock_to
from backend.web.demo_texts import NotSent, ShownText, not_sent_to, shown_on
from backend.web.languages import page_language
from backend.web.pages import shown
from notifications.scheduler import Ticker
from schemas.demo import ClockMoveIn, PhoneTextIn, ReplayIn
from seeds.demo.recorded import recordings

blp = Blueprint("demo", __name__, url_prefix="/demo")
bodies = BodyParser()


@blp.get("")
def page() -> Response:
    """Phones, clock, recorded conversations, things to try, sign-ins."""
    spoken = page_language()
    recorded = [(one.name, one.title[spoken], one.about[spoken]) for one in recordings().values()]
    return shown("demo.html", people=_people(), recorded=recorded)


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
    """What is on one phone, what became of each text, and what did not reach it."""
    return jsonify(_on_phone(number))


@blp.post("/phones/<number>")
def write(number: str) -> tuple[Response, int]:
    """Send a text as this phone; an answer is there when this returns."""
    body = bodies.parse(PhoneTextIn(), request, location="json")
    db = database_of(current_app)
    demo_phones.write_from(db, _ticker(), demo_phones.number_of(number), body["text"])
    return jsonify(_on_phone(number)), 201


@blp.post("/phones/<number>/replays")
def replay(number: str) -> tuple[Response, int]:
    """Play a recorded conversation on this phone, or one step of it; ``next_step`` is None at its end."""
    body = bodies.parse(ReplayIn(), request, location="json")
    db, kept = database_of(current_app), demo_phones.number_of(number)
    recording, next_step = demo_replays.recording_of(body["name"]), None
    if "step" in body:
        next_step = demo_replays.play_step(db, _ticker(), kept, recording, body["step"])
    else:
        demo_replays.play(db, _ticker(), kept, recording)
    return jsonify(_on_phone(number) | {"next_step": next_step}), 201


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
    kept = demo_phones.number_of(number)
    with database_of(current_app).reading(DEMO) as txn:
        texts, not_sent = shown_on(txn, kept), not_sent_to(txn, kept)
    return {"messages": [_plain(text) for text in texts], "not_sent": [_plain(note) for note in not_sent]}


def _plain(said: ShownText | NotSent) -> dict[str, Any]:
    """Its fields as JSON has them."""
    return {name: _instant(value) if isinstance(value, datetime) else value for name, value in asdict(said).items()}


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
