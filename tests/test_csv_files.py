"""A table that somebody opens with a spreadsheet program: no cell of it may be run."""

import pytest

from backend.csv_files import csv_text


@pytest.mark.parametrize("first", ["=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20", "\t"])
def test_a_text_that_would_begin_a_formula_gets_an_apostrophe_in_front(first: str) -> None:
    written = csv_text(("reason",), [(f"{first}1+1",)])

    assert written == f"reason\r\n'{first}1+1\r\n"


def test_numbers_and_other_words_stand_as_they_are_and_nothing_is_an_empty_cell() -> None:
    assert csv_text(("a", "b", "c"), [(-1, "a=b", None)]) == "a,b,c\r\n-1,a=b,\r\n"
