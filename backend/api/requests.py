"""One transaction per request: who is asking, may they, the view, the commit, and only then the answer.

The commit sits in the wrapper around the view, before the response is built, so that a busy database or a
broken constraint while committing passes the error catalogue instead of becoming a bare 500.
"""

import functools
import logging
import secrets
from collections.abc import Callable
from typing import Any

from flask import Flask, g, request
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import RequestEntityTooLarge

from backend.api import permissions
from backend.api.limits import FIGURES
from backend.api.lines import Line
from backend.config import Settings
from backend.db import Actor, Database, Transaction
from backend.errors import NotSignedIn
from backend.patients import sign_in as phones
from backend.staff import sessions as staff
from backend.terms import Originator

READING = frozenset({"GET", "HEAD"})
# Who proves who they are keeps a processor busy; however many try, most processors are for those who have.
GUESSES_AT_ONCE = 2
STRANGER = Actor(Originator.SYSTEM, name="stranger")

REPORTING = ("reports.MyReports", "POST")

log = logging.getLogger(__name__)


def one_transaction_per_request(app: Flask, db: Database, settings: Settings) -> None:
    """Wrap every view that the permissions table knows; ``create_app`` refuses the others."""
    app.extensions["followup_database"] = db
    app.extensions["followup_settings"] = settings
    # SQLite has one writer. Those who wait for their turn here get it in turn; there they would ask again and again.
    writers = Line(1 if db.is_sqlite else settings.threads)
    readers, guessers = Line(settings.threads), Line(GUESSES_AT_ONCE)
    for endpoint, view in app.view_functions.items():
        if permissions.needs_transaction(endpoint):
            others = guessers if endpoint in FIGURES else writers
            app.view_functions[endpoint] = _in_line(_in_one_transaction(view, db), readers, others)


def settings_of(app: Flask) -> Settings:
    """The settings this application was made with."""
    settings: Settings = app.extensions["followup_settings"]
    return settings


def database_of(app: Flask) -> Database:
    """The database this application was made with."""
    db: Database = app.extensions["followup_database"]
    return db


def afterwards(write: Callable[[Transaction], None], *, or_never: bool = False) -> None:
    """Do ``write`` in a transaction of its own once this request's has ended, and before the answer goes out.

    For what a read leaves behind. When the database is busy the answer is withheld, as it must be for the audit
    of identifiers seen; ``or_never`` lets it go out all the same, as for the last use of a session.
    """
    g.afterwards.append((write, or_never))


def _in_line(view: Callable[..., Any], readers: Line, others: Line) -> Callable[..., Any]:
    """The whole body first: behind a server that hands over half of one, its sender must hold no lock and no place."""

    @functools.wraps(view)
    def wrapped(**arguments: Any) -> Any:
        try:
            request.get_data(cache=True)
        except RequestEntityTooLarge:
            # Whoever sends such a report hears whom to call, and for that we must first know who it is.
            if (request.endpoint, request.method) != REPORTING:
                raise
        with readers.inside() if _only_reads() else others.inside():
            return view(**arguments)

    return wrapped


def _in_one_transaction(view: Callable[..., Any], db: Database) -> Callable[..., Any]:
    @functools.wraps(view)
    def wrapped(**arguments: Any) -> Any:
        g.afterwards = []
        txn = db.open(STRANGER, reading=_only_reads(), request_id=g.request_id)
        try:
            g.txn = txn.acting_as(_who_is_asking(txn))
            permissions.check(g.txn.actor, request.endpoint or "", request.method)
            answer = view(**arguments)
            g.txn.finish(keep=True)
        except BaseException:
            _roll_back(txn)
            raise
        _write_afterwards(db, g.txn)
        return answer

    return wrapped


def _only_reads() -> bool:
    return request.method in READING or (request.endpoint, request.method) in permissions.READ_BY_POST


def _who_is_asking(txn: Transaction) -> Actor:
    """The holder of the bearer token; a stranger without one. A token we do not know is refused at once."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if not scheme:
        return STRANGER
    actor = _holder_of(txn, token) if scheme.lower() == "bearer" and token else None
    if actor is None:
        raise NotSignedIn()
    return actor


def _holder_of(txn: Transaction, token: str) -> Actor | None:
    """The patient or the member of staff with this token. A staff session in use does not fall asleep."""
    patient = phones.actor_for(txn, token)
    if patient:
        return patient
    if staff.is_drowsy(txn, token):
        afterwards(functools.partial(staff.keep_awake, token=token), or_never=True)
    return staff.actor_for(txn, token)


def _roll_back(txn: Transaction) -> None:
    """The refusal or failure that brought us here must reach the caller, whatever happens while cleaning up."""
    try:
        txn.finish(keep=False)
    except SQLAlchemyError:
        log.exception("rollback failed", extra={"request_id": txn.request_id})


def _write_afterwards(db: Database, txn: Transaction) -> None:
    for write, or_never in g.afterwards:
        try:
            with db.transaction(txn.actor, request_id=txn.request_id) as later:
                write(later)
        except SQLAlchemyError:
            if not or_never:
                raise
            log.warning("a note after the answer was dropped", extra={"request_id": txn.request_id})


def name_each_request(app: Flask) -> None:
    """Give every request an id that its answer, its log lines and its audit entries share."""

    @app.before_request
    def name() -> None:
        g.request_id = secrets.token_hex(8)
