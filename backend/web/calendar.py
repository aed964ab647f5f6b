"""The door for calendar programs: a patient's agenda at an address that was given to the patient alone.

Nobody signs in, because such programs cannot; whoever holds the address may read, and reading changes nothing. An
address that is unknown, voided or a forgotten patient's is not there. Neither log nor answer holds the token.
"""

import hashlib

from flask import Blueprint, Response, current_app, make_response, request

from backend.agenda.calendar_file import calendar_file
from backend.api.requests import database_of
from backend.db import system
from backend.patients.feeds import patient_of

blp = Blueprint("calendar", __name__, url_prefix="/calendar")

READER = system("calendar feed")
MADE_AT = "DTSTAMP"


@blp.get("/<token>.ics")
def feed(token: str) -> Response:
    """The agenda as it stands, or 304 when the program has it already."""
    with database_of(current_app).reading(READER) as txn:
        text = calendar_file(txn, patient_of(txn, token))
    answer = make_response(text)
    answer.content_type = "text/calendar; charset=utf-8"
    answer.headers["Content-Disposition"] = 'inline; filename="calendar.ics"'
    answer.headers["X-Robots-Tag"] = "noindex"
    answer.cache_control.private = True
    answer.cache_control.no_cache = True
    answer.set_etag(_fingerprint(text))
    answer.make_conditional(request)
    return answer


def _fingerprint(text: str) -> str:
    """Of what the calendar says. When this copy of it was made is not part of that."""
    lines = [line for line in text.split("\r\n") if not line.startswith(MADE_AT)]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
