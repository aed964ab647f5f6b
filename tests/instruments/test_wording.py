"""Every word that patients read is plain: short sentences, and none of the trade, in both languages."""

import re
from collections.abc import Iterator

import pytest

from backend.terms import Language
from tests.study import contents, triage_content

LONGEST_SENTENCE = {"en": 13, "zh-CN": 22}
LONGEST_LABEL = {"en": 6, "zh-CN": 9}
ADVICE_MAY_HOLD = 4
END_OF_SENTENCE = re.compile(r"[.?!。？！](?:\s+|$)|(?<=[。？！])")
PHONE = re.compile(r"\{phone\}")
# What a doctor says and a tired reader does not. What is one word to everybody (diarrhea, constipation) is not here.
JARGON_EN = (
    "abdom", "adverse", "alopecia", "anorexia", "anorgasm", "arthralgia", "ascites", "asthenia", "cognit", "composite",
    "ctcae", "defecat", "discomfort", "dysgeusia", "dyspareunia", "dyspepsia", "dysphagia", "dysphasia", "dyspn",
    "dysuria", "ecchymos", "edema", "emesis", "epistaxis", "erythema", "excess", "exacerbat", "experienc", "fatigue",
    "fecal", "flatulence", "frequency", "gastro", "hematemesis", "hemorrhage", "hyper", "hypo", "impair", "incontinen",
    "infusion", "insomnia", "intensity", "interfere", "intercourse", "jaundice", "lesion", "libido", "localised",
    "melena", "menstru", "mucos", "myalgia", "neuropath", "occurr", "onset", "palpitat", "paresthesia", "patient",
    "photosens", "pigment", "protocol", "prurit", "pyrexia", "rigor", "severity", "subject", "symptomatic", "syncope",
    "tinnitus", "urgency", "urinary", "urinat", "urticaria", "vertigo",
)  # fmt: skip
JARGON_ZH = (
    "不良事件", "受试者", "患者", "症状性", "严重程度", "频率", "发生", "呼吸困难", "黄疸", "晕厥", "瘙痒症",
    "黑便", "呕血", "水肿", "腹泻", "乏力", "厌食", "吞咽障碍", "黏膜", "红斑", "荨麻疹", "光敏", "色素",
    "感觉异常", "神经病变", "心悸", "眩晕", "尿频", "排尿", "阳痿", "性交", "闭经", "潮热", "寒颤",
    "疲劳综合征", "焦虑症", "抑郁症", "认知", "放射性", "鼻衄", "给药", "方案", "研究者", "体征", "局部",
    "病灶", "干扰", "程度", "输注", "失禁", "喘鸣", "味觉", "疲乏", "腹胀", "嘶哑", "寒战",
)  # fmt: skip


def questions() -> Iterator[tuple[str, str]]:
    """(language, text) of everything that is asked, offered or announced."""
    for content in contents().values():
        for entry in [*content["items"], *content["measurements"]]:
            yield from entry["question"].items()
            yield from entry.get("symptom_name", {}).items()
        for screen in content["screens"]:
            yield from screen["title"].items()
            yield from screen["none_of_these"].items()
        for part in content["parts"]:
            yield from part["recall_text"].items()
        for whole in ("title", "other_symptoms", "wants_call"):
            yield from content[whole].items()


def labels() -> Iterator[tuple[str, str]]:
    for content in contents().values():
        for entry in content["items"]:
            yield from ((language, label) for language, said in entry["choices"].items() for label in said)


def advice() -> Iterator[tuple[str, str]]:
    """What a patient is told to do, and what became of a report."""
    triage = triage_content()
    for texts in [*triage["advice"].values(), *triage["progress"].values()]:
        yield from ((language, PHONE.sub("120", text)) for language, text in texts.items())


def everything() -> list[tuple[str, str]]:
    return sorted({*questions(), *labels(), *advice()})


def sentences(text: str) -> list[str]:
    return [sentence for sentence in END_OF_SENTENCE.split(text) if sentence.strip()]


def length(language: str, sentence: str) -> int:
    """Words in English, characters in Chinese."""
    return len(sentence.split()) if language == "en" else len(re.sub(r"[\s，、：；]", "", sentence))


def test_there_is_something_to_read_in_both_languages():
    assert {language for language, _ in everything()} == set(Language)
    assert len(everything()) > 500


@pytest.mark.parametrize("language", list(Language))
def test_no_sentence_is_longer_than_a_tired_reader_can_hold(language):
    longer = {
        sentence: length(language, sentence)
        for said_in, text in everything()
        if said_in == language
        for sentence in sentences(text)
        if length(language, sentence) > LONGEST_SENTENCE[language]
    }

    assert longer == {}


def test_advice_is_a_few_sentences_and_the_first_or_second_says_what_to_do():
    for language, text in advice():
        assert len(sentences(text)) <= ADVICE_MAY_HOLD + 1, text
        if "120" in text:
            assert "120" in " ".join(re.split(r"(?<=[.。])\s*", text)[:3]), (language, text)


def test_answers_are_read_at_a_glance():
    longer = {label for language, label in labels() if length(language, label) > LONGEST_LABEL[language]}

    assert longer == set()


def test_no_english_text_uses_a_word_of_the_trade():
    found = {
        (word, text)
        for language, text in everything()
        if language == "en"
        for word in JARGON_EN
        if re.search(rf"\b{word}", text.casefold())
    }

    assert found == set()


def test_no_chinese_text_uses_a_word_of_the_trade():
    found = {
        (word, text) for language, text in everything() if language == "zh-CN" for word in JARGON_ZH if word in text
    }

    assert found == set()


def test_no_text_uses_a_short_form_that_must_be_known():
    short_forms = re.compile(r"\b(?!CTCAE|PRO)[A-Z]{2,}\b")

    assert [text for _, text in everything() if short_forms.search(text)] == []


def test_each_question_asks_one_thing():
    assert {text for _, text in questions() if text.count("?") + text.count("？") > 1} == set()
