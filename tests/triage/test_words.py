"""Which words stand in a text a person typed."""

import time

import pytest

from backend.triage.words import holds_any
from tests.instruments import offline_client
from tests.study import rule_set
from tests.triage import danger_phrases as phrases

WORDS = ("bleeding", "can't breathe", "died", "吐血")
SIGNS = ("vomit* ~ blood", "seizure*", "吐[了出]血")
BENT = ["vomits up lots blood", "vomiting up lots of blood", "vomit, blood", "吐了出了血", "吐了出了出了血", "吐点血"]


@pytest.mark.parametrize(
    "text",
    [
        "bleeding",
        "I am BLEEDING!",
        "ｂｌｅｅｄｉｎｇ",
        "can’t  breathe",
        "Can't\nbreathe",
        "我在吐血",
        "吐 血",
        "我bleeding了",
        "he died.",
    ],
)
def test_a_word_is_found_however_it_is_typed(text):
    assert holds_any(text, WORDS)


@pytest.mark.parametrize("text", ["", "I studied", "bleedings1", "nosebleedings", "吐了 一点血", "breathe"])
def test_a_word_inside_another_is_not_that_word(text):
    assert not holds_any(text, WORDS)


def test_a_negation_is_heard_as_danger_because_a_needless_call_is_cheaper():
    assert holds_any("no bleeding", WORDS)


@pytest.mark.parametrize("text", [*phrases.DANGEROUS_EN, *phrases.DANGEROUS_ZH])
def test_danger_is_heard_in_the_words_people_use(text):
    assert holds_any(text, rule_set().danger_words)


@pytest.mark.parametrize("text", [*phrases.HARMLESS_EN, *phrases.HARMLESS_ZH])
def test_an_everyday_sentence_raises_no_alarm(text):
    assert not holds_any(text, rule_set().danger_words)


@pytest.mark.parametrize("text", phrases.ALARM_ALL_THE_SAME)
def test_a_needless_alarm_is_the_cheaper_mistake(text):
    assert holds_any(text, rule_set().danger_words)


@pytest.mark.parametrize(
    "text",
    [*phrases.DANGEROUS_EN, *phrases.HARMLESS_EN, *phrases.DANGEROUS_ZH, *phrases.HARMLESS_ZH, *BENT],
)
def test_a_phone_with_no_connection_hears_the_same(text):
    for words in (rule_set().danger_words, SIGNS):
        assert offline_client._is_dangerous(text, list(words)) == holds_any(text, words)


@pytest.mark.parametrize(
    ("text", "is_heard"),
    [
        ("vomit blood", True),
        ("vomiting blood", True),
        ("vomits up lots blood", True),
        ("vomited-some-blood", True),
        ("vomitous blood", False),
        ("vomiting up lots of blood", False),
        ("vomiting. Blood", False),
        ("vomit, blood", False),
        ("vomit blooded", False),
        ("blood vomit", False),
        ("吐血", True),
        ("吐了出了血", True),
        ("吐了出了出了血", False),
        ("吐点血", False),
        ("吐。血", False),
        ("seize", False),
        ("seizures", True),
    ],
)
def test_the_signs_bend_a_word_so_far_and_no_further(text, is_heard):
    assert holds_any(text, SIGNS) == is_heard


def test_a_name_that_looks_like_a_sign_is_only_a_name():
    assert holds_any("[Li", ["[Li"])
    assert not holds_any("anything", [])


def test_a_long_text_costs_little():
    began = time.process_time()
    for text in ("b c d p h " * 1_600, "black black " * 1_300, "吐了" * 8_000):
        holds_any(text, rule_set().danger_words)

    assert time.process_time() - began < 1
