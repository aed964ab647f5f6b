"""What a patient reads at once, and what a phone can say without us."""

import json

import pytest

from backend.terms import Language, Tier
from backend.triage.advice import advice, emergency_rules
from backend.triage.rules import Circumstances
from tests.study import findings, rule_set
from tests.triage.reports import told

PHONE = "+861066933333"


def codes(report, *, can_call_today=True, **known):
    found = findings(rule_set(), report, Circumstances(**known))
    said = advice(rule_set(), found, language="en", phone=PHONE, can_call_today=can_call_today)
    return [entry["code"] for entry in said]


def test_an_emergency_says_what_to_do_and_whom_to_call_and_nothing_else():
    assert codes(told(signs=["seizure"], wants_call=True, nausea__frequency=4, nausea__severity=4)) == ["emergency"]


def test_two_emergencies_say_both_things_once():
    assert codes(told(signs=["seizure", "fainted", "vomited_blood"])) == ["emergency", "bleeding"]


def test_the_same_day_tier_says_that_somebody_looks():
    assert codes(told(signs=["dark_urine", "swollen_belly"])) == ["same_day"]


@pytest.mark.parametrize(("can_call_today", "code"), [(True, "call_back"), (False, "call_back_by_noon")])
def test_who_asked_for_a_call_reads_when_it_comes(can_call_today, code):
    assert codes(told(wants_call=True, signs=["dark_urine"]), can_call_today=can_call_today) == [code]


def test_the_queue_asks_nothing_of_the_patient():
    assert codes(told(signs=["fever_medicine"])) == []
    assert codes(told()) == []


def test_who_wrote_in_their_own_words_hears_that_they_are_read():
    assert codes(told(texts=["手抖"])) == ["read_soon"]
    assert codes(told(texts=["手抖"], signs=["dark_urine"])) == ["same_day"]


@pytest.mark.parametrize("language", list(Language))
def test_every_text_names_the_sites_number(language):
    found = findings(rule_set(), told(signs=["chills"]), Circumstances(days_since_infusion=1))

    said = advice(rule_set(), found, language=language.value, phone=PHONE, can_call_today=True)

    assert said[0]["phone"] == PHONE
    assert PHONE in said[0]["text"]
    assert "{" not in said[0]["text"]


def test_every_advice_is_short_sentences():
    for texts in rule_set().advice.values():
        assert max(len(sentence.split()) for sentence in texts["en"].split(".")) <= 16
        assert max(len(sentence) for sentence in texts["zh-CN"].split("。")) <= 30


@pytest.mark.parametrize("language", list(Language))
def test_a_phone_gets_every_emergency_rule_with_its_advice(language):
    given = json.loads(json.dumps(emergency_rules(rule_set(), language.value, PHONE)))

    assert [rule["id"] for rule in given] == [rule.id for rule in rule_set().rules if rule.tier is Tier.T1]
    assert all(rule["advice"]["text"] and rule["when"] and rule["version"] for rule in given)


def test_a_phone_gets_the_danger_words_of_all_languages():
    words = next(rule["words"] for rule in emergency_rules(rule_set(), "en", PHONE) if "words" in rule)

    assert {"heart attack*", "便血"} <= set(words)
