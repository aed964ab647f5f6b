"""What a person judges about an event, whole and valid; a test changes only what it is about."""

from typing import Any

API = "/api/v1"
CRS, FEVER, FATIGUE = "10052015", "10016558", "10016256"
IMMUNE_OTHER = "10021428"


def judged(**changes: Any) -> dict[str, Any]:
    """Cytokine release syndrome of grade 1, on the day after an infusion, as a coordinator sends it."""
    body: dict[str, Any] = {
        "term_code": CRS,
        "grade": 1,
        "onset_on": "2027-03-01",
        "outcome": "not_recovered",
        "serious": [],
        "relation_cells": "probable",
        "relation_drug": "unlikely",
        "action_cells": "none",
        "action_drug": "none",
        "expected": None,
    }
    return body | changes


def in_control(**changes: Any) -> dict[str, Any]:
    """The same for a patient who receives no cells."""
    return judged(relation_cells="not_applicable", action_cells="not_applicable") | changes
