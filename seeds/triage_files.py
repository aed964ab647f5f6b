"""A protocol's triage file, read and held against the instruments and the terminology it speaks of."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from schemas.seed_files import read_seed_file, read_yaml
from schemas.triage_rules import TriageFile, comparisons

Content = dict[str, Any]
Field = tuple[str, ...]


def read_triage(path: Path, instruments: Iterable[Content], terminology: Mapping[str, Any]) -> Content:
    """The file's content. Raises ``BadSeedFile`` when a rule names an item, measurement or term that is not there."""
    file = read_seed_file(path, TriageFile())
    contents = list(instruments)
    known = _Known(
        items=frozenset(item["item"] for content in contents for item in content["items"]),
        measurements=frozenset(entry["name"] for content in contents for entry in content["measurements"]),
        terms=frozenset(term["code"] for term in terminology["terms"]),
    )
    wrong: dict[Field, list[str]] = {}
    for place, rule in enumerate(file["rules"]):
        wrong |= {("rules", str(place), *field): said for field, said in known.complaints(rule).items()}
    if wrong:
        raise read_yaml(path).complaint(wrong)
    return file


class _Known:
    """What a rule may name."""

    def __init__(self, items: frozenset[str], measurements: frozenset[str], terms: frozenset[str]) -> None:
        self.items = items
        self.measurements = measurements
        self.terms = terms

    def complaints(self, rule: Mapping[str, Any]) -> dict[Field, list[str]]:
        """What the rule names in vain, by field."""
        wrong: dict[Field, list[str]] = {}
        asked = comparisons(rule["when"])
        items = [one["item"] for one in asked if "item" in one]
        items += [item for one in asked if "together" in one for item in one["together"]]
        measured = {one["measurement"] for one in asked if "measurement" in one}
        missing = sorted(set(items) - self.items) + sorted(measured - self.measurements)
        if missing:
            wrong["when",] = [f"No instrument asks {', '.join(missing)}."]
        if rule.get("term", None) not in {None, *self.terms}:
            wrong["term",] = [f"{rule['term']} is not in the terminology."]
        return wrong
