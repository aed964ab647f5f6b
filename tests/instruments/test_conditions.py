"""The language of the emergency rules is described where a client looks, and nothing is said that is not described."""

from pathlib import Path

import pytest

from backend.terms import Tier
from backend.triage.condition_language import FACTS, OPERANDS, OPERATORS, condition_language
from backend.triage.conditions import COMPARE, Fact, operands
from schemas import triage_rules
from tests.study import rule_set

PAGE = (Path(__file__).parents[2] / "docs" / "conditions.md").read_text(encoding="utf-8")


def test_every_operator_and_operand_that_rules_may_use_is_described():
    assert set(OPERATORS) == {*COMPARE, "absent"} == set(triage_rules.OPERATORS)
    assert set(OPERANDS) == set(triage_rules.OPERANDS)


def test_no_emergency_rule_asks_for_a_fact_that_a_phone_cannot_know():
    asked = {
        operand.name
        for rule in rule_set().rules
        if rule.tier is Tier.T1
        for operand in operands(rule.when)
        if isinstance(operand, Fact)
    }

    assert asked == set(FACTS)


@pytest.mark.parametrize("word", [*OPERATORS, *OPERANDS, *FACTS, "all", "any"])
def test_the_page_explains_every_word(word):
    assert f"`{word}`" in PAGE or f'"{word}"' in PAGE


def test_the_description_can_be_sent():
    assert all(isinstance(part, dict | int | str) for part in condition_language().values())
