"""A wrong triage file is answered with file, line and field; the shipped one says all it must."""

from dataclasses import replace
from datetime import time, timedelta
from pathlib import Path

import pytest

from backend.errors import BadSeedFile
from backend.triage.clocks import Clocks
from backend.triage.rules import RuleSet, Told, danger_words_finding
from backend.triage.told import FACTS, Circumstances
from schemas.triage_rules import FACTS_BY_SCOPE
from seeds.questionnaires import read_terminology
from seeds.triage_files import read_triage
from tests.study import PROTOCOL, contents, findings, instrument, rule_set, triage_content

SECOND = Path(__file__).parent / "second-study.triage.yaml"


@pytest.fixture
def path(tmp_path):
    copy = tmp_path / "toy.triage.yaml"
    copy.write_text((PROTOCOL / "nct04162158.triage.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    return copy


def read(path):
    return read_triage(path, contents().values(), read_terminology())


T2_DUE = "t2_due_after_hours: {value: 24, assumption: true}"
AT_180 = 'operator: ">=", value: 180'


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("item: checklist.seizure", "item: checklist.nose", r"rules\.0\.when: No instrument asks checklist\.nose"),
        ("- {measurement: systolic_mmhg,", "- {measurement: pulse,", r"rules\.8\.when: No instrument asks pulse"),
        ('term: "10039906"', 'term: "10000000"', r"rules\.0\.term: 10000000 is not in the terminology"),
        ("advice: emergency,", "advice: breathe,", r"rules\.0\.advice: There is no advice of that name"),
        ("advice: emergency, ", "", r"rules\.0\.advice: A T1 rule needs advice"),
        ("id: T1.seizure", "id: T2.seizure", r"rules\.0\.id: Must begin with T1"),
        ("id: T1.confused", "id: T1.seizure", r"rules\.1\.id: T1\.seizure is written twice"),
        ("{fact: danger_words, ", "{fact: texts, ", r"rules: A T1 rule must ask for the fact danger_words"),
        ("tier: T1", "tier: T0", r"rules\.0\.tier: "),
        ("scope: report", "scope: planet", r"rules\.0\.scope: "),
        (AT_180, 'operator: "=>", value: 180', r"rules\.8\.when\.any\.0\.operator: Must be one of"),
        (AT_180, 'operator: ">=", value: high', r"rules\.8\.when\.any\.0\.value: Must be a number"),
        (
            '{fact: value, operator: ">=", value: 4}',
            "{fact: value, operator: in, value: [high]}",
            r"rules\.\d+\.when\.all\.1\.value: Must be a number here",
        ),
        (
            "{fact: attribute, operator: in, value: [severity, interference]}",
            '{fact: attribute, operator: ">=", value: 3}',
            r"when\.all\.0\.value: attribute is a word",
        ),
        (AT_180, AT_180 + ", unit: kPa", r"rules\.8\.when\.any\.0\.unit: Unknown field"),
        ("{fact: danger_words, ", "{fact: composite, ", r"rules\.10\.when: composite: not known in scope report"),
        ("yellow_eyes], days: 7,", "yellow_eyes],", r"days: Must be a whole number of days"),
        ('reference: "Tiers, T1, at any time", when', "when", r"rules\.0\.reference: "),
        ('    zh-CN: "这可能很紧急。', '    fr: "这可能很紧急。', r"advice\.emergency"),
        ("Call {phone} now. If nobody answers, call 120. Do not stay", "Call.", r"emergency\.en: Must name \{phone\}"),
        (T2_DUE, "t2_due_after_hours: {value: soon, assumption: true}", r"clocks\.t2_due_after_hours: Must be a whole"),
        (T2_DUE, "t2_due_after_hours: {value: 24, assumption: no}", r"clocks\.t2_due_after_hours\.assumption: Must be"),
        (T2_DUE, "t2_due_after_hours: 0", r"clocks\.t2_due_after_hours: Must be greater than or equal to 1"),
        (T2_DUE, "", r"clocks\.t2_due_after_hours: Missing data"),
        (T2_DUE, T2_DUE + "\n  patience: 3", r"clocks\.patience: Unknown field"),
        (
            "hours: {value: 36,",
            "hours: {value: 23,",
            r"clocks\.t2_principal_\w+: Must not come before t2_due_after_hours",
        ),
        ('{value: "16:00",', '{value: "4pm",', r"clocks\.last_calls_from: Must be a time of day"),
        ("country: CN", "country: china", r"clocks\.country: Must be a country of ISO 3166-1"),
        ("\nclocks:\n", "\nclock:\n", r"clocks: Missing data"),
    ],
)
def test_a_mistake_is_named_by_file_line_and_field(path, old, new, complaint):
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")

    with pytest.raises(BadSeedFile, match=rf"toy\.triage\.yaml:\d+: .*{complaint}"):
        read(path)


def test_the_rule_for_danger_words_is_found_by_what_it_asks_whatever_its_name(path):
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("T1.danger-words", "T1.says-so"), encoding="utf-8")
    renamed = RuleSet.from_content(read(path), {})
    without = replace(renamed, rules=tuple(rule for rule in renamed.rules if rule.id != "T1.says-so"))

    assert renamed.danger_rule.id == danger_words_finding(renamed).rule_id == "T1.says-so"
    assert danger_words_finding(renamed).advice_code == "emergency"
    # A version that was stored before this was asked of files: the alarm is raised all the same.
    assert (without.danger_rule, danger_words_finding(without).tier) == (None, "T1")


def test_every_rule_has_id_version_reference_and_says_that_it_is_assumed():
    for rule in triage_content()["rules"]:
        assert rule["version"] >= 1
        assert rule["reference"].startswith("Tiers, T")
        assert rule["assumption"] is True


def test_the_facts_a_file_may_ask_for_are_those_that_exist():
    assert {fact for facts in FACTS_BY_SCOPE.values() for fact in facts} == set(FACTS)


def test_every_advice_is_given_by_some_rule_or_by_the_hour():
    used = {rule["advice"] for rule in triage_content()["rules"] if "advice" in rule}

    assert set(triage_content()["advice"]) - used == {"call_back_by_noon"}


def test_the_shipped_clocks_are_the_usual_ones_which_a_version_stored_without_clocks_is_followed_by():
    stored_before = {name: value for name, value in triage_content().items() if name != "clocks"}

    assert rule_set().clocks == Clocks.from_content({})
    assert RuleSet.from_content(stored_before, {}).clocks == rule_set().clocks


def test_every_clock_of_the_shipped_file_says_that_it_is_assumed_but_for_the_country():
    plain = [name for name, said in triage_content()["clocks"].items() if not isinstance(said, dict)]

    assert plain == ["country"]


def test_a_deliberately_different_study_has_rules_and_clocks_of_its_own():
    rules = RuleSet.from_content(read(SECOND), {})

    assert rules.clocks.t1_investigator_after == timedelta(minutes=20)
    assert rules.clocks.t2_due_after == timedelta(hours=12)
    assert (rules.clocks.t3_working_days, rules.clocks.last_calls_from) == (5, time(14, 30))
    assert rules.clocks.country == "DE"
    warm = Told(instrument("ad_hoc"), {}, {"temperature_c": 37.6})
    assert [(found.rule_id, found.rule_version) for found in findings(rules, warm, Circumstances())] == [("T2.warm", 3)]
