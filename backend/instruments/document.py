"""An instrument as a client receives it: everything needed to ask, branch, check and warn, in one language."""

from collections.abc import Mapping, Sequence
from typing import Any

from backend.instruments.branching import enable_when
from backend.instruments.definition import Instrument, Symptom
from backend.terms import LONGEST_OTHER_SYMPTOM, LONGEST_TOGETHER, MOST_OTHER_SYMPTOMS


def as_document(instrument: Instrument, language: str, emergency: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The JSON-able document of ``GET /me/instruments/{name}``.

    ``emergency`` is what triage and the patient's record add to warn without us: rules with their advice, the
    language their conditions are written in, and the circumstances they ask about.
    """
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
        "symptoms": [symptom_document(instrument, symptom, language) for symptom in instrument.offered],
        "measurements": [_measurement(entry, language) for entry in content["measurements"]],
        "other_symptoms": {
            "question": content["other_symptoms"][language],
            "severity": _choices(content["severity_choices"][language]),
            # How many there may be, and how many characters in one and in all of them.
            "at_most": MOST_OTHER_SYMPTOMS,
            "longest": LONGEST_OTHER_SYMPTOM,
            "together": LONGEST_TOGETHER,
        },
        "wants_call": {"question": content["wants_call"][language]},
        **(emergency or {}),
    }


def symptom_document(instrument: Instrument, symptom: Symptom, language: str) -> dict[str, Any]:
    """A symptom to pick: its items in the order asked, and in all languages what a reader may type for it."""
    return {
        "symptom": symptom.slug,
        "name": instrument.names_of(symptom)[language],
        "items": list(symptom.items),
        "names": dict(instrument.names_of(symptom)),
        "search": {said_in: list(words) for said_in, words in instrument.search_words_of(symptom).items()},
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
