"""``docs/golden/questionnaires.json``: cases that people wrote, beside the part of the document that they need.

The cases are edited in the file. What the product serves (``document``) is written into it anew with
``FOLLOWUP_REFRESH_DOCS=1``, and so is the form, so the file cannot drift from either.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from backend.instruments.document import as_document
from backend.triage.advice import emergency_rules
from backend.triage.condition_language import condition_language
from tests.study import instrument, rule_set

FILE = Path(__file__).parents[2] / "docs" / "golden" / "questionnaires.json"
PHONE = "+86 21 5555 0201"
PLACE = "Asia/Shanghai"
WIDEST = 116
OF_ITEMS = ("item", "attribute", "enable_when")


def read() -> dict[str, Any]:
    """The file."""
    golden: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return golden


def served() -> dict[str, Any]:
    """What a phone in Shanghai receives of the ad-hoc questionnaire, but for what is the patient's own."""
    circumstances = {"site_time_zone": PLACE, "time_zone": PLACE, "danger_words": list(rule_set().danger_words)}
    emergency = {
        "emergency": emergency_rules(rule_set(), "en", PHONE),
        "conditions": condition_language(),
        "circumstances": circumstances,
    }
    return as_document(instrument("ad_hoc"), "en", emergency)


def part_needed(document: Mapping[str, Any], golden: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a served document that the cases speak of."""
    symptoms = {case["symptom"] for case in golden["branching"]}
    measured = {case["measurement"] for case in golden["bounds"]}
    return {
        "items": [
            {name: item[name] for name in OF_ITEMS}
            for item in document["items"]
            if item["symptom"] in symptoms and item["part"] != "checklist"
        ],
        "measurements": [
            {name: one[name] for name in ("name", "minimum", "maximum", "step")}
            for one in document["measurements"]
            if one["name"] in measured
        ],
        "emergency": [
            {name: rule[name] for name in ("id", "version", "when", "advice")} for rule in document["emergency"]
        ],
        "conditions": document["conditions"],
        "circumstances": document["circumstances"],
    }


def in_full(case: Mapping[str, Any]) -> dict[str, Any]:
    """A report as a client meets it: whatever a case does not mention is not there."""
    return {"answers": {}, "measurements": {}, "texts": [], "waiting": [], **case}


def document_for(document: Mapping[str, Any], case: Mapping[str, Any]) -> dict[str, Any]:
    """The document with the circumstances of a case in place of its own."""
    return {**document, "circumstances": {**document["circumstances"], **case.get("circumstances", {})}}


def written(value: Any, margin: int = 0) -> str:
    """JSON for people: what fits stands on one line, what does not one entry a line."""
    compact = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, dict | list) or len(compact) + margin <= WIDEST:
        return compact
    pad, end = " " * (margin + 2), " " * margin
    if isinstance(value, list):
        inner = [f"{pad}{written(entry, margin + 2)}" for entry in value]
        return "[\n" + ",\n".join(inner) + f"\n{end}]"
    inner = [
        f"{pad}{json.dumps(name, ensure_ascii=False)}: {written(entry, margin + 2)}" for name, entry in value.items()
    ]
    return "{\n" + ",\n".join(inner) + f"\n{end}}}"
