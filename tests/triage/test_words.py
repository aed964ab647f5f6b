"""Which words stand in a text a person typed."""

import pytest

from backend.triage.words import holds_any

WORDS = ("bleeding", "can't breathe", "died", "吐血")


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
