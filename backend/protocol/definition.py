"""A protocol as plain values: read once from a version's content, then only looked at."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import time
from functools import cached_property
from typing import Any

from backend.protocol.rules import Rule, read_rule
from backend.terms import AgendaKind, Role

# What stands for the drug where a study's protocol names none.
NO_DRUG = "none"


@dataclass(frozen=True)
class Arm:
    """A group of the trial."""

    code: str
    names: Mapping[str, str]
    receives_cells: bool


@dataclass(frozen=True)
class Drug:
    """A targeted drug a patient may be on."""

    code: str
    names: Mapping[str, str]


@dataclass(frozen=True)
class Criterion:
    """One condition of eligibility: a number within bounds, or something attested to be so or not so."""

    key: str
    is_number: bool
    is_exclusion: bool
    must_be: bool | None
    at_least: float | None
    above: float | None
    at_most: float | None
    below: float | None
    is_whole: bool
    unit: str | None
    arms: frozenset[str]
    texts: Mapping[str, str]
    is_assumption: bool

    def applies_to(self, arm: str) -> bool:
        """Whether patients of this arm must meet it."""
        return arm in self.arms

    def is_met_by(self, value: float | bool) -> bool:
        """Whether the value attested satisfies the criterion."""
        if not self.is_number:
            return value is self.must_be
        if isinstance(value, bool) or (self.is_whole and value != int(value)):
            return False
        low = (self.at_least is None or value >= self.at_least) and (self.above is None or value > self.above)
        high = (self.at_most is None or value <= self.at_most) and (self.below is None or value < self.below)
        return low and high


@dataclass(frozen=True)
class Cells:
    """How cells are made and given."""

    cycles: int
    culture_days: int
    infusion_days: int
    confirm_after_days: int
    spacing_days: int
    warn_under_days: int
    send_at_once_under_hours: int
    call_under_hours: int


@dataclass(frozen=True)
class Obligation:
    """Until when new due dates arise; ``then_every_months`` goes on until the study is closed."""

    until_month: int
    then_every_months: int | None


@dataclass(frozen=True)
class Stops:
    """Which kinds of agenda items each event ends."""

    death: frozenset[AgendaKind]
    withdrawn_from_study: frozenset[AgendaKind]
    withdrawn_from_reporting: frozenset[AgendaKind]


@dataclass(frozen=True)
class SafetyWarnings:
    """How many hours before a safety report is overdue a role hears of it, at the latest."""

    investigator_hours_left: int
    principal_investigator_hours_left: int


@dataclass(frozen=True)
class Messaging:
    """Defaults for messages; a patient may have an hour and quiet hours of their own."""

    horizon_days: int
    sms_per_day: int
    quiet_from: time
    quiet_to: time
    preferred_time: time
    # After how long what was not delivered, or not opened in the app, is said by the next channel.
    fallback_hours: int
    fallback_safety_hours: int


@dataclass(frozen=True)
class Moment:
    """One date a turning point waits for: it keeps it ahead while unknown, or does not count."""

    anchor: str
    plus_days: int
    never_while_unknown: bool
    arms: frozenset[str]


WordLists = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Words:
    """What is looked for in free text, by language.

    ``danger`` counts wherever it stands, ``danger_alone`` only as the whole of a text message: "emergency" stands in
    our own texts too, and "fit" in many.

    ``death`` counts wherever it stands, unless it is denied, or said of one of ``other_people``. ``perhaps_death`` is
    read by a person, wherever it stands. ``death_after_a_person`` counts alone, or after one of the ``persons`` with
    nothing but words of ``beside_a_death`` around: "my phone died" is no death, but a person reads it.
    ``death_only_of_a_person`` counts in the same way, and means nothing elsewhere: "I passed the test". In
    ``beside_a_death`` a ``#`` is a number. ``never_texted`` is what no text message may say, beside the protocol's own
    drugs and titles.
    """

    danger: WordLists
    danger_alone: WordLists
    death: WordLists
    perhaps_death: WordLists
    death_after_a_person: WordLists
    death_only_of_a_person: WordLists
    persons: WordLists
    other_people: WordLists
    beside_a_death: WordLists
    never_texted: WordLists


@dataclass(frozen=True, eq=False)
class Protocol:
    """Everything a study's protocol file says, but for the triage rules, which stay as they are.

    Compared by identity, so that what is derived from it can be remembered.
    """

    study: str
    titles: Mapping[str, str]
    target_enrolment: int
    sites: int
    arms: Mapping[str, Arm]
    targeted_drugs: Mapping[str, Drug]
    criteria: tuple[Criterion, ...]
    cells: Cells | None
    obligations: Mapping[str, Obligation]
    report_now_until_month: int
    stops: Stops
    hospital_stay_pauses_days: int
    safety_report_hours: int
    safety_report_warnings: SafetyWarnings
    retention_years: int
    messaging: Messaging
    forms: tuple[str, ...]
    turning_points: Mapping[str, tuple[Moment, ...]]
    rules: tuple[Rule, ...]
    words: Words
    triage: Mapping[str, Any]
    # Who is shown no figure by arm. A version that names nobody is of an open trial.
    blinded_roles: frozenset[Role]

    @classmethod
    def from_content(cls, content: Mapping[str, Any]) -> "Protocol":
        """Read a version's content. It was checked when it was loaded, so nothing is checked again."""
        arms = {said["code"]: Arm(said["code"], said["names"], said["receives_cells"]) for said in content["arms"]}
        codes = frozenset(arms)
        return cls(
            study=content["study"],
            titles=content["titles"],
            target_enrolment=value_of(content["target_enrolment"]),
            sites=value_of(content["sites"]),
            arms=arms,
            targeted_drugs={said["code"]: Drug(said["code"], said["names"]) for said in content["targeted_drugs"]},
            criteria=tuple(_criteria(content["eligibility"], codes)),
            cells=_cells(content.get("cells")),
            obligations={name: _obligation(said) for name, said in content["obligations"].items()},
            report_now_until_month=value_of(content["report_now_until_month"]),
            stops=_stops(content["stops"]),
            hospital_stay_pauses_days=value_of(content["hospital_stay_pauses_days"]),
            safety_report_hours=value_of(content["safety_report_hours"]),
            safety_report_warnings=_safety_warnings(content.get("safety_report_warnings", {})),
            retention_years=value_of(content["retention_years"]),
            messaging=_messaging(content["messaging"]),
            forms=tuple(content["forms"]),
            turning_points={
                name: tuple(_moment(one, codes) for one in said["latest_of"])
                for name, said in content.get("turning_points", {}).items()
            },
            rules=tuple(read_rule(said, codes) for said in content["agenda"]),
            words=_words(content["words"]),
            triage=content.get("triage", {}),
            blinded_roles=frozenset(Role(role) for role in content.get("blinded_roles", ())),
        )

    @cached_property
    def rules_by_name(self) -> Mapping[str, Rule]:
        """The rows of the calendar, found by name."""
        return {rule.name: rule for rule in self.rules}

    @cached_property
    def longest_notice_days(self) -> int:
        """How many days before its due date the earliest prompt of all goes out."""
        return max((-prompt.day for rule in self.rules for prompt in rule.prompts), default=0)

    @cached_property
    def hours_of_looking(self) -> frozenset[time]:
        """At which times of a patient's day it is seen that something was not answered."""
        return frozenset(call.looked_at for rule in self.rules for call in rule.calls if call.looked_at)

    @property
    def drugs_to_choose(self) -> tuple[str, ...]:
        """What may be entered as a patient's drug: one of the protocol's, or ``none`` where it names none."""
        return tuple(self.targeted_drugs) or (NO_DRUG,)

    @property
    def country(self) -> str:
        """Whose public holidays and moved working days count (ISO 3166-1); China's where a version says nothing."""
        return str(value_of(self.triage.get("clocks", {}).get("country", "CN")))

    @property
    def last_planned_month(self) -> int:
        """The month to which the whole agenda is computed."""
        return max(obligation.until_month for obligation in self.obligations.values())


def value_of(said: Any) -> Any:
    """A value of the content, whether or not it carries the mark of an assumption."""
    return said["value"] if isinstance(said, Mapping) else said


def _criteria(said: Mapping[str, Any], all_arms: frozenset[str]) -> Iterator[Criterion]:
    for group, is_exclusion in (("inclusion", False), ("exclusion", True)):
        for one in said[group]:
            yield Criterion(
                key=one["key"],
                is_number=one["type"] == "number",
                is_exclusion=is_exclusion,
                must_be=one.get("must_be"),
                at_least=one.get("at_least"),
                above=one.get("above"),
                at_most=one.get("at_most"),
                below=one.get("below"),
                is_whole=one.get("whole", False),
                unit=one.get("unit"),
                arms=frozenset(one.get("arms") or all_arms),
                texts=one["texts"],
                is_assumption=one.get("assumption", False),
            )


def _cells(said: Mapping[str, Any] | None) -> Cells | None:
    return Cells(**{name: value_of(value) for name, value in said.items()}) if said else None


def _obligation(said: Mapping[str, Any]) -> Obligation:
    return Obligation(said["until_month"], said.get("then_every_months"))


def _stops(said: Mapping[str, Any]) -> Stops:
    def kinds(event: str) -> frozenset[AgendaKind]:
        return frozenset(AgendaKind(kind) for kind in said[event])

    return Stops(kinds("death"), kinds("withdrawn_from_study"), kinds("withdrawn_from_reporting"))


def _safety_warnings(said: Mapping[str, Any]) -> SafetyWarnings:
    """What a version from before there were such warnings does not say is as the first study has it."""
    return SafetyWarnings(
        investigator_hours_left=said.get("investigator_hours_left", 12),
        principal_investigator_hours_left=said.get("principal_investigator_hours_left", 4),
    )


def _messaging(said: Mapping[str, Any]) -> Messaging:
    return Messaging(
        horizon_days=said["horizon_days"],
        sms_per_day=said["sms_per_day"],
        quiet_from=time.fromisoformat(said["quiet_from"]),
        quiet_to=time.fromisoformat(said["quiet_to"]),
        preferred_time=time.fromisoformat(said["preferred_time"]),
        fallback_hours=said.get("fallback_hours", 6),
        fallback_safety_hours=said.get("fallback_safety_hours", 2),
    )


def _moment(said: Mapping[str, Any], all_arms: frozenset[str]) -> Moment:
    return Moment(
        said["anchor"], said["plus_days"], said.get("if_unknown") == "never", frozenset(said.get("arms") or all_arms)
    )


def _words(said: Mapping[str, Any]) -> Words:
    # What a protocol leaves out it has none of.
    return Words(
        **{
            each.name: {language: tuple(words) for language, words in said.get(each.name, {}).items()}
            for each in fields(Words)
        }
    )
