"""Ann, her phone and those who look after her, all of whom speak HTTP and read English."""

from datetime import date
from typing import Any

from backend.db import Database
from tests.adverse_events.sent import API, judged
from tests.people import PASSWORD, Person, ann, coordinator, investigator, phone_of
from tests.sent import report_body

SIGNING = {"password": PASSWORD, "meaning": "Reviewed and approved"}
SINCE = {"consented_on": date(2027, 2, 1), "randomised_on": date(2027, 2, 10)}


class Site:
    """Whoever is not named is the coordinator."""

    def __init__(self, db: Database, client: Any) -> None:
        self.db, self.client = db, client
        self.ann = ann(db, **SINCE)
        self.of_ann = f"/patients/{self.ann.id}"
        self.phone, self.nurse, self.physician = phone_of(db, self.ann), coordinator(db), investigator(db)

    def infusion_planned(self) -> None:
        """The first day of her first cycle is today."""
        self.send("POST", f"{self.of_ann}/cycles", {"number": 1, "donor_collection_on": "2027-02-14"})
        self.send("PATCH", f"{self.of_ann}/cycles/1", {"status": "confirmed"})

    def infused(self) -> Any:
        """It has begun."""
        begun = {"day": 1, "started_at": "2027-03-01T07:30:00+08:00"}
        return self.send("POST", f"{self.of_ann}/cycles/1/infusions", begun)

    def candidate(self) -> str:
        """What her report of a fever has raised."""
        self.send("POST", "/me/reports", report_body(measurements={"temperature_c": 38.6}), by=self.phone)
        return str(self.send("GET", "/candidate-events").json["items"][0]["id"])

    def confirm(self, candidate: str, by: Person | None = None, **changes: Any) -> Any:
        """The candidate is cytokine release syndrome, but for the changes."""
        return self.send("POST", f"/candidate-events/{candidate}/confirmations", judged(**changes), by=by)

    def enter(self, **changes: Any) -> dict[str, Any]:
        """An event that no report raised."""
        answer = self.send("POST", f"{self.of_ann}/adverse-events", judged(source="visit", **changes))
        assert answer.status_code == 201, answer.text
        return dict(answer.json)

    def change(self, event: dict[str, Any], **changes: Any) -> Any:
        """A change of an event as it was read."""
        tag = {"If-Match": f'"{event["version"]}"'}
        return self.send("PATCH", f"/adverse-events/{event['id']}", {"reason": "news"} | changes, headers=tag)

    def sign(self, event: dict[str, Any], by: Person | None = None, **changes: Any) -> Any:
        """The physician's own hand, unless it is another's."""
        path = f"/adverse-events/{event['id']}/signatures"
        return self.send("POST", path, SIGNING | changes, by=by or self.physician)

    def void(self, event: dict[str, Any], by: Person | None = None) -> Any:
        """It was a mistake."""
        return self.send("POST", f"/adverse-events/{event['id']}/voidings", {"reason": "Another's."}, by=by)

    def read(self, event: dict[str, Any], by: Person | None = None) -> dict[str, Any]:
        """The event as it stands."""
        return dict(self.send("GET", f"/adverse-events/{event['id']}", by=by).json)

    def send(
        self, method: str, path: str, body: Any = None, by: Person | None = None, headers: dict[str, str] | None = None
    ) -> Any:
        """Ask, and take what is answered."""
        said = (by or self.nurse).headers | {"Accept-Language": "en"} | (headers or {})
        return self.client.open(f"{API}{path}", method=method, json=body, headers=said)
