"""A word that a patient types finds the symptom that is meant, in either language and with slips of the finger."""

import pytest

from backend.instruments.search import MOST_FOUND, closeness, find_symptoms, plain, slips_between
from backend.terms import Language
from tests.study import contents, instrument

AD_HOC = instrument("ad_hoc")


def found(typed, **more):
    return [one.symptom.slug for one in find_symptoms(AD_HOC, typed, **more)]


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("拉肚子", "diarrhea"),
        ("拉稀", "diarrhea"),
        ("腹泻", "diarrhea"),
        ("我今天拉肚子了", "diarrhea"),
        ("拉 肚 子", "diarrhea"),
        ("拉度子", "diarrhea"),
        ("diarrhea", "diarrhea"),
        ("diarrhoea", "diarrhea"),
        ("DIARRHOEA", "diarrhea"),
        ("ｄｉａｒｒｈｅａ", "diarrhea"),
        ("diarhea", "diarrhea"),
        ("diarr", "diarrhea"),
        ("tierd", "fatigue"),
        ("没力气", "fatigue"),
        ("头疼", "headache"),
        ("头通", "headache"),
        ("hedache", "headache"),
        ("my head hurts", "headache"),
        ("oedema", "limb_swelling"),
        ("edema", "limb_swelling"),
        ("swolen legs", "limb_swelling"),
        ("body odour", "body_odor"),
        ("nail colour", "nail_discoloration"),
        ("hot flushes", "hot_flashes"),
        ("vomitting", "vomiting"),
        ("can't sleep", "insomnia"),
        ("can\u2019t sleep", "insomnia"),
        ("睡不着觉", "insomnia"),
        ("short of breth", "breathlessness"),
        ("喘不上气", "breathlessness"),
        ("阳痿", "erection"),
        ("大姨妈没来", "missed_period"),
        ("手麻", "numbness"),
        ("tingeling", "numbness"),
    ],
)
def test_what_is_typed_finds_first_what_is_meant(typed, meant):
    assert found(typed)[0] == meant


@pytest.mark.parametrize("symptom", AD_HOC.offered, ids=lambda symptom: symptom.slug)
def test_every_name_and_every_search_word_finds_its_symptom_among_the_first_three(symptom):
    lost = [phrase for phrase in AD_HOC.phrases_of(symptom) if symptom.slug not in found(phrase)[:3]]

    assert lost == []


@pytest.mark.parametrize("symptom", AD_HOC.offered, ids=lambda symptom: symptom.slug)
def test_a_slip_in_a_long_english_word_still_finds_it(symptom):
    long = [word for word in AD_HOC.search_words_of(symptom)["en"] if " " not in word and len(word) >= 6]
    slipped = [
        typed for word in long for typed in (word[:2] + word[3:], word[:3] + word[2] + word[3:], word[:-1] + "q")
    ]

    assert [typed for typed in slipped if symptom.slug not in found(typed)] == []


def test_every_offered_symptom_has_several_words_in_each_language():
    for symptom in AD_HOC.offered:
        words = AD_HOC.search_words_of(symptom)
        assert set(words) == set(Language), symptom.slug
        assert all(len(said) >= 3 for said in words.values()), symptom.slug


def test_nothing_typed_shows_all_and_something_typed_only_a_few():
    assert found("") == found("  。 ") == [symptom.slug for symptom in AD_HOC.offered]
    assert len(found("pain")) <= MOST_FOUND


@pytest.mark.parametrize("typed", ["zzzz", "1", "\u0000", "\ud800", "(*", "💊", "a" * 100, "痛" * 100])
def test_whatever_is_typed_is_answered(typed):
    assert isinstance(found(typed), list)


def test_what_means_nothing_finds_nothing():
    assert found("zzzz") == found("12345") == []


def test_a_questionnaire_that_asks_everything_offers_nothing():
    assert find_symptoms(instrument("weekly"), "diarrhea") == []


def test_a_version_from_before_there_were_search_words_is_searched_by_name():
    old = {name: part for name, part in contents()["ad_hoc"].items() if name != "search"}
    before = type(AD_HOC).from_content(old)

    assert [one.symptom.slug for one in find_symptoms(before, "拉肚子")] == ["diarrhea"]


@pytest.mark.parametrize(
    ("one", "other", "slips"),
    [
        ("abcd", "abcd", 0),
        ("abcd", "abd", 1),
        ("abd", "abcd", 1),
        ("abcd", "abxd", 1),
        ("abcd", "acbd", 1),
        ("", "ab", 2),
    ],
)
def test_slips_are_counted(one, other, slips):
    assert slips_between(one, other) == slips


def test_the_kinds_of_nearness_stand_in_their_order():
    typed = "belly"
    by_kind = ["belly", "belly ache", "sore belly", "bely", "unwell"]

    near = [closeness(typed, phrase) for phrase in by_kind]

    assert near == sorted(near, reverse=True)
    assert near[-1] == 0


def test_marks_width_and_capitals_are_the_same():
    assert plain(" Can\u2019t，Ｓｌｅｅｐ！") == "cant sleep"
    assert plain("拉 肚，子") == "拉肚子"
