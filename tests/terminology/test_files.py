"""What is shipped of CTCAE: facts for every term, and words of our own, in both languages, for those of the trial."""

import hashlib
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from backend.errors import BadSeedFile
from backend.terms import Language
from seeds.ctcae import TERMINOLOGY, read_ctcae
from seeds.questionnaires import read_terminology
from tests.study import contents

# Shortened hashes of what NCI publishes for the trial's terms: the text itself is not ours to keep here.
PUBLISHED = Path(__file__).with_name("published.txt")
OF_THE_TRIAL = 109


@cache
def terms() -> dict[str, dict[str, Any]]:
    """Every term as it is shipped, by code."""
    return {term["code"]: term for term in read_ctcae(read_terminology(), contents().values())}


def said() -> list[tuple[str, str]]:
    return [
        (code, text)
        for code, term in terms().items()
        for words in (term["wording"] or {}).values()
        for text in words["criteria"].values()
    ]


def test_every_term_of_version_5_is_there_with_the_grades_that_exist() -> None:
    assert len(terms()) == len({term["name"] for term in terms().values()}) == 837
    assert {code for code, term in terms().items() if term["name"] in ("Syncope", "Dysuria")} == {
        "10042772",
        "10013990",
    }
    assert (terms()["10042772"]["grades"], terms()["10002218"]["grades"]) == ([3], [3, 4, 5])
    assert len([term for term in terms().values() if term["specify"]]) == 26


def test_every_grade_of_a_trial_term_and_no_other_has_words_and_something_to_ask_in_both_languages() -> None:
    explained = {code: term for code, term in terms().items() if term["wording"]}

    asked = {item["ctcae"] for content in contents().values() for item in content["items"]}
    measured = {code for one in contents()["weekly"]["measurements"] for code in one["ctcae"]}
    assert len(explained) == OF_THE_TRIAL
    assert asked | measured <= set(explained)
    for term in explained.values():
        assert set(term["wording"]) == {language.value for language in Language}
        assert term["name_zh"]
        for words in term["wording"].values():
            assert list(words["criteria"]) == [str(grade) for grade in term["grades"]]
            assert words["hints"]
    assert [text for code, text in said() if not text.strip() or len(text) > 150] == []


def test_no_words_are_those_that_nci_publishes() -> None:
    def hashed(text: str) -> str:
        folded = " ".join(text.split()).casefold().rstrip(".")
        return hashlib.sha256(folded.encode()).hexdigest()[:16]

    published = set(PUBLISHED.read_text(encoding="utf-8").split())
    assert len(published) > 100
    assert hashed("Death") in published
    assert [text for _, text in said() if hashed(text) in published] == []


def test_chinese_words_are_chinese() -> None:
    for term in terms().values():
        in_chinese = (term["wording"] or {}).get("zh-CN", {"criteria": {}, "hints": []})
        for text in [*in_chinese["criteria"].values(), *in_chinese["hints"], term["name_zh"] or "无"]:
            assert not text.isascii(), text


def test_what_names_a_term_is_no_patients_word_for_another() -> None:
    assert "发烧" in terms()["10016558"]["synonyms"]
    assert "发烧" not in terms()["10008531"]["synonyms"]
    assert "拉稀" in terms()["10012727"]["synonyms"]
    assert all("striae" not in term["synonyms"] for term in terms().values() if term["specify"])


# As the shipped files are, of a few terms only.
SMALL = {
    "criteria.en.yaml": """language: en
terms:
  "10033557":
    grades:
      1: Slight
      2: Worse
    ask: [Since when]
""",
    "criteria.zh-CN.yaml": """language: zh-CN
terms:
  "10033557":
    grades: {1: 轻, 2: 重}
    ask: [多久了？]
""",
    "names.zh-CN.yaml": """language: zh-CN
names:
  "10033557": 心悸
""",
    "synonyms.yaml": """synonyms:
  "10033557": [racing heart]
""",
}
SHIPPED = ("gradings.yaml",)


@pytest.mark.parametrize(
    ("file", "old", "new", "complaint"),
    [
        ("criteria.en.yaml", "      2: Worse", "      3: Worse", r":5: terms\.10033557\.grades: .*1, 2 and of no"),
        ("criteria.en.yaml", "      2: Worse", "      7: Worse", r":6: terms\.10033557\.grades"),
        ("criteria.en.yaml", '"10033557":', '"10000000":', r":4: terms\.10000000: Is no term"),
        ("criteria.zh-CN.yaml", '"10033557":', '"10043882":', r":3: terms\.10033557: Is missing"),
        ("criteria.en.yaml", "language: en", "language: zh-CN", r":1: language: Must be en"),
        ("criteria.en.yaml", "[Since when]", "[]", r":7: terms\.10033557\.ask"),
        ("names.zh-CN.yaml", "10033557", "10000001", r":3: names\.10000001: Is no term"),
        ("synonyms.yaml", "10033557", "10033557x", r":2: synonyms\.10033557x.*eight digits"),
        ("gradings.yaml", 'term: "10021428"', 'term: "10016558"', r"gradings\.0\.term: .* is no \"Other, specify\""),
        ("gradings.yaml", "allowed: [I, II, III, IV]", "allowed: [I, II, III]", r"gradings\.0\.allowed"),
        ("gradings.yaml", "        IV: Skin", "        V: Skin", r"gradings\.0\.criteria"),
        ("gradings.yaml", "name: gvhd", "name: gvh", r"gradings\.0\.name"),
    ],
)
def test_a_mistake_in_a_file_is_told_with_file_line_and_field(
    tmp_path: Path, file: str, old: str, new: str, complaint: str
) -> None:
    files = SMALL | {name: (TERMINOLOGY / name).read_text(encoding="utf-8") for name in SHIPPED}
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert "心悸" in {term["name_zh"] for term in read_ctcae(read_terminology(), [], tmp_path)}
    assert old in files[file]
    (tmp_path / file).write_text(files[file].replace(old, new, 1), encoding="utf-8")

    with pytest.raises(BadSeedFile, match=complaint) as refused:
        read_ctcae(read_terminology(), [], tmp_path)

    assert refused.value.detail.startswith(f"{file}:")
