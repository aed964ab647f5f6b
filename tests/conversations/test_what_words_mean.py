"""Words of death and of danger, in the texts people really write. No database is needed."""

import pytest

from backend.conversations.replies import Meaning, read
from tests.agenda.courses import the_protocol


@pytest.mark.parametrize(
    "text",
    [
        "My father died this morning",
        "This morning my father died.",
        "he passed away",
        "He’s dead",
        "died",
        "父亲今天去世了",
        "他走了",
        "人没了",
        "走了。",
        "我爸，昨晚走了",
        "病人今天早上不在了",
    ],
)
def test_a_plain_word_of_death_is_one(text: str) -> None:
    assert read(text, the_protocol().words) is Meaning.DEATH


@pytest.mark.parametrize(
    "text",
    [
        "药没了，怎么办",
        "药没了",
        "他的药没了",
        "我已经走了，在路上",
        "我走了",
        "妈，我走了",
        "他走了两步就累了",
        "疼死了",
        "我爸快死了",
        "My dog died",
        "My phone died",
        "He is dead tired",
        "My mother died of the same illness in 1990",
    ],
)
def test_words_that_mean_many_things_are_for_a_person_to_read(text: str) -> None:
    assert read(text, the_protocol().words) is Meaning.PERHAPS_DEATH


def test_a_word_inside_a_longer_one_means_nothing() -> None:
    assert read("My father studied", the_protocol().words) is Meaning.UNCLEAR


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("I am bleeding", Meaning.DANGER),
        ("我走了两步就喘不过气", Meaning.DANGER_PERHAPS_DEATH),
        ("我一点力气都没了，吐血", Meaning.DANGER_PERHAPS_DEATH),
        ("My phone died, I am vomiting blood", Meaning.DANGER_PERHAPS_DEATH),
        ("他吐血，今天去世了", Meaning.DEATH_AND_DANGER),
    ],
)
def test_no_word_hides_a_danger(text: str, meaning: Meaning) -> None:
    assert read(text, the_protocol().words) is meaning
