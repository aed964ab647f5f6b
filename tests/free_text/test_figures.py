"""The labelled phrases, in short: floors under which something is broken. The whole tables: ``do.py phrases``."""

import pytest

from backend.conversations.replies import Meaning, read
from tests.free_text.figures import alarms_of, deaths_misread, figures_of, phrases, shipped_lexicon, shipped_words

# By set: precision and recall of the first suggestion, recall among three, and denials understood.
FLOORS = {"built": (0.98, 0.96, 0.96, 0.99), "held_out": (0.92, 0.82, 0.84, 0.90)}
PERHAPS = [
    "he has not passed away",
    "没有去世",
    "没有人去世",
    "my grandfather passed away ten years ago",
    "爷爷二十年前去世了",
    "我小时候奶奶去世了",
]
DEATHS = [
    "he passed away two years ago",
    "他两年前去世了",
    "没有痛苦地去世了",
    "I was not there when he passed away",
    "diagnosed ten years ago and passed away today",
    "十年前确诊，今天去世了",
    "He passed away. We met 20 years ago.",
    "not today, he passed away yesterday",
]


def test_at_least_a_third_of_the_phrases_was_held_out_and_all_kinds_are_there():
    held = [one for one in phrases() if one.set == "held_out"]

    assert len(phrases()) >= 300
    assert len(held) * 3 >= len(phrases())
    for name in FLOORS:
        of_set = [one for one in phrases() if one.set == name]
        assert {one.language for one in of_set} == {"en", "zh", "mixed"}
        assert {one.kind for one in of_set} == {"", "dialect", "slips"}
    assert len({one.text for one in phrases()}) == len(phrases())


@pytest.mark.parametrize("name", FLOORS)
def test_terms_are_suggested_as_well_as_they_were(name):
    found = figures_of([one for one in phrases() if one.set == name], shipped_lexicon())

    measured = (found.precision_first, found.recall_first, found.recall_three, found.denials_understood)
    assert all(share >= floor for share, floor in zip(measured, FLOORS[name], strict=True)), measured


def test_emergencies_are_heard_denied_ones_too_and_everyday_words_are_none():
    alarms = alarms_of(phrases(), shipped_words())

    assert alarms.sensitivity >= 0.98, alarms.missed
    assert alarms.specificity >= 0.98, alarms.needless
    # A denial is heard all the same: a needless call is the cheaper mistake.
    assert {"no bleeding today", "没有吐血", "没有胸痛"} <= set(alarms.needless)


def test_a_death_is_a_death_unless_it_is_plainly_denied_or_long_past_and_then_a_person_reads_it():
    misread = deaths_misread(phrases(), shipped_words())

    assert [label for _, label, understood in misread if understood != "perhaps"] == []
    assert len(misread) <= 4
    assert {text: read(text, shipped_words()) for text in PERHAPS} == dict.fromkeys(PERHAPS, Meaning.PERHAPS_DEATH)
    assert {text: read(text, shipped_words()) for text in DEATHS} == dict.fromkeys(DEATHS, Meaning.DEATH)
