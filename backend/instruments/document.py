"""An instrument as a client receives it: everything needed to ask, branch, check and warn, in one language."""

from collections.abc import Mapping, Sequence
from typing import Any

from backend.instruments.branching import enable_when
from backend.instruments.definition import Instrument


def as_document(instrument: Instrument, language: str, emergency: Sequence[Mapping[str, Any]] = ()) -> dict[str, Any]:
    """The JSON-able document of ``GET /me/instruments/{name}``; ``emergency`` comes from the protocol's triage."""
    content = instrument.content
    return {
        "name": instrument.name,
        "version": instrument.version,
        "language": language,
        "title": content["title"][language],
        "notice": content["notice"][language],
        "parts": [_part(part, language) for part in content["parts"]],
        "screens": [_screen(screen, language) for screen in content["screens"]],
        "items": [_item(entry, instrument, language) for entry in content["items"]],
        "measurements": [_measurement(entry, language) for entry in content["measurements"]],
        "other_symptoms": {
            "question": content["other_symptoms"][language],
            "severity": _choices(content["severity_choices"][language]),
        },
        "wants_call": {"question": content["wants_call"][language]},
        "emergency": [dict(rule) for rule in emergency],
    }


def _part(part: Mapping[str, Any], language: str) -> dict[str, Any]:
    recall = {"period": part["recall"], "text": part["recall_text"][language]}
    return {"part": part["part"], "recall": recall, "offered": part["offered"]}


def _screen(screen: Mapping[str, Any], language: str) -> dict[str, Any]:
    return {
        "key": screen["key"],
        "part": screen["part"],
        "title": screen["title"][language],
        "none_of_these": screen["none_of_these"][language],
        "items": list(screen["items"]),
    }


def _item(entry: Mapping[str, Any], instrument: Instrument, language: str) -> dict[str, Any]:
    return {
        "item": entry["item"],
        "part": entry["part"],
        "symptom": entry["symptom"],
        "symptom_name": entry["symptom_name"][language],
        "attribute": entry["attribute"],
        "question": entry["question"][language],
        "choices": _choices(entry["choices"][language]),
        "enable_when": enable_when(instrument.items[entry["item"]]),
        "ctcae": {"code": entry["ctcae"], "term": entry["ctcae_term"]},
    }


def _choices(labels: Sequence[str]) -> list[dict[str, Any]]:
    return [{"value": value, "label": label} for value, label in enumerate(labels)]


def _measurement(entry: Mapping[str, Any], language: str) -> dict[str, Any]:
    return {
        "name": entry["name"],
        "question": entry["question"][language],
        "unit": entry["unit"][language],
        "minimum": entry["minimum"],
        "maximum": entry["maximum"],
        "step": entry["step"],
        "asked": entry["asked"],
    }
