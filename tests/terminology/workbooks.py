"""Workbooks in the shape of NCI's, with terms and words of our own."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import openpyxl

HEADINGS = (
    "MedDRA Code",
    "MedDRA SOC",
    "CTCAE Term",
    *(f"Grade {grade}  " for grade in range(1, 6)),
    "Definition",
    "Navigational Note",
)
SHEET = "CTCAE v5.0 Clean Copy"
FEVER = (
    10016558,
    "General disorders and administration site conditions",
    "Fever",
    *(f"made-up words for fever {grade}" for grade in "12345"),
    "A made-up definition",
    " -",
)
CHILLS = (
    "10008531",
    "General disorders and administration site conditions",
    "Chills",
    "cold",
    "very\u00a0cold ",
    "so cold",
    "-",
    " - ",
    None,
    None,
)
NEW = (10099999, "Investigations", "Made up - Other, specify", "slight", "more", "-", "-", "-", None, "look elsewhere")


def workbook(
    folder: Path,
    *rows: Iterable[Any],
    headings: Iterable[Any] = HEADINGS,
    sheet: str = SHEET,
    more: Mapping[str, Iterable[Iterable[Any]]] | None = None,
    name: str = "terms.xlsx",
) -> Path:
    """A file with one sheet of terms, and other sheets beside it."""
    book = openpyxl.Workbook()
    sheets = {sheet: [headings, *rows], **(more or {})}
    book.remove(book.active)
    for title, lines in sheets.items():
        page = book.create_sheet(title)
        for line in lines:
            page.append(list(line))
    path = folder / name
    book.save(path)
    return path


def other(row: tuple[Any, ...], **cells: Any) -> tuple[Any, ...]:
    """The row with other cells: ``code``, ``soc``, ``term``, ``g1`` to ``g5``, ``definition``, ``note``."""
    names = ("code", "soc", "term", "g1", "g2", "g3", "g4", "g5", "definition", "note")
    return tuple(cells.get(name, cell) for name, cell in zip(names, row, strict=True))
