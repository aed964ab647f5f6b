"""What a patient wrote is kept when it is refused, once the refusal itself has been rolled back."""

import json
import logging
from collections.abc import Callable
from functools import partial
from typing import Any

from flask import g, request
from flask.views import MethodView
from sqlalchemy.exc import DataError, IntegrityError, SQLAlchemyError
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from backend import access
from backend.api.problems import by_field
from backend.db import Transaction
from backend.errors import BodyTooLarge, FollowupError, InvalidInput, Kind
from backend.reports.refused import hear, keep_refused
from backend.staff.models import Site

UNPROCESSABLE = 422

log = logging.getLogger(__name__)


class KeepingView(MethodView):
    """A door that patients write at: what they wrote is not lost because we cannot take it as it is.

    With ``words_in``, the name of a field, what is refused is kept when somebody wrote something there.
    """

    words_in: str | None = None

    def dispatch_request(self, **given: Any) -> Any:
        """Reading refuses nothing that was written."""
        view = partial(super().dispatch_request, **given)
        return view() if request.method in ("GET", "HEAD") else _keeping_what_is_refused(view, words_in=self.words_in)


def _keeping_what_is_refused(view: Callable[[], Any], *, words_in: str | None = None) -> Any:
    """Answer as the view does. What it refuses is kept, and the refusal says so: ``kept``, ``phone``, ``advice``.

    With ``words_in``, the name of a field, only when somebody wrote something there.

    A server that is busy keeps nothing: the phone still has the report, and sends it again.
    """
    try:
        return view()
    except Exception as wrong:
        refusal = _in_our_words(wrong)
        # What is too long was never read, but whom to call is said all the same.
        if isinstance(refusal, BodyTooLarge):
            g.txn.after_rollback(partial(_say_whom_to_call, g.txn, refusal))
            raise refusal from wrong
        body = request.get_data(cache=True)
        if _is_worth_keeping(body, words_in) and not _will_be_tried_again(refusal):
            g.txn.after_rollback(partial(_keep, g.txn, body, refusal))
        raise refusal from wrong


def _in_our_words(wrong: Exception) -> Exception:
    """The schemas' complaints as a refusal of ours, which can say more than they do."""
    if isinstance(wrong, HTTPException) and wrong.code == UNPROCESSABLE:
        return InvalidInput(fields=by_field(getattr(wrong, "data", {}).get("messages", {})))
    return BodyTooLarge() if isinstance(wrong, RequestEntityTooLarge) else wrong


def _is_worth_keeping(body: bytes, words_in: str | None) -> bool:
    """Of what cannot be read, whatever names the field may hold words."""
    if words_in is None:
        return bool(body.strip())
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return f'"{words_in}"'.encode() in body
    return isinstance(said, dict) and bool(said.get(words_in))


def _will_be_tried_again(refusal: Exception) -> bool:
    if isinstance(refusal, FollowupError):
        return refusal.kind is Kind.UNAVAILABLE
    return isinstance(refusal, SQLAlchemyError) and not isinstance(refusal, IntegrityError | DataError)


def _keep(ended: Transaction, body: bytes, refusal: Exception) -> None:
    """Whatever happens here, the sender hears of the refusal; ``kept`` is said only when it is so."""
    facts: dict[str, object] = {"kept": False}
    try:
        with ended.database.transaction(ended.actor, request_id=ended.request_id) as txn:
            patient = access.own_patient(txn)
            heard = hear(txn, patient, body)
            facts |= heard.facts
            is_kept = keep_refused(txn, patient, heard) is not None
        facts["kept"] = is_kept
    except Exception:
        log.exception("a refused report could not be kept", extra={"request_id": ended.request_id})
    if isinstance(refusal, FollowupError):
        refusal.facts.update(facts)


def _say_whom_to_call(ended: Transaction, refusal: FollowupError) -> None:
    refusal.facts["kept"] = False
    try:
        with ended.database.transaction(ended.actor, request_id=ended.request_id) as txn:
            refusal.facts["phone"] = txn.session.get_one(Site, access.own_patient(txn).site_id).emergency_phone
    except Exception:
        log.exception("whom to call could not be said", extra={"request_id": ended.request_id})
