"""A wrong triage file is answered with file, line and field; the shipped one says all it must."""

import pytest

from backend.errors import BadSeedFile
from backend.triage.told import FACTS
from schemas.triage_rules import FACTS_BY_SCOPE
from seeds.questionnaires import read_terminology
from seeds.triage_files import read_triage
from tests.study import PROTOCOL, contents, triage_content


@pytest.fixture
def path(tmp_path):
    copy = tmp_path / "toy.triage.yaml"
    copy.write_text((PROTOCOL / "nct04162158.triage.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    return copy


def read(path):
    return read_triage(path, contents().values(), read_terminology())


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
        ("id: T1.confused", "id: T1.seizure", r"rules: T1\.seizure: written twice"),
        ("tier: T1", "tier: T0", r"rules\.0\.tier: "),
        ("scope: report", "scope: planet", r"rules\.0\.scope: "),
        (AT_180, 'operator: "=>", value: 180', r"rules\.8\.when\.any\.0\.operator: Must be one of"),
        (AT_180, 'operator: ">=", value: high', r"rules\.8\.when\.any\.0\.value: Must be a number"),
        (AT_180, AT_180 + ", unit: kPa", r"rules\.8\.when\.any\.0\.unit: Unknown field"),
        ("{fact: danger_words, ", "{fact: composite, ", r"rules\.10\.when: composite: not known in scope report"),
        ("yellow_eyes], days: 7,", "yellow_eyes],", r"days: Must be a whole number of days"),
        ('reference: "Tiers, T1, at any time", when', "when", r"rules\.0\.reference: "),
        ('    zh-CN: "这可能很紧急。', '    fr: "这可能很紧急。', r"advice\.emergency"),
        ("Call {phone} now. If nobody answers, call 120. Do not stay", "Call.", r"emergency\.en: Must name \{phone\}"),
    ],
)
def test_a_mistake_is_named_by_file_line_and_field(path, old, new, complaint):
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")

    with pytest.raises(BadSeedFile, match=rf"toy\.triage\.yaml:\d+: .*{complaint}"):
        read(path)


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
