"""Which terms a text is taken to mean, what it denies, and that any text at all has an answer soon."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.errors import BadSeedFile
from backend.free_text.suggest import LEAST_SCORE, MOST, suggest, suggest_from
from seeds.lexicon_files import LEXICON, read_lexicon
from seeds.questionnaires import read_terminology
from tests.free_text.figures import shipped_lexicon

LEX = shipped_lexicon()
# What a person means is told, or denied after "-", or nothing at all.
SAID = {
    "肚子疼": "Abdominal pain",
    "肚子这两天一直疼": "Abdominal pain",
    "肚 子 疼": "Abdominal pain",
    "肚子腾": "Abdominal pain",
    "duzi teng": "Abdominal pain",
    "dùzi 疼": "Pain",
    "頭暈": "Dizziness",
    "ｄｉａｒｒｈｏｅａ": "Diarrhea",
    "DIARREA": "Diarrhea",
    "swollen ancles": "Edema limbs",
    "no fever": "-Fever",
    "没有发烧": "-Fever",
    "不疼了": "-Pain",
    "肚子不疼": "-Abdominal pain",
    "denies nausea, vomiting": "-Nausea, -Vomiting",
    "no fever, cough or chills": "-Fever, -Cough, -Chills",
    "no fever, headache": "Headache, -Fever",
    "否认腹痛、腹泻": "-Abdominal pain, -Diarrhea",
    "没有发烧咳嗽": "-Fever, -Cough",
    "不咳也不喘": "-Cough, -Dyspnea",
    "no fever but chills": "Chills, -Fever",
    "没发烧，但是咳嗽": "Cough, -Fever",
    "没发烧就是咳嗽": "Cough, -Fever",
    "not only nausea but also vomiting": "Nausea, Vomiting",
    "不但恶心而且腹泻": "Nausea, Diarrhea",
    "I can't say I have no pain": "Pain",
    "不是不疼": "Pain",
    "没有一天不拉肚子": "Diarrhea",
    "从来没有这么疼过": "Pain",
    "the headache is gone": "-Headache",
    "the headache is not gone": "Headache",
    "头疼好了": "-Headache",
    "头疼还没好": "Headache",
    "the pain won't stop": "Pain",
    "咳个不停": "Cough",
    "no appetite": "Anorexia",
    "没胃口": "Anorexia",
    "No. I have a headache": "Headache",
    "没有，头疼": "Headache",
    "temperature 38.5": "Fever",
    "no 38.5 fever": "-Fever",
    "if I get a fever what should I do": "",
    "thanks": "",
    "口感不错": "",
    "红烧肉": "",
    "the trousers fit": "",
}


def told(text):
    return {f"{'-' if one.negated else ''}{one.name}" for one in suggest(text, LEX) if one.score > LEAST_SCORE}


@pytest.mark.parametrize("text", SAID)
def test_a_text_means_what_a_person_would_take_it_to_mean(text):
    assert told(text) == {term for term in SAID[text].split(", ") if term}


def test_a_suggestion_says_where_in_the_given_text_it_was_found():
    text = "😀 昨天 肚 子有点 疼，ＤＩＡＲＲＨＥＡ too"

    found = {one.name: one for one in suggest(text, LEX)}

    assert text[found["Abdominal pain"].start : found["Abdominal pain"].end] == "肚 子有点 疼"
    assert found["Diarrhea"].matched == "ＤＩＡＲＲＨＥＡ"
    assert (found["Abdominal pain"].language, found["Diarrhea"].language) == ("zh-CN", "en")


def test_what_one_text_denies_and_another_tells_is_told():
    found = suggest_from(["no cough", "coughing all night", "fever, rash, nausea, vomiting"], LEX)

    assert [one.negated for one in found] == [False] * MOST
    assert "Cough" in {one.name for one in found}


pieces = st.sampled_from(
    [*SAID, "\x00", "\ud800", "\u202e", "👩‍👩‍👧", "\n", " no ", "不", "…", "ﷺ", "İ", "ß", "？", "~", "'"]
)


@settings(max_examples=200, deadline=None)
@given(st.one_of(st.text(max_size=120), st.lists(pieces, max_size=40).map("".join)))
def test_any_text_has_an_answer_within_its_bounds(text):
    found = suggest(text, LEX)

    assert len(found) <= MOST
    for one in found:
        assert LEAST_SCORE <= one.score <= 1
        assert 0 <= one.start < one.end <= len(text)
        assert one.matched == text[one.start : one.end]


def test_a_text_takes_a_few_thousandths_of_a_second_and_the_longest_no_long_time():
    for text in SAID:
        suggest(text, LEX)
    began = time.process_time()
    for text in SAID:
        suggest(text, LEX)
    usual = (time.process_time() - began) / len(SAID)
    worst = max(
        _seconds(text) for text in ("肚疼" * 2000, "pain no " * 500, "qwertz asdfgh " * 290, "duzi" * 1000, "不" * 4000)
    )

    assert usual < 0.02
    assert worst < 2


def _seconds(text):
    began = time.process_time()
    suggest(text, LEX)
    return time.process_time() - began


def test_a_lexicon_with_a_term_that_is_none_is_refused_with_its_line(tmp_path):
    for file in LEXICON.glob("*.yaml"):
        words = file.read_text(encoding="utf-8").replace("  Fever: [", "  Feverishness: [")
        (tmp_path / file.name).write_text(words, encoding="utf-8")

    with pytest.raises(BadSeedFile, match=r"words\..*\.yaml:\d+.*Feverishness is not in the terminology"):
        read_lexicon(read_terminology(), tmp_path)
