"""A report assessed in one pass: what it raises, and which terms it asked about. Pure.

A term asked about and answered with nothing is what lets an episode end; a term not asked about says nothing.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from backend.terms import Tier
from backend.triage.readings import Readings
from backend.triage.rules import Finding, RuleSet, findings_in, possible_tiers
from backend.triage.told import Case, Circumstances, Told


@dataclass(frozen=True)
class Asked:
    """What a report said about a term. ``at_zero``: every answer and grade about it was 0, and no rule fired."""

    at_zero: bool
    composite: int | None
    grade: int | None
    readings: Readings = field(default_factory=dict)


@dataclass(frozen=True)
class Assessment:
    """Findings, most urgent first; what was said about each term that was asked; composites by symptom."""

    findings: tuple[Finding, ...]
    asked: Mapping[str, Asked]
    composites: Mapping[str, int | None]


def findings_of(rules: RuleSet, told: Told, circumstances: Circumstances) -> tuple[Finding, ...]:
    """What a report raises, for whoever asks for no more. Never raises."""
    return findings_in(rules, Case(told, circumstances, rules.danger_words))


def tiers_of(rules: RuleSet, told: Told, *, is_baseline: bool) -> frozenset[Tier | None]:
    """How urgent a report may be, whatever was known before it. Never raises."""
    return possible_tiers(rules, Case(told, Circumstances(is_baseline=is_baseline), rules.danger_words))


def assess(rules: RuleSet, told: Told, circumstances: Circumstances) -> Assessment:
    """Everything triage needs to know of one report. Never raises, whatever the report holds.

    A measurement is at 0 when its CTCAE grade is; low blood pressure and weight gain, which have no grade by
    arithmetic, when no rule fired. A term that only rules speak of is asked by the items its rules name.
    """
    case = Case(told, circumstances, rules.danger_words)
    found = findings_in(rules, case)
    fired = {finding.subject for finding in found}
    highest: dict[str, int] = {}
    for code, value in _said(rules, case):
        highest[code] = max(value, highest.get(code, 0))
    asked = {
        code: Asked(
            at_zero=value == 0 and code not in fired,
            composite=case.composites_by_term.get(code),
            grade=case.grades.get(code),
            readings=case.readings_by_term.get(code, {}),
        )
        for code, value in highest.items()
    }
    return Assessment(found, asked, case.composites)


def _said(rules: RuleSet, case: Case) -> Iterator[tuple[str, int]]:
    """(term, answer or grade) for everything that was answered or measured."""
    for item in case.answered:
        yield item.ctcae, case.values[item.code]
    for name in case.measurements:
        for code in case.instrument.measurements[name].ctcae:
            yield code, case.grades.get(code, 0)
    for term, items in rules.items_by_term.items():
        if term not in case.instrument.terms:
            yield from ((term, case.values[code]) for code in items if code in case.values)
