"""The plain form's pages and what is read from them, without a database: branching, order, and bad input."""

import random

from werkzeug.datastructures import MultiDict

from backend.conversations import form_pages, script
from backend.conversations.form_filling import Given
from backend.conversations.form_pages import PageKind, is_answered, next_page, page_before, pages_of
from backend.web.form_fields import Complaint, read_page
from tests.instruments import golden
from tests.study import instrument

BRANCHING = golden.read()["branching"]


def keys(name, answers=None, picked=()):
    return [page.key for page in pages_of(instrument(name), answers or {}, picked)]


def page(name, key):
    everything = [symptom.slug for symptom in instrument(name).offered]
    return form_pages.page_called(pages_of(instrument(name), {}, everything), key)


def read(name, key, *fields):
    return read_page(page(name, key), instrument(name), MultiDict(fields))


def test_the_form_branches_as_the_golden_cases_say():
    wrong = []
    for case in BRANCHING:
        asked, mine = instrument("ad_hoc"), instrument("ad_hoc").symptoms[case["symptom"]].items
        pages = [one for one in pages_of(asked, case["answers"], [case["symptom"]]) if one.key in mine]
        following = next((one.key for one in pages if not is_answered(one, case["answers"])), None)
        shown = {one.key for one in pages}
        if shown & set(case["hidden"]) or following != case["next"]:
            wrong.append((case["name"], sorted(shown), following))

    assert BRANCHING
    assert wrong == []


def test_the_pages_come_in_the_order_of_the_app_and_only_what_was_picked_is_asked():
    weekly, ad_hoc = keys("weekly"), keys("ad_hoc")

    assert weekly[:4] == ["mind_and_breath", "bleeding_and_fever", "skin_and_belly", "temperature_c"]
    assert weekly[-2:] == ["other_symptoms", "wants_call"]
    assert keys("safety")[-3:] == ["stools_over_baseline", "other_symptoms", "wants_call"]
    assert set(keys("ad_hoc", picked=["nausea"])) - set(ad_hoc) == {"nausea.frequency", "nausea.severity"}
    assert "stools_per_day" in keys("baseline")
    assert "stools_per_day" not in weekly


def test_the_next_page_is_the_next_without_an_answer_and_back_is_the_one_before():
    pages = pages_of(instrument("weekly"), {}, ())
    signs = {item: 0.0 for one in pages[:3] for item in one.items}

    assert next_page(pages, {}).key == "mind_and_breath"
    assert next_page(pages, signs).key == "temperature_c"
    assert next_page(pages, {**signs, "temperature_c": None}, after="systolic_mmhg").key == "diastolic_mmhg"
    assert next_page(pages, signs, after="wants_call").key == "temperature_c"
    assert page_before(pages, "temperature_c").key == "skin_and_belly"
    assert page_before(pages, "mind_and_breath") is None
    # By text message all signs are one question: no is no to each, and leaving it out leaves them to be asked here.
    assert next_page(pages, {script.CARD: 0}).key == "temperature_c"
    assert next_page(pages, {script.CARD: None}).key == "mind_and_breath"


def test_what_is_sent_from_a_page_becomes_its_answer_or_a_complaint_that_keeps_it():
    said = [f"checklist.{sign}" for sign in ("confused", "hard_to_wake", "cannot_write_or_speak")]
    assert read("weekly", "mind_and_breath", ("do", "none"), (said[0], "1")).given == {
        item: Given(float(item == said[0])) for item in page("weekly", "mind_and_breath").items
    }
    some = read("weekly", "mind_and_breath", (said[0], "1"), (said[1], "0"), (said[2], "7"))
    assert some.given == {said[0]: Given(1.0), said[1]: Given(0.0)}
    assert some.complaint is Complaint.ROWS_OPEN
    assert len(read("weekly", "mind_and_breath", ("do", "skip"), (said[0], "1")).given) == 6


def test_a_number_is_read_however_it_is_written_and_anything_else_is_asked_for_again():
    measured = {"３８．５": 38.5, "38,5": 38.5, "三十八度五": 38.5, " 36.8 ": 36.8, "34": 34.0, "43": 43.0}
    assert {typed: read("weekly", "temperature_c", ("value", typed)).given for typed in measured} == {
        typed: {"temperature_c": Given(value)} for typed, value in measured.items()
    }
    for typed, complaint in (
        ("", Complaint.NOTHING_TYPED), ("hot", Complaint.NO_NUMBER), ("9" * 5000, Complaint.NO_NUMBER),
        ("nan", Complaint.NO_NUMBER), ("98.6", Complaint.OUT_OF_BOUNDS), ("33.9", Complaint.OUT_OF_BOUNDS),
    ):  # fmt: skip
        assert read("weekly", "temperature_c", ("value", typed)).complaint is complaint, typed
    assert read("weekly", "systolic_mmhg", ("value", "120.5")).complaint is Complaint.OUT_OF_BOUNDS
    assert read("weekly", "systolic_mmhg", ("do", "skip")).given == {"systolic_mmhg": Given(None)}


def test_choices_picks_and_words_are_kept_as_they_can_be():
    for value in ("", "5", "-1", "01", "1.0", "１", "0x1"):
        assert read("weekly", "fatigue.severity", ("value", value)).complaint is Complaint.NOTHING_CHOSEN, value
    assert read("weekly", "fatigue.severity", ("value", "4")).given == {"fatigue.severity": Given(4.0)}
    assert read("ad_hoc", "picked", ("picked", "rash"), ("picked", "nausea"), ("picked", "'; --")).given == {
        "picked": Given(None, "nausea rash")
    }
    assert read("weekly", "other_symptoms", ("other_symptoms", " a\x00b\r\nc "), ("severity", "2")).given == {
        "other_symptoms": Given(2.0, "ab\nc")
    }
    assert read("weekly", "other_symptoms", ("other_symptoms", " \x07 "), ("severity", "2")).given == {
        "other_symptoms": Given(None)
    }
    assert read("weekly", "other_symptoms", ("other_symptoms", "x" * 2001)).complaint is Complaint.TOO_LONG
    assert read("weekly", "wants_call").complaint is Complaint.NOTHING_CHOSEN


def test_whatever_is_sent_from_whatever_page_can_be_kept_or_is_asked_for_again():
    chance, asked = random.Random(8), instrument("ad_hoc")
    pages = pages_of(asked, {}, [symptom.slug for symptom in asked.offered])
    values = ["0", "1", "2", "9", "-1", "", "38.5", "\x00", "三十八度五", "٣", "1e5", "∞", "x" * 3000, "\ud800", "no"]
    for one in pages * 20:
        names = [*one.items, "value", "do", "severity", "picked", "none"]
        fields = [(chance.choice(names), chance.choice([*values, "next", "none", "skip"])) for _ in range(4)]
        taken = read_page(one, asked, MultiDict(fields))
        for item, given in taken.given.items():
            assert item in one.items
            assert given.value is None or script.may_be(asked, item, given.value), (one, fields)
            assert given.words is None or given.words.encode()
        assert taken.given or taken.complaint
        assert one.kind is not PageKind.SIGNS or not taken.complaint or len(taken.given) < len(one.items)
