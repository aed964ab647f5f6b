"""Checking what was attested at enrolment against the protocol, item by item, every complaint at once (pure)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from backend.protocol.definition import Criterion

OVERRIDE = "override_reason"
EXCLUSIONS = "exclusions"

Complaints = dict[str, list[str]]


@dataclass
class Findings:
    """What is wrong with an attestation.

    ``refused`` stands in any case: missing, unknown, of a wrong type, or a yes where the protocol needs a no.
    ``outside`` holds numbers outside their bounds, which a principal investigator may override with a reason.
    """

    refused: Complaints = field(default_factory=dict)
    outside: Complaints = field(default_factory=dict)


def check(criteria: Iterable[Criterion], arms: frozenset[str], attested: Mapping[str, Any]) -> Findings:
    """Every complaint about an attestation, by field path such as ``eligibility.alt_u_l``.

    ``arms`` is the patient's, or all of them while that is unclear: then what holds for all of them is asked.
    """
    findings = Findings()
    excluded = attested.get(EXCLUSIONS)
    if not isinstance(excluded, Mapping):
        findings.refused[f"eligibility.{EXCLUSIONS}"] = ["Every exclusion must be answered here."]
        excluded = {}
    known: dict[bool, set[str]] = {False: {OVERRIDE, EXCLUSIONS}, True: set()}
    for criterion in criteria:
        known[criterion.is_exclusion].add(criterion.key)
        said = excluded if criterion.is_exclusion else attested
        _check_one(findings, criterion, arms <= criterion.arms, said.get(criterion.key))
    for is_exclusion, said in ((False, attested), (True, excluded)):
        for name in sorted(said.keys() - known[is_exclusion]):
            findings.refused[_path(is_exclusion, name)] = ["Unknown field."]
    return findings


def _check_one(findings: Findings, criterion: Criterion, applies: bool, value: Any) -> None:
    path = _path(criterion.is_exclusion, criterion.key)
    if value is None:
        if applies:
            findings.refused[path] = ["This must be answered."]
        return
    wrong_type = _wrong_type(criterion, value)
    if wrong_type:
        findings.refused[path] = [wrong_type]
    elif applies and not criterion.is_met_by(value):
        kind = findings.outside if criterion.is_number else findings.refused
        kind[path] = [f"Not eligible: {criterion.texts['en']}."]


def _wrong_type(criterion: Criterion, value: Any) -> str | None:
    if not criterion.is_number:
        return None if isinstance(value, bool) else "Answer true or false."
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "A number is needed."
    if criterion.is_whole and value != int(value):
        return "A whole number is needed."
    return None


def _path(is_exclusion: bool, key: str) -> str:
    return f"eligibility.{EXCLUSIONS}.{key}" if is_exclusion else f"eligibility.{key}"
