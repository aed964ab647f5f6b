"""The terms of CTCAE v5 with all that explains them, read from their files and put together.

What comes out is one entry a term, ready to be loaded. A code that is no term's, and a grade that has no words or does
not exist, is answered with file, line and field.
"""

from collections.abc import Iterable, Mapping, Set
from pathlib import Path
from typing import Any

from backend.terms import Language
from schemas import terminology_files as shapes
from schemas.seed_files import read_seed_file, read_yaml

TERMINOLOGY = Path(__file__).parent / "terminology"
VERSION = "5.0"
SPECIFY = "Other, specify"

Content = dict[str, Any]
Wrong = dict[tuple[str, ...], list[str]]


def read_ctcae(
    terminology: Mapping[str, Any], instruments: Iterable[Mapping[str, Any]], folder: Path = TERMINOLOGY
) -> list[Content]:
    """Every term, with names, synonyms, criteria and gradings of our own where there are any. ``BadSeedFile``."""
    grades = {term["code"]: [str(grade) for grade in term["grades"]] for term in terminology["terms"]}
    names = _names(folder / "names.zh-CN.yaml", grades)
    synonyms = _synonyms(folder / "synonyms.yaml", grades)
    typed = _typed_for(instruments)
    # What a patient types for chills may be the very name of fever; whoever looks for a term means the name.
    taken = set(names.values()) | {word for words in synonyms.values() for word in words}
    wording = _wording(folder, grades)
    gradings = _gradings(folder / "gradings.yaml", {term["code"]: term["term"] for term in terminology["terms"]})
    return [
        {
            "code": term["code"],
            "name": term["term"],
            "soc": term["soc"],
            "grades": term["grades"],
            "specify": is_unspecified(term["term"]),
            "name_zh": names.get(term["code"]),
            "synonyms": _together(synonyms.get(term["code"], []), typed.get(term["code"], []), taken),
            "wording": wording.get(term["code"]),
            "own_gradings": gradings.get(term["code"], []),
        }
        for term in terminology["terms"]
    ]


def is_unspecified(name: str) -> bool:
    """Whether a term of that name means nothing without words of its own."""
    return name.endswith(SPECIFY)


def _names(path: Path, grades: Mapping[str, list[str]]) -> dict[str, str]:
    names: dict[str, str] = read_seed_file(path, shapes.NamesFile())["names"]
    _refuse_unknown(path, "names", names, grades)
    return names


def _synonyms(path: Path, grades: Mapping[str, list[str]]) -> dict[str, list[str]]:
    synonyms: dict[str, list[str]] = read_seed_file(path, shapes.SynonymsFile())["synonyms"]
    _refuse_unknown(path, "synonyms", synonyms, grades)
    return synonyms


def _typed_for(instruments: Iterable[Mapping[str, Any]]) -> dict[str, list[str]]:
    """What patients may type for a symptom, by the term it belongs to."""
    typed: dict[str, list[str]] = {}
    for content in instruments:
        codes = {item["symptom"]: item for item in content["items"] if item["attribute"] != "sign"}
        for slug, words in content.get("search", {}).items():
            if not is_unspecified(codes[slug]["ctcae_term"]):
                said = [word for language in sorted(words) for word in words[language]]
                typed.setdefault(codes[slug]["ctcae"], []).extend(said)
    return typed


def _together(synonyms: list[str], typed: list[str], taken: Set[str]) -> list[str]:
    return list(dict.fromkeys([*synonyms, *(word for word in typed if word not in taken)]))


def _wording(folder: Path, grades: Mapping[str, list[str]]) -> dict[str, Content]:
    wording: dict[str, Content] = {}
    files = {language.value: folder / f"criteria.{language.value}.yaml" for language in Language}
    said = {language: read_seed_file(path, shapes.CriteriaFile()) for language, path in files.items()}
    for language, file in said.items():
        _refuse_other_language(files[language], file["language"], language)
        _refuse_unknown(files[language], "terms", file["terms"], grades)
    every = {code for file in said.values() for code in file["terms"]}
    for language, file in said.items():
        _refuse_missing(files[language], every - set(file["terms"]))
        _refuse_other_grades(files[language], file["terms"], grades)
        for code, words in file["terms"].items():
            wording.setdefault(code, {})[language] = {"criteria": words["grades"], "hints": words["ask"]}
    return wording


def _gradings(path: Path, names: Mapping[str, str]) -> dict[str, list[Content]]:
    gradings: dict[str, list[Content]] = {}
    wrong: Wrong = {}
    for place, grading in enumerate(read_seed_file(path, shapes.GradingsFile())["gradings"]):
        code = grading.pop("term")
        if not is_unspecified(names.get(code, "")):
            wrong["gradings", str(place), "term"] = [f'{code} is no "{SPECIFY}" term.']
        gradings.setdefault(code, []).append(grading)
    if wrong:
        raise read_yaml(path).complaint(wrong)
    return gradings


def _refuse_other_language(path: Path, written: str, named: str) -> None:
    if written != named:
        raise read_yaml(path).complaint({("language",): [f"Must be {named}, as the file is named."]})


def _refuse_unknown(path: Path, field: str, codes: Iterable[str], grades: Mapping[str, list[str]]) -> None:
    wrong: Wrong = {(field, code): ["Is no term of CTCAE."] for code in codes if code not in grades}
    if wrong:
        raise read_yaml(path).complaint(wrong)


def _refuse_missing(path: Path, codes: Iterable[str]) -> None:
    wrong: Wrong = {("terms", code): ["Is missing."] for code in codes}
    if wrong:
        raise read_yaml(path).complaint(wrong)


def _refuse_other_grades(path: Path, terms: Mapping[str, Content], grades: Mapping[str, list[str]]) -> None:
    wrong: Wrong = {
        ("terms", code, "grades"): [f"Must be said of {', '.join(grades[code])} and of no other."]
        for code, words in terms.items()
        if sorted(words["grades"]) != grades[code]
    }
    if wrong:
        raise read_yaml(path).complaint(wrong)
