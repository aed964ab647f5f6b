"""What a page of the plain form shows: its question in the reader's language, what was answered, and how far it is."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from backend.conversations import form_pages
from backend.conversations.form_filling import Filling, Given
from backend.conversations.form_pages import Page, PageKind
from backend.conversations.form_questions import OTHER, PICKED
from backend.instruments.definition import Instrument

# So many pages a minute: an ill person reads slowly, and most answers are one touch.
PAGES_A_MINUTE = 6


@dataclass(frozen=True)
class Row:
    """One yes-or-no question among several, or a symptom to pick; ``value`` is what was answered."""

    code: str
    text: str
    choices: Sequence[str]
    value: int | None = None


@dataclass(frozen=True)
class Group:
    """Symptoms to pick from, of one part of the questionnaire."""

    title: str
    rows: Sequence[Row]


@dataclass(frozen=True)
class Line:
    """A page on the list before sending: what was asked, and what was said; nothing said means no, or nothing else."""

    key: str
    kind: str
    question: str
    said: Sequence[str]
    value: int | None
    is_answered: bool
    is_left_out: bool


def minutes_of(filling: Filling) -> int:
    """About how long it takes, rounded up."""
    return max(2, -(-len(filling.pages) // PAGES_A_MINUTE))


def shown_page(filling: Filling, page: Page, language: str, given: Mapping[str, Given]) -> dict[str, Any]:
    """What the page's template needs. ``given`` is what was just sent from it, before what was answered earlier."""
    values = dict(filling.values) | {item: answer.value for item, answer in given.items()}
    words = dict(filling.words) | {item: answer.words or "" for item, answer in given.items()}
    before = form_pages.page_before(filling.pages, page.key)
    return {
        "key": page.key,
        "kind": page.kind.value,
        "number": filling.pages.index(page) + 1 if page in filling.pages else 1,
        "count": len(filling.pages),
        "before": before.key if before else None,
        "was_answered": form_pages.is_answered(page, filling.values),
        **_asked(filling.instrument, page, language, _Said(values, words)),
    }


def lines_of(filling: Filling, language: str) -> list[Line]:
    """Everything that was asked, with the answers, in the order of the pages."""
    return [_line(filling, page, language) for page in filling.pages]


@dataclass(frozen=True)
class _Said:
    values: Mapping[str, float | None]
    words: Mapping[str, str]

    def whole(self, item: str) -> int | None:
        """An answer that is a choice."""
        value = self.values.get(item)
        return None if value is None else int(value)


def _asked(instrument: Instrument, page: Page, language: str, said: _Said) -> dict[str, Any]:
    content = instrument.content
    match page.kind:
        case PageKind.SIGNS:
            return _screen(instrument, page, language) | {"rows": _rows(instrument, page, language, said)}
        case PageKind.MEASUREMENT:
            return _measurement(instrument, page, language) | {"typed": _number(said.values.get(page.key))}
        case PageKind.CHOICE:
            item = instrument.items[page.key]
            asked = {"question": item.question[language], "choices": item.choices[language]}
            name, recall = item.symptom_name[language], _recall(instrument, item.part, language)
            return asked | {"title": name, "recall": recall, "value": said.whole(page.key)}
        case PageKind.PICK:
            return {"groups": list(_groups(instrument, language, frozenset(said.words.get(PICKED, "").split())))}
        case PageKind.WORDS:
            asked = {"question": content["other_symptoms"][language], "choices": content["severity_choices"][language]}
            return asked | {"words": said.words.get(OTHER, ""), "value": said.whole(OTHER)}
        case PageKind.CALL:
            return {"question": content["wants_call"][language], "value": said.whole(page.key)}


def _screen(instrument: Instrument, page: Page, language: str) -> dict[str, Any]:
    screen = next(one for one in instrument.content["screens"] if one["key"] == page.key)
    recall = _recall(instrument, screen["part"], language)
    return {"title": screen["title"][language], "none_of_these": screen["none_of_these"][language], "recall": recall}


def _rows(instrument: Instrument, page: Page, language: str, said: _Said) -> list[Row]:
    items = [instrument.items[code] for code in page.items]
    return [Row(item.code, item.question[language], item.choices[language], said.whole(item.code)) for item in items]


def _measurement(instrument: Instrument, page: Page, language: str) -> dict[str, Any]:
    known = instrument.measurements[page.key]
    entry = next(one for one in instrument.content["measurements"] if one["name"] == page.key)
    bounds = {"minimum": _number(known.minimum), "maximum": _number(known.maximum), "is_whole": known.is_whole}
    return {"question": entry["question"][language], "unit": entry["unit"][language]} | bounds


def _groups(instrument: Instrument, language: str, picked: frozenset[str]) -> Iterator[Group]:
    names = {symptom.slug: instrument.names_of(symptom)[language] for symptom in instrument.offered}
    parts = dict.fromkeys(instrument.items[symptom.items[0]].part for symptom in instrument.offered)
    for part in parts:
        slugs = [one.slug for one in instrument.offered if instrument.items[one.items[0]].part == part]
        yield Group(part, [Row(slug, names[slug], (), int(slug in picked)) for slug in slugs])


def _recall(instrument: Instrument, part: str, language: str) -> str:
    text: str = next(one["recall_text"][language] for one in instrument.content["parts"] if one["part"] == part)
    return text


def _line(filling: Filling, page: Page, language: str) -> Line:
    asked = _asked(filling.instrument, page, language, _Said(filling.values, filling.words))
    is_of_values = page.kind in (PageKind.SIGNS, PageKind.MEASUREMENT, PageKind.CHOICE, PageKind.CALL)
    return Line(
        key=page.key,
        kind=page.kind.value,
        question=asked.get("question") or asked.get("title") or "",
        said=list(_said(page, asked)),
        value=asked.get("value"),
        is_answered=form_pages.is_answered(page, filling.values),
        is_left_out=is_of_values and any(filling.values.get(item, 0) is None for item in page.items),
    )


def _said(page: Page, asked: Mapping[str, Any]) -> Iterator[str]:
    match page.kind:
        case PageKind.SIGNS:
            yield from (f"{row.text} {row.choices[1]}" for row in asked["rows"] if row.value)
        case PageKind.MEASUREMENT:
            yield from [f"{asked['typed']} {asked['unit']}"] if asked["typed"] else []
        case PageKind.CHOICE:
            yield from [asked["choices"][asked["value"]]] if asked["value"] is not None else []
        case PageKind.PICK:
            yield from (row.text for group in asked["groups"] for row in group.rows if row.value)
        case PageKind.WORDS:
            yield from [asked["words"]] if asked["words"] else []
            yield from [asked["choices"][asked["value"]]] if asked["words"] and asked["value"] is not None else []
        case PageKind.CALL:
            return


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:g}"
