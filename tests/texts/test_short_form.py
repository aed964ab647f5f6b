"""The short form of ``python3 do.py texts``: some thousands are read, some kept, a few put through the doors."""

from decimal import Decimal
from itertools import islice

import pytest

from backend.conversations.reading import COMMAND_WORDS, command_in, read_number
from backend.jobs import Work
from notifications.opt_outs import START_WORDS, STOP_WORDS, keyword_in
from tests.conftest import Clock
from tests.free_text.figures import shipped_words
from tests.texts.__main__ import START
from tests.texts.grammar import Grammar, Kind, Made
from tests.texts.kept import Doors, not_kept
from tests.texts.properties import Tally

READ, KEPT, EVERY = 2000, 200, 10


def test_made_up_texts_are_all_read_as_what_they_are_and_none_raises():
    words, tally = shipped_words(), Tally()
    grammar = Grammar(words, seed=7)

    for _ in range(READ):
        tally.look_at(grammar.make(), words)

    assert tally.faults == []
    assert min(tally.read_as[one] for one in ("answer", "command", "keyword", "danger", "death", "kept whole")) > 50


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_texts_are_kept_as_they_came_and_something_becomes_of_each(work: Work, clock: Clock):
    words, tally = shipped_words(), Tally()
    grammar = Grammar(words, seed=8)
    made = [grammar.make() for _ in range(KEPT)]
    clock.move_to(START)
    doors = Doors(work).open()

    changed = not_kept(work.db, [one.text for one in made], 0)
    unlike = [doors.faults(one.text, tally.look_at(one, words)) for one in islice(made, 0, None, EVERY)]

    assert changed == []
    assert [found for found in unlike if found] == []
    assert doors.answers() > 0


def test_a_text_that_is_read_wrongly_is_a_fault():
    """The tally itself."""
    words, tally = shipped_words(), Tally()

    for wrong in (Made("2 but worse", Kind.CHOICE, Decimal(2)), Made("38.5", Kind.DANGER), Made("2", Kind.BESIDE)):
        tally.look_at(wrong, words)

    assert len(tally.faults) == 4, tally.faults


def test_no_word_we_act_on_is_another_one_or_stop_or_start_or_a_number():
    listed = [(word, command) for command, words in COMMAND_WORDS.items() for word in words]

    assert len({word for word, _ in listed}) == len(listed)
    assert [word for word, command in listed if command_in(word) is not command] == []
    assert [word for word, _ in listed if keyword_in(word) is not None or read_number(word) is not None] == []
    assert [word for word in STOP_WORDS | START_WORDS if command_in(word) or read_number(word) is not None] == []
