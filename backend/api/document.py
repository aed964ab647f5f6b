"""The OpenAPI document, and the page that shows it with nothing from anyone else's server."""

from http import HTTPStatus
from typing import Any

from flask_smorest import Api

from schemas.problems import ProblemOut

PROBLEM = "application/problem+json"

OPENAPI: dict[str, Any] = {
    "API_TITLE": "Follow-up and patient-reported outcomes",
    "API_VERSION": "v1",
    "OPENAPI_VERSION": "3.1.1",
    "OPENAPI_URL_PREFIX": "/api/v1",
    "OPENAPI_JSON_PATH": "openapi.json",
    "API_SPEC_OPTIONS": {
        "info": {
            "description": "Patients report, coordinators triage, reminders arrive, survival is confirmed. "
            "Instants are RFC 3339 with an offset, dates ISO 8601. Every error is a problem with a stable code."
        },
        "servers": [{"url": "/", "description": "This server"}],
        "components": {
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A patient's or a member of staff's access token, opaque",
                }
            }
        },
        "security": [{"bearer": []}],
    },
}


class ProblemApi(Api):
    """flask-smorest's Api, telling the truth about errors in the document as well.

    The answers themselves come from ``backend.api.problems``, so its own handler is not registered.
    """

    ERROR_SCHEMA = ProblemOut

    def _register_responses(self) -> None:
        for status in HTTPStatus:
            response: dict[str, Any] = {"description": status.phrase}
            if status >= HTTPStatus.BAD_REQUEST:
                response["content"] = {PROBLEM: {"schema": ProblemOut}}
            self.spec.components.response(status.name, response, lazy=True)
        default = {"description": "A refusal or a failure", "content": {PROBLEM: {"schema": ProblemOut}}}
        self.spec.components.response(self.DEFAULT_ERROR_RESPONSE_NAME, default, lazy=True)

    def _register_error_handlers(self) -> None:
        """Ours are registered by ``problems.speak_in_problems``."""
