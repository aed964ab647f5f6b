"""What Twilio tells us: what became of a message, and what somebody wrote. Only there while Twilio carries our texts.

The signature is over the address that we gave out, never over the host that a request names, and is looked at before
anything else is. A limit stands at no webhook, on purpose: see docs/decisions/0034-webhooks.md.
"""

import re
from collections.abc import Mapping
from uuid import UUID

from flask import Blueprint, Flask, Response, abort, current_app, g, request

from backend.api.lines import Line
from backend.api.requests import database_of, settings_of
from backend.config import Settings
from backend.conversations.dead_letters import make_dead_letter_a_task
from backend.errors import InvalidInput, UnsupportedMediaType
from backend.twilio_account import TwilioAccount
from notifications.inbound import GATEWAY, ReceivedText, receive
from notifications.numbers import as_it_came
from notifications.receipts import ReceiptFromProvider, Said, note_receipt
from notifications.signatures import is_signed

blp = Blueprint("twilio", __name__, url_prefix="/webhooks/twilio")

FORM = "application/x-www-form-urlencoded"
SIGNATURE = "X-Twilio-Signature"
NOTHING_TO_SAY = '<?xml version="1.0" encoding="UTF-8"?><Response></Response>'
SID = re.compile(r"[A-Z]{2}[0-9A-Za-z]{8,64}")
CODE = re.compile(r"[0-9]{1,8}")
LINES = "followup_webhooks"

# Each word of Twilio's (Message resource, "Message status values") as one of the three things it can mean to us.
STATUSES: Mapping[str, Said] = {
    "accepted": Said.SENT,
    "scheduled": Said.SENT,
    "queued": Said.SENT,
    "sending": Said.SENT,
    "sent": Said.SENT,
    "partially_delivered": Said.SENT,
    "delivered": Said.DELIVERED,
    "read": Said.DELIVERED,
    "undelivered": Said.FAILED,
    "failed": Said.FAILED,
    "canceled": Said.FAILED,
}


def open_webhooks(app: Flask, settings: Settings) -> None:
    """Open the doors, if there is anybody who may come through them."""
    if settings.twilio is None:
        return
    # Callbacks come in bursts. Those who wait must leave threads for everybody else.
    app.extensions[LINES] = Line(1 if settings.is_sqlite else settings.threads)
    app.register_blueprint(blp)


@blp.post("/status")
def status() -> Response:
    """Keep what became of one attempt. Of an attempt that we do not know: 200, for it will not help to say it again."""
    said = _from_twilio()
    receipt = _receipt(said)
    if receipt:
        with current_app.extensions[LINES].inside(), database_of(current_app).transaction(GATEWAY) as txn:
            note_receipt(txn, receipt, make_dead_letter_a_task)
    return _thanks()


@blp.post("/messages")
def messages() -> Response:
    """Keep what somebody wrote, committed before it is answered. What cannot be kept is refused, to come again."""
    said = _from_twilio()
    text = ReceivedText(
        provider_id=_sid(said),
        from_number=as_it_came(_needed(said, "From")),
        to_number=as_it_came(said.get("To", "")),
        text=_needed(said, "Body"),
    )
    with current_app.extensions[LINES].inside():
        receive(database_of(current_app), text)
    return _thanks()


def _from_twilio() -> Mapping[str, str]:
    """The form, once it is certain that Twilio sent it, about our account. Otherwise a refusal that says nothing."""
    if request.mimetype != FORM:
        raise UnsupportedMediaType(f"Send the body as {FORM}.")
    account = _account()
    # The address as it was given out, with the question as it was asked.
    url = settings_of(current_app).public_url + request.path
    if request.query_string:
        url += "?" + request.query_string.decode("latin-1")
    form = {name: request.form.getlist(name) for name in request.form}
    is_theirs = is_signed(url, form, request.headers.get(SIGNATURE, ""), account.tokens)
    if not is_theirs or form.get("AccountSid") != [account.sid]:
        current_app.logger.warning("a webhook was not signed by our account", extra={"request_id": g.request_id})
        abort(Response(status=403, mimetype="text/plain"))
    return {name: values[0] for name, values in form.items()}


def _account() -> TwilioAccount:
    account = settings_of(current_app).twilio
    assert account is not None
    return account


def _receipt(said: Mapping[str, str]) -> ReceiptFromProvider | None:
    """None for what is no concern of ours: a word that we do not know, or no attempt of ours."""
    provider_id, word = _sid(said), _needed(said, "MessageStatus").lower()
    attempt_id = _uuid(request.args.get("attempt", ""))
    if attempt_id is None or word not in STATUSES:
        return None
    code = said.get("ErrorCode", "")
    if not CODE.fullmatch(code):
        code = word if STATUSES[word] is Said.FAILED else ""
    return ReceiptFromProvider(attempt_id, STATUSES[word], provider_id, code or None)


def _sid(said: Mapping[str, str]) -> str:
    sid = _needed(said, "MessageSid")
    if not SID.fullmatch(sid):
        raise InvalidInput(fields={"MessageSid": ["Is no id of a message."]})
    return sid


def _needed(said: Mapping[str, str], name: str) -> str:
    if name not in said:
        raise InvalidInput(fields={name: ["Is missing."]})
    return said[name]


def _uuid(said: str) -> UUID | None:
    try:
        return UUID(said)
    except ValueError:
        return None


def _thanks() -> Response:
    return Response(NOTHING_TO_SAY, content_type="text/xml; charset=utf-8")
