"""The instrument and terminology files, read, checked against each other and put together.

What comes out is the content of instrument versions: whole, in all languages, ready to be loaded. A missing
wording, an unknown code or a part that does not exist is answered with file, line and field.
"""

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from marshmallow import Schema

from backend.errors import BadSeedFile
from backend.terms import Language
from schemas import instrument_files as shapes
from schemas.seed_files import read_seed_file, read_yaml

SEEDS = Path(__file__).parent
INSTRUMENTS = SEEDS / "instruments"
CTCAE = SEEDS / "terminology" / "ctcae.csv"
BASELINE = "baseline"
CTCAE_COLUMNS = ["code", "soc", "term", "grades"]

Content = dict[str, Any]
Field = tuple[str, ...]


def read_terminology(path: Path = CTCAE) -> Content:
    """CTCAE v5 terms: code (MedDRA LLT), organ class, name and the grades that exist. Raises ``BadSeedFile``."""
    terms: dict[str, Content] = {}
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.DictReader(file, strict=True)
        if rows.fieldnames != CTCAE_COLUMNS:
            raise _bad_row(path, 1, "columns", f"Must be {', '.join(CTCAE_COLUMNS)}.")
        for row in rows:
            term = _term(path, rows.line_num, row)
            if term["code"] in terms:
                raise _bad_row(path, rows.line_num, "code", "Written twice.")
            terms[term["code"]] = term
    return {"name": "ctcae", "edition": "5.0", "terms": [terms[code] for code in sorted(terms)]}


def read_instruments(folder: Path = INSTRUMENTS, terminology: Mapping[str, Any] | None = None) -> list[Content]:
    """The content of every instrument named in ``instruments.yaml``. Raises ``BadSeedFile``."""
    terms = {term["code"]: term["term"] for term in (terminology or read_terminology())["terms"]}
    path = folder / "instruments.yaml"
    listed = read_seed_file(path, shapes.InstrumentsFile())["instruments"]
    reader = _Reader(folder, terms, [instrument["name"] for instrument in listed])
    contents = [_compose(path, place, instrument, reader) for place, instrument in enumerate(listed)]
    _add_search_words(reader, contents)
    return contents


def _compose(path: Path, place: int, instrument: Content, reader: "_Reader") -> Content:
    """The whole of one instrument. Raises ``BadSeedFile`` when two of its parts share an item."""
    parts = []
    codes: set[str] = set()
    for number, entry in enumerate(instrument["parts"]):
        field = ("instruments", str(place), "parts", str(number), "part")
        part = reader.part(path, field, entry["part"])
        if codes & part.codes:
            raise _bad(path, field, "Shares items with a part before it.")
        codes |= part.codes
        parts.append((entry, part))
    return {
        "name": instrument["name"],
        "title": reader.in_all(lambda words: words["titles"][instrument["name"]]),
        "notice": reader.in_all(lambda words: words["notice"]),
        "parts": [{**entry, "recall_text": reader.recall(entry["recall"])} for entry, _ in parts],
        "screens": [screen for _, part in parts for screen in part.screens],
        "items": [item for _, part in parts for item in part.items],
        "measurements": [{**one, "asked": _is_asked(one, instrument)} for one in reader.measurements],
        "other_symptoms": reader.in_all(lambda words: words["other_symptoms"]),
        "severity_choices": reader.in_all(lambda words: words["choices"]["severity"]),
        "wants_call": reader.in_all(lambda words: words["wants_call"]),
    }


def _is_asked(measurement: Content, instrument: Content) -> bool:
    """Whether this instrument asks for it: a patient's own normal is asked once, and compared with ever after."""
    only = {"at_baseline": True, "after_baseline": False}.get(measurement["asked"])
    return bool(instrument["measurements_asked"]) and only in (None, instrument["name"] == BASELINE)


def _add_search_words(reader: "_Reader", contents: list[Content]) -> None:
    """Give each instrument that offers symptoms the words by which they are found, in all languages at once."""
    offered = [_offered_symptoms(content) for content in contents]
    every = {slug for slugs in offered for slug in slugs}
    if not every:
        return
    words = reader.search_words(every)
    for content, slugs in zip(contents, offered, strict=True):
        if slugs:
            content["search"] = {slug: {language: said[slug] for language, said in words.items()} for slug in slugs}


def _offered_symptoms(content: Content) -> list[str]:
    parts = {part["part"] for part in content["parts"] if part["offered"]}
    return list(dict.fromkeys(item["symptom"] for item in content["items"] if item["part"] in parts))


@dataclass(frozen=True)
class _Part:
    items: list[Content]
    screens: list[Content]

    @property
    def codes(self) -> set[str]:
        return {item["item"] for item in self.items}


class _Reader:
    """Reads each file of one folder once and checks it against what it belongs to."""

    def __init__(self, folder: Path, terms: Mapping[str, str], instruments: list[str]) -> None:
        self.folder = folder
        self.terms = terms
        self._parts: dict[str, _Part] = {}
        self._common: dict[str, Content] = {}
        self.measurements: list[Content] = []
        self._read_common(instruments)

    def in_all(self, pick: Any) -> dict[str, Any]:
        """What ``pick`` takes from the common words, by language."""
        return {language: pick(words) for language, words in self._common.items()}

    def recall(self, period: str) -> dict[str, str]:
        """The sentence that says which time is meant, by language."""
        return self.in_all(lambda words: words["recall"][period])

    def search_words(self, slugs: Iterable[str]) -> dict[str, dict[str, list[str]]]:
        """By language, what may be typed for each of these symptoms; each must have words, and nothing else may."""
        words = {}
        for language in Language:
            path = self.folder / f"search.{language}.yaml"
            words[language.value] = self._words(path, shapes.SearchWording(), language.value)["words"]
            _same_keys(path, ("words",), words[language.value], slugs)
        return words

    def part(self, named_in: Path, field: Field, name: str) -> _Part:
        """The part of that name. Raises ``BadSeedFile`` at the place that named it when there is none."""
        path = self.folder / f"{name}.yaml"
        if not path.exists():
            raise _bad(named_in, field, f"There is no file {path.name}.")
        if name not in self._parts:
            is_checklist = "signs" in read_yaml(path).value
            self._parts[name] = self._checklist(path) if is_checklist else self._graded(path)
        return self._parts[name]

    def _read_common(self, instruments: list[str]) -> None:
        path = self.folder / "measurements.yaml"
        measurements = read_seed_file(path, shapes.MeasurementsFile())["measurements"]
        names = [measurement["name"] for measurement in measurements]
        for language in Language:
            words_path = self.folder / f"common.{language}.yaml"
            words = self._words(words_path, shapes.CommonWording(), language.value)
            _same_keys(words_path, ("titles",), words["titles"], instruments)
            _same_keys(words_path, ("measurements",), words["measurements"], names)
            self._common[language.value] = words
        for place, measurement in enumerate(measurements):
            for number, code in enumerate(measurement["ctcae"]):
                self._term(path, ("measurements", str(place), "ctcae", str(number)), code)
            self.measurements.append({**measurement, **self._measurement_words(measurement["name"])})

    def _measurement_words(self, name: str) -> Content:
        return {
            "question": self.in_all(lambda words: words["measurements"][name]["question"]),
            "unit": self.in_all(lambda words: words["measurements"][name]["unit"]),
        }

    def _checklist(self, path: Path) -> _Part:
        file = self._part_file(path, shapes.ChecklistFile())
        signs = {sign["slug"]: (place, sign) for place, sign in enumerate(file["signs"])}
        said = self._part_words(path, shapes.ChecklistWording())
        for language, words in said.items():
            words_path = self._words_path(path, language)
            _same_keys(words_path, ("questions",), words["questions"], signs)
            _same_keys(words_path, ("screens",), words["screens"], [screen["key"] for screen in file["screens"]])
        items = []
        for slug in (slug for screen in file["screens"] for slug in screen["signs"]):
            place, sign = signs[slug]
            question = {language: words["questions"][slug] for language, words in said.items()}
            named = {"item": f"{path.stem}.{slug}", "part": path.stem, "symptom": slug, "symptom_name": question}
            field = ("signs", str(place), "ctcae")
            items.append({**named, **self._asked("sign", question), **self._coded(path, field, sign["ctcae"])})
        return _Part(items, [_screen(path.stem, screen, said) for screen in file["screens"]])

    def _graded(self, path: Path) -> _Part:
        file = self._part_file(path, shapes.SymptomsFile())
        said = self._part_words(path, shapes.SymptomsWording())
        for language, words in said.items():
            words_path = self._words_path(path, language)
            _same_keys(words_path, ("symptoms",), words["symptoms"], [entry["slug"] for entry in file["symptoms"]])
            for entry in file["symptoms"]:
                slug = entry["slug"]
                _same_keys(words_path, ("symptoms", slug), words["symptoms"][slug], ["name", *entry["attributes"]])
        items = []
        for place, entry in enumerate(file["symptoms"]):
            slug = entry["slug"]
            coded = self._coded(path, ("symptoms", str(place), "ctcae"), entry["ctcae"])
            called = {language: words["symptoms"][slug]["name"] for language, words in said.items()}
            for attribute in entry["attributes"]:
                question = {language: words["symptoms"][slug][attribute] for language, words in said.items()}
                named = {"item": f"{slug}.{attribute}", "part": path.stem, "symptom": slug, "symptom_name": called}
                items.append({**named, **self._asked(attribute, question), **coded})
        return _Part(items, [])

    def _asked(self, attribute: str, question: Mapping[str, str]) -> Content:
        return {
            "attribute": attribute,
            "highest": shapes.highest_value(attribute),
            "question": question,
            "choices": self.in_all(lambda words: words["choices"][attribute]),
        }

    def _coded(self, path: Path, field: Field, code: str) -> Content:
        return {"ctcae": code, "ctcae_term": self._term(path, field, code)}

    def _term(self, path: Path, field: Field, code: str) -> str:
        if code not in self.terms:
            raise _bad(path, field, f"{code} is not in the terminology.")
        return self.terms[code]

    def _part_file(self, path: Path, schema: Schema) -> Content:
        file = read_seed_file(path, schema)
        if file["part"] != path.stem:
            raise _bad(path, ("part",), f"Must be {path.stem}, as the file is named.")
        return file

    def _part_words(self, path: Path, schema: Schema) -> dict[str, Content]:
        said = {}
        for language in Language:
            words_path = self._words_path(path, language.value)
            words = self._words(words_path, schema, language.value)
            if words["part"] != path.stem:
                raise _bad(words_path, ("part",), f"Must be {path.stem}, as the file is named.")
            said[language.value] = words
        return said

    def _words_path(self, path: Path, language: str) -> Path:
        return path.with_name(f"{path.stem}.{language}.yaml")

    def _words(self, path: Path, schema: Schema, language: str) -> Content:
        words = read_seed_file(path, schema)
        if words["language"] != language:
            raise _bad(path, ("language",), f"Must be {language}, as the file is named.")
        return words


def _screen(part: str, screen: Content, said: Mapping[str, Content]) -> Content:
    return {
        "key": screen["key"],
        "part": part,
        "title": {language: words["screens"][screen["key"]] for language, words in said.items()},
        "none_of_these": {language: words["none_of_these"] for language, words in said.items()},
        "items": [f"{part}.{slug}" for slug in screen["signs"]],
    }


def _same_keys(path: Path, field: Field, given: Iterable[str], expected: Iterable[str]) -> None:
    """Raise ``BadSeedFile`` for each wording that is missing, and for each that belongs to nothing."""
    wrong = {(*field, key): ["Is missing."] for key in set(expected) - set(given)}
    wrong |= {(*field, key): ["Belongs to nothing."] for key in set(given) - set(expected)}
    if wrong:
        raise read_yaml(path).complaint(wrong)


def _bad(path: Path, field: Field, complaint: str) -> BadSeedFile:
    return read_yaml(path).complaint({field: [complaint]})


def _bad_row(path: Path, line: int, column: str, complaint: str) -> BadSeedFile:
    return BadSeedFile(f"{path.name}:{line}: {column}: {complaint}", fields={column: [complaint]})


def _term(path: Path, line: int, row: Mapping[str, Any]) -> Content:
    for column in CTCAE_COLUMNS:
        if not (row.get(column) or "").strip() or None in row:
            raise _bad_row(path, line, column, "Each row needs exactly these four values.")
    if not (row["code"].isdecimal() and len(row["code"]) == 8):
        raise _bad_row(path, line, "code", "Must be a MedDRA LLT code of eight digits.")
    grades = row["grades"].split()
    if not set(grades) <= set("12345") or grades != sorted(set(grades)):
        raise _bad_row(path, line, "grades", "Must be grades from 1 to 5 in rising order, with spaces between.")
    return {"code": row["code"], "soc": row["soc"], "term": row["term"], "grades": [int(grade) for grade in grades]}
