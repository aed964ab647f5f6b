"""Every refusal and failure in one shape: ``application/problem+json`` (RFC 9457) with our stable code."""

import logging
from typing import Any

from flask import Flask, Response, g, json, request
from sqlalchemy.exc import DataError, IntegrityError, SQLAlchemyError
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.exceptions import HTTPException

from backend import errors
from backend.db import is_unavailable
from backend.errors import FollowupError, Kind

STATUS = {
    Kind.MALFORMED: 400,
    Kind.UNAUTHENTICATED: 401,
    Kind.FORBIDDEN: 403,
    Kind.NOT_FOUND: 404,
    Kind.NOT_ALLOWED: 405,
    Kind.NOT_ACCEPTABLE: 406,
    Kind.CONFLICT: 409,
    Kind.STALE: 412,
    Kind.TOO_LARGE: 413,
    Kind.UNSUPPORTED_MEDIA: 415,
    Kind.INVALID: 422,
    Kind.PRECONDITION_REQUIRED: 428,
    Kind.TOO_MANY: 429,
    Kind.UNEXPECTED: 500,
    Kind.UNAVAILABLE: 503,
}
NAMED = {
    400: errors.UnreadableRequest,
    401: errors.NotSignedIn,
    403: errors.NotPermitted,
    404: errors.NotFound,
    405: errors.MethodNotAllowed,
    406: errors.NotAcceptable,
    413: errors.BodyTooLarge,
    415: errors.UnsupportedMediaType,
    422: errors.InvalidInput,
    429: errors.TooManyAttempts,
    503: errors.DatabaseBusy,
}
KEPT_HEADERS = ("Allow", "Retry-After", "WWW-Authenticate", "Location")
SECONDS_TO_RETRY = "5"
SAMPLE_COMPLAINT = {"answers.0.value": ["Not a valid integer."]}

log = logging.getLogger(__name__)


def speak_in_problems(app: Flask) -> None:
    """Register one handler for each family of failure."""
    app.register_error_handler(FollowupError, _named)
    app.register_error_handler(HTTPException, _from_http)
    app.register_error_handler(SQLAlchemyError, _from_database)
    app.register_error_handler(Exception, _unexpected)


def sample(failure: type[FollowupError]) -> dict[str, Any]:
    """The body of this refusal, as the document shows it."""
    return body_of(failure(fields=SAMPLE_COMPLAINT if failure is errors.InvalidInput else None), "4f1d0c9a7be2563d")


def body_of(error: FollowupError, request_id: str) -> dict[str, Any]:
    """A refusal as it is sent (RFC 9457)."""
    body: dict[str, Any] = {
        "type": f"urn:followup:problem:{error.code}",
        "title": error.title,
        "status": STATUS[error.kind],
        "detail": error.detail,
        "code": error.code,
        "request_id": request_id,
    }
    if error.fields:
        body["errors"] = error.fields
    return body | {name: value for name, value in error.facts.items() if name not in body}


def _named(error: Exception) -> Response:
    assert isinstance(error, FollowupError)
    body = body_of(error, g.get("request_id", ""))
    answer = Response(json.dumps(body), body["status"], content_type="application/problem+json")
    if error.kind is Kind.UNAUTHENTICATED:
        answer.headers["WWW-Authenticate"] = "Bearer"
    if error.kind in {Kind.UNAVAILABLE, Kind.TOO_MANY}:
        answer.headers["Retry-After"] = str(error.facts.get("retry_after", SECONDS_TO_RETRY))
    return answer


def _from_http(error: Exception) -> Response:
    """The framework's own refusals, and the schemas' complaints, in our words."""
    assert isinstance(error, HTTPException)
    if error.code is not None and error.code < 400:
        return Response(status=error.code, headers=dict(error.get_headers()))
    named = NAMED.get(error.code or 500, errors.Unexpected)
    answer = _named(named(fields=by_field(getattr(error, "data", {}).get("messages", {}))))
    for name, value in error.get_headers():
        if name in KEPT_HEADERS:
            answer.headers[name] = value
    return answer


def _from_database(error: Exception) -> Response:
    """Busy, locked, read-only, full, gone: try again. A constraint: no longer possible. The rest is a defect."""
    if isinstance(error, IntegrityError):
        log.warning("constraint refused a change", extra={"request_id": g.get("request_id", "")}, exc_info=error)
        return _named(errors.NoLongerPossible())
    if isinstance(error, StaleDataError):
        # Somebody changed the record while this request waited; nothing was kept, and trying again finds it anew.
        return _named(errors.DatabaseBusy())
    if isinstance(error, DataError):
        return _named(errors.InvalidInput("A value cannot be stored."))
    if is_unavailable(error):
        log.warning("database unavailable", extra={"request_id": g.get("request_id", "")}, exc_info=error)
        return _named(errors.DatabaseBusy())
    return _unexpected(error)


def _unexpected(error: Exception) -> Response:
    """A defect of ours: the log has the trace, the caller has an id to quote."""
    where = {"request_id": g.get("request_id", ""), "endpoint": request.endpoint}
    log.error("unexpected failure", extra=where, exc_info=error)
    return _named(errors.Unexpected())


def by_field(messages: Any) -> dict[str, list[str]]:
    """marshmallow's nested complaints as flat paths: ``{"answers.0.value": ["Not a valid integer."]}``."""
    flat: dict[str, list[str]] = {}
    for location in messages.values() if isinstance(messages, dict) else []:
        _flatten(location, "", flat)
    return flat


def _flatten(messages: Any, path: str, flat: dict[str, list[str]]) -> None:
    if isinstance(messages, dict):
        for key, inner in messages.items():
            step = "" if key == "_schema" else str(key)
            _flatten(inner, ".".join(part for part in (path, step) if part), flat)
        return
    listed = messages if isinstance(messages, list) else [messages]
    flat.setdefault(path or "body", []).extend(str(message) for message in listed)
