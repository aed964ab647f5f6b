"""From a report to findings: what was found, how urgent it is and which rule says so. Pure and total.

An answer no rule can understand, or a rule that fails, becomes a finding for a person to review: a gap in the
rules must cost a coordinator a minute, never a patient their report.
"""

import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from backend.terms import Tier
from backend.triage.clocks import Clocks
from backend.triage.conditions import (
    Answer,
    Comparison,
    Condition,
    Fact,
    Measured,
    Test,
    Together,
    compiled,
    is_told_alone,
    operands,
    possible,
    read_condition,
)
from backend.triage.readings import Readings
from backend.triage.told import MEASURED_BY, Case, Circumstances, Focus, Told

__all__ = ["Circumstances", "Finding", "Rule", "RuleSet", "Told", "findings_in", "possible_tiers"]

log = logging.getLogger(__name__)

# Subjects of findings that are about no CTCAE term. Each stands for one report and is never joined by another.
WORDS = "words"
NOT_UNDERSTOOD = "not_understood"
DANGER_WORDS = Fact("danger_words", None)


@dataclass(frozen=True)
class Rule:
    """One rule of the protocol. ``term`` is None where the thing looked at says the term, or there is none.

    ``may_hold`` is asked where only the report is known; where the rule ``is_told_alone`` that is all it asks about.
    """

    id: str
    version: int
    tier: Tier
    scope: str
    term: str | None
    advice: str | None
    reference: str
    when: Condition
    holds: Test
    may_hold: Test
    is_told_alone: bool
    written: Mapping[str, Any]


@dataclass(frozen=True)
class RuleSet:
    """The triage part of a protocol version, with the danger words of all languages and the times of its clocks.

    ``items_by_term`` are the items that rules about the whole report name for a term; ``named`` are all the items and
    measurements that some rule names, and ``scopes`` where the rules look at whatever is answered.
    """

    rules: tuple[Rule, ...]
    advice: Mapping[str, Mapping[str, str]]
    danger_words: tuple[str, ...]
    items_by_term: Mapping[str, tuple[str, ...]]
    named: frozenset[str]
    scopes: frozenset[str]
    clocks: Clocks

    @cached_property
    def days_back(self) -> int:
        """The furthest that any rule looks back into other reports."""
        asked = (operand for rule in self.rules for operand in operands(rule.when))
        return max((one.days or 0 for one in asked if isinstance(one, Together | Fact)), default=0)

    @cached_property
    def danger_rule(self) -> Rule | None:
        """The rule for words of danger, by what it asks and not by its name; one that asks nothing else comes first."""
        asking = [rule for rule in self.rules if rule.tier is Tier.T1 and DANGER_WORDS in operands(rule.when)]
        return min(asking, key=lambda rule: not isinstance(rule.when, Comparison), default=None)

    @classmethod
    def from_content(cls, triage: Mapping[str, Any], danger_words: Mapping[str, Iterable[str]]) -> "RuleSet":
        """Read ``content["triage"]`` of a protocol version and the protocol's danger words by language."""
        rules = tuple(_rule(written) for written in triage["rules"])
        return cls(
            rules=rules,
            advice=triage["advice"],
            danger_words=tuple(word for words in danger_words.values() for word in words),
            items_by_term={
                term: tuple(item for rule in rules if rule.term == term for item in _items_named(rule))
                for term in dict.fromkeys(rule.term for rule in rules if rule.term)
            },
            named=frozenset(name for rule in rules for name in _everything_named(rule)),
            scopes=frozenset(rule.scope for rule in rules),
            clocks=Clocks.from_content(triage.get("clocks", {})),
        )


@dataclass(frozen=True)
class Finding:
    """What a report says about one subject, at the tier of the most urgent rule; ``rules`` lists all that fired.

    ``subject`` is the term's code, or ``WORDS`` or ``NOT_UNDERSTOOD``, of which there is one a report. ``items``
    are what it rests on: item codes, measurement names, ``text:<n>``, ``wants_call``. ``readings`` are the raw values
    that say how bad the term is.
    """

    subject: str
    term_code: str | None
    tier: Tier
    rule_id: str
    rule_version: int
    advice_code: str | None
    composite: int | None
    grade: int | None
    needs_review: bool
    before_treatment: bool
    items: tuple[str, ...]
    rules: tuple[str, ...]
    readings: Readings = field(default_factory=dict)


def danger_words_finding(rules: RuleSet) -> Finding:
    """What words of danger are outside a report: an emergency, also under rules that do not speak of words."""
    rule = rules.danger_rule
    return Finding(
        subject=WORDS,
        term_code=None,
        tier=Tier.T1,
        rule_id=rule.id if rule else "danger-words",
        rule_version=rule.version if rule else 1,
        advice_code=rule.advice if rule else None,
        composite=None,
        grade=None,
        needs_review=False,
        before_treatment=False,
        items=("text:0",),
        rules=(rule.id if rule else "danger-words",),
    )


def findings_in(rules: RuleSet, case: Case) -> tuple[Finding, ...]:
    """One finding a subject, most urgent first. Never raises.

    A baseline report raises T1 and T2 only, labelled as before treatment; what needs review is always raised.
    """
    return tuple(sorted(_merged(_raised(rules, rules.rules, case)), key=lambda finding: finding.tier.rank))


def possible_tiers(rules: RuleSet, case: Case) -> frozenset[Tier | None]:
    """How urgent a report may be, where nothing but the report is known; None stands for "not at all".

    Where only one remains, that is how urgent it is in whatever circumstances, and nobody need know them.
    """
    if case.waits_for_a_baseline:
        return frozenset({None, *Tier})
    alone = (rule for rule in rules.rules if rule.is_told_alone)
    certain = min((finding.tier for finding in _raised(rules, alone, case)), key=lambda tier: tier.rank, default=None)
    perhaps = {rule.tier for rule in rules.rules if not rule.is_told_alone and _may_fire(rule, case)}
    return frozenset({certain} | {tier for tier in perhaps if certain is None or tier.is_more_urgent_than(certain)})


def _raised(rules: RuleSet, asked: Iterable[Rule], case: Case) -> list[Finding]:
    raised = [finding for rule in asked for finding in _try(rule, case)]
    if beyond := (*case.not_understood, *_looked_at_by_none(rules, case)):
        raised.append(_for_review("not-understood", 1, Tier.T3, case, items=beyond))
    if case.circumstances.is_baseline:
        raised = [finding for finding in raised if finding.tier is not Tier.T3 or finding.needs_review]
    return raised


def _looked_at_by_none(rules: RuleSet, case: Case) -> Iterator[str]:
    """What is complained of, or measured about a term, and no rule could ever hear."""
    if not rules.scopes >= {"sign", "item"}:
        for item in case.answered:
            scopes = {"sign"} if item.is_sign else {"item", "symptom"}
            if case.values[item.code] and item.code not in rules.named and not scopes & rules.scopes:
                yield item.code
    for name in case.measurements:
        if name not in rules.named and case.instrument.measurements[name].ctcae:
            yield name


def _try(rule: Rule, case: Case) -> list[Finding]:
    try:
        return list(_fire(rule, case))
    except Exception as failure:
        # Whatever is wrong with one rule must not keep the others, or the report, from being heard. The words
        # of the failure may hold an answer, so only its kind is logged.
        log.error("A triage rule failed.", extra={"rule_id": rule.id, "failure": type(failure).__name__})
        # What an urgent rule might have said is unknown, so a person looks the same day.
        tier = Tier.T3 if rule.tier is Tier.T3 else Tier.T2
        return [_for_review(rule.id, rule.version, tier, case)]


def _fire(rule: Rule, case: Case) -> Iterator[Finding]:
    for focus in case.foci[rule.scope]:
        if rule.holds(focus):
            yield _finding(rule, focus)


def _may_fire(rule: Rule, case: Case) -> bool:
    try:
        return any(rule.may_hold(focus) for focus in case.foci[rule.scope])
    except Exception:
        # A rule that fails is heard as well.
        return True


def _finding(rule: Rule, focus: Focus) -> Finding:
    case = focus.case
    term = rule.term
    if focus.item:
        term = focus.item.ctcae
    elif focus.symptom:
        term = focus.symptom.ctcae
    return Finding(
        subject=term or WORDS,
        term_code=term,
        tier=rule.tier,
        rule_id=rule.id,
        rule_version=rule.version,
        advice_code=rule.advice,
        composite=case.composites_by_term.get(term) if term else None,
        grade=case.grades.get(term) if term else None,
        needs_review=False,
        before_treatment=case.circumstances.is_baseline,
        items=tuple(dict.fromkeys(_rests_on(rule, focus))),
        rules=(rule.id,),
        readings=case.readings_by_term.get(term, {}) if term else {},
    )


def _for_review(rule_id: str, version: int, tier: Tier, case: Case, *, items: tuple[str, ...] = ()) -> Finding:
    return Finding(
        subject=NOT_UNDERSTOOD,
        term_code=None,
        tier=tier,
        rule_id=rule_id,
        rule_version=version,
        advice_code=None,
        composite=None,
        grade=None,
        needs_review=True,
        before_treatment=case.circumstances.is_baseline,
        items=items,
        rules=(rule_id,),
    )


def _rests_on(rule: Rule, focus: Focus) -> Iterator[str]:
    """The answers, measurements and words a finding rests on."""
    case = focus.case
    if focus.item:
        yield focus.item.code
    if focus.symptom:
        yield from (code for code in focus.symptom.items if code in case.values)
    for operand in operands(rule.when):
        match operand:
            case Answer(item) if case.values.get(item):
                yield item
            case Measured(name) if name in case.measurements:
                yield name
            case Together(items, _):
                yield from (item for item in items if case.values.get(item))
            case Fact(name, _):
                yield from _behind(name, case)


def _behind(fact: str, case: Case) -> Iterable[str]:
    match fact:
        case "texts" | "danger_words" | "other_severity":
            return tuple(f"text:{place}" for place in case.texts)
        case "wants_call":
            return ("wants_call",)
        case _:
            return MEASURED_BY.get(fact, ())


def _merged(raised: Iterable[Finding]) -> list[Finding]:
    """One finding a subject: the most urgent, which of equals is the first in the protocol's order."""
    by_subject: dict[str, list[Finding]] = {}
    for finding in raised:
        by_subject.setdefault(finding.subject, []).append(finding)
    return [_together(group) for group in by_subject.values()]


def _together(group: list[Finding]) -> Finding:
    leading = min(group, key=lambda finding: finding.tier.rank)
    return replace(
        leading,
        items=tuple(dict.fromkeys(item for finding in (leading, *group) for item in finding.items)),
        rules=tuple(dict.fromkeys(rule for finding in (leading, *group) for rule in finding.rules)),
    )


def _items_named(rule: Rule) -> Iterator[str]:
    for operand in operands(rule.when):
        match operand:
            case Answer(item):
                yield item
            case Together(items, _):
                yield from items


def _everything_named(rule: Rule) -> Iterator[str]:
    yield from _items_named(rule)
    for operand in operands(rule.when):
        match operand:
            case Measured(name):
                yield name
            case Fact(name, _):
                yield from MEASURED_BY.get(name, ())


def _rule(written: Mapping[str, Any]) -> Rule:
    when = read_condition(written["when"])
    return Rule(
        id=written["id"],
        version=written["version"],
        tier=Tier(written["tier"]),
        scope=written["scope"],
        term=written.get("term"),
        advice=written.get("advice"),
        reference=written["reference"],
        when=when,
        holds=compiled(when),
        may_hold=possible(when),
        is_told_alone=is_told_alone(when),
        written=written,
    )
