"""A serious event over HTTP, for the tests of its clock, its reports and its form."""

from typing import Any

from backend.db import Database
from tests import people

API = "/api/v1"
CRS = "10052015"
JUDGED: dict[str, Any] = {
    "term_code": CRS,
    "grade": 2,
    "onset_on": "2027-03-01",
    "outcome": "not_recovered",
    "serious": ["hospitalisation"],
    "relation_cells": "not_related",
    "relation_drug": "possible",
    "action_cells": "none",
    "action_drug": "none",
}
SENT = {
    "kind": "initial",
    "sent_at": "2027-03-01T10:00:00+08:00",
    "recipients": "Ethics committee",
    "reference": "SAE-1",
}


class Ward:
    """A patient, who looks after them, and what they do through the doors."""

    def __init__(self, db: Database, client: Any) -> None:
        """Ann of site-01, everybody signed in."""
        self.client = client
        self.ann = people.ann(db)
        self.sign_in(db)

    def sign_in(self, db: Database) -> None:
        """Sessions do not outlive a moved clock."""
        self.coordinator = people.coordinator(db).headers
        self.physician = people.investigator(db).headers

    def enter(self, **changes: Any) -> dict[str, Any]:
        """An event that was seen at a visit."""
        body = JUDGED | {"source": "visit"} | changes
        answer = self.client.post(f"{API}/patients/{self.ann.id}/adverse-events", json=body, headers=self.coordinator)
        assert answer.status_code == 201, answer.json
        event: dict[str, Any] = answer.json
        return event

    def change(self, event: dict[str, Any], **changes: Any) -> dict[str, Any]:
        """A change of it, as it stands now."""
        where = f"{API}/adverse-events/{event['id']}"
        etag = self.client.get(where, headers=self.coordinator).headers["ETag"]
        headers = self.coordinator | {"If-Match": etag}
        answer = self.client.patch(where, json=changes | {"reason": "News from the ward."}, headers=headers)
        assert answer.status_code == 200, answer.json
        changed: dict[str, Any] = answer.json
        return changed

    def report(self, event: dict[str, Any], **changes: Any) -> Any:
        """Record that a safety report was sent."""
        where = f"{API}/adverse-events/{event['id']}/safety-reports"
        return self.client.post(where, json=SENT | changes, headers=self.coordinator)

    def reports(self, event: dict[str, Any]) -> dict[str, Any]:
        """The reports of an event, and its clock."""
        where = f"{API}/adverse-events/{event['id']}/safety-reports"
        listed: dict[str, Any] = self.client.get(where, headers=self.coordinator).json
        return listed

    def tasks(self, status: str = "open") -> list[dict[str, Any]]:
        """What asks for safety reports."""
        where = f"{API}/worklist?reason=safety_report_due&status={status}"
        items: list[dict[str, Any]] = self.client.get(where, headers=self.coordinator).json["items"]
        return items
