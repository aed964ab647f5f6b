"""Words of death and of danger, in the texts people really write. No database is needed.

Many more, each as a person understands it, are in ``tests/free_text/phrases.csv``.
"""

import time

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
        "病人死亡",
        "与世长辞",
        "没抢救过来",
        "爷爷今早走的",
        "mum passed",
        "He died on Friday",
        "she died 3 days ago",
        "mother died on 1 March",
        "My father died at 3 am on the 2nd of March 2027.",
        "我老公上个月没了",
        "他3月1日走了",
        "他2027年三月一号走了",
        "Dad's gone",
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
        "he died on 1 March 1990",
        "funeral",
        "RIP",
        "expired",
        "we lost him",
        "did not make it",
        "Dad passed this morning, what do we do now?",
        "my neighbour passed away",
        "邻居的老公去世了",
        "他快去世了",
        "我走了3公里",
        "这个病死亡率高吗",
    ],
)
def test_words_that_mean_many_things_are_for_a_person_to_read(text: str) -> None:
    assert read(text, the_protocol().words) is Meaning.PERHAPS_DEATH


@pytest.mark.parametrize(
    "text",
    [
        "My father studied",
        "I passed the test",
        "he passed urine this morning",
        "the pain is gone",
        "there is no more pain",
        "expired medicine",
        "I didn't make it to the appointment",
        "she has lost her appetite",
        "没死",
        "走的时候腿疼",
        "以后事情多",
    ],
)
def test_a_word_inside_a_longer_one_or_said_of_nobody_means_nothing(text: str) -> None:
    assert read(text, the_protocol().words) is Meaning.UNCLEAR


@pytest.mark.parametrize("text", ["刚" * 80, "刚" * 10_000, "last " * 16, "他走的" * 3000, "my dad passed my " * 700])
def test_no_text_takes_long_to_read_however_it_repeats_itself(text: str) -> None:
    words = the_protocol().words
    read("他走了", words)
    began = time.process_time()

    read(text, words)

    assert time.process_time() - began < 2


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("I am bleeding", Meaning.DANGER),
        ("我走了两步就喘不过气", Meaning.DANGER_PERHAPS_DEATH),
        ("我一点力气都没了，吐血", Meaning.DANGER_PERHAPS_DEATH),
        ("My phone died, I am vomiting blood", Meaning.DANGER_PERHAPS_DEATH),
        ("我死了算了", Meaning.DANGER_PERHAPS_DEATH),
        ("想跳楼", Meaning.DANGER),
        ("他吐血，今天去世了", Meaning.DEATH_AND_DANGER),
    ],
)
def test_no_word_hides_a_danger(text: str, meaning: Meaning) -> None:
    assert read(text, the_protocol().words) is meaning
