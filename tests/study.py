"""The study as shipped, read once: instruments and rules for tests that need no database."""

from functools import cache
from pathlib import Path
from typing import Any

from backend.instruments.definition import Instrument
from backend.triage.assess import assess
from backend.triage.rules import Circumstances, Finding, RuleSet, Told
from schemas.seed_files import read_yaml
from seeds.questionnaires import read_instruments, read_terminology
from seeds.triage_files import read_triage

PROTOCOL = Path(__file__).parents[1] / "seeds" / "protocol"


@cache
def contents() -> dict[str, dict[str, Any]]:
    """The content of every shipped instrument, by name."""
    return {content["name"]: content for content in read_instruments()}


@cache
def instrument(name: str) -> Instrument:
    """A shipped instrument."""
    return Instrument.from_content(contents()[name])


@cache
def triage_content() -> dict[str, Any]:
    """The shipped triage file."""
    return read_triage(PROTOCOL / "nct04162158.triage.yaml", contents().values(), read_terminology())


@cache
def rule_set() -> RuleSet:
    """The shipped rules with the shipped danger words."""
    words = read_yaml(PROTOCOL / "nct04162158.yaml").value["words"]["danger"]
    return RuleSet.from_content(triage_content(), words)


def findings(rules: RuleSet, told: Told, circumstances: Circumstances) -> tuple[Finding, ...]:
    """What a report raises by these rules."""
    return assess(rules, told, circumstances).findings
