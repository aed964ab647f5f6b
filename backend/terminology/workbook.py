"""NCI's own CTCAE workbook (.xlsx), read with distrust: what is not understood is refused by sheet, row and column.

Formulas are refused and never computed; a file that unpacks to far more than the real one is not unpacked at all.
"""

import re
import unicodedata
import warnings
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backend.errors import BadWorkbook

MB = 1024 * 1024
LARGEST_FILE, LARGEST_CONTENT, MOST_PARTS = 5 * MB, 40 * MB, 500
# Rows and columns beyond these are no list of some 900 terms with ten columns.
LAST_ROW, LAST_COLUMN, HEADING_ROWS = 10_000, 40, 20
LONGEST_CELL = 8_000
COMPLAINTS_AT_MOST = 20

CODE, SOC, TERM, DEFINITION, NOTE = "MedDRA Code", "MedDRA SOC", "CTCAE Term", "Definition", "Navigational Note"
GRADES = {f"Grade {grade}": grade for grade in range(1, 6)}
NEEDED = (CODE, SOC, TERM, *GRADES)
# Words that the versions put between those of a heading: "MedDRA v12.0 Code", "CTCAE v4.0 Term".
VERSION_WITHIN = re.compile(r"\s+v\.?\s?\d+(\.\d+)?", re.IGNORECASE)
VERSION_OF_CTCAE = re.compile(r"CTCAE[\s_-]*v(?:ersion)?[\s_.]*(\d{1,2})(?:[._](\d{1,2}))?", re.IGNORECASE)
NO_GRADE = frozenset({"", "-", "--", "\u2013", "\u2014"})
SPECIFY = re.compile(r"other, specify$", re.IGNORECASE)

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class PublishedTerm:
    """A term as a row of the workbook has it; ``criteria`` by grade, of the grades that exist."""

    row: int
    code: str
    soc: str
    name: str
    criteria: Mapping[int, str]
    definition: str | None
    note: str | None

    @property
    def specify(self) -> bool:
        """Whether it needs words of its own."""
        return SPECIFY.search(self.name) is not None


@dataclass(frozen=True)
class Workbook:
    """What was read: of which sheet, which version it says it is (None: it does not say), and its terms."""

    sheet: str
    version: str | None
    terms: Sequence[PublishedTerm]


def read_workbook(path: Path, *, sheet: str | None = None, progress: Progress | None = None) -> Workbook:
    """The terms of the one sheet that has them, or of the one named. Raises ``BadWorkbook`` with all that is wrong."""
    _refuse_unsafe(path)
    try:
        with warnings.catch_warnings():
            # About styles and extensions that it leaves out: we read words.
            warnings.simplefilter("ignore")
            return _opened(path, sheet, progress or (lambda done, of: None))
    except BadWorkbook:
        raise
    except Exception as unreadable:
        # Whatever a broken part makes the library stumble over, it is the file that is wrong.
        raise BadWorkbook(f"{path.name}: cannot be read as a workbook ({type(unreadable).__name__}).") from unreadable


def _opened(path: Path, wanted: str | None, progress: Progress) -> Workbook:
    # Only this command needs it, and it takes long to import.
    import openpyxl

    # Opened by us, since the library leaves a file open that it cannot read.
    with path.open("rb") as file:
        book = openpyxl.load_workbook(file, read_only=True, data_only=False, keep_links=False)
        try:
            return _read(book, path, wanted, progress)
        finally:
            book.close()


def _refuse_unsafe(path: Path) -> None:
    """Look at the outside only: size, kind, and how large it says it becomes."""
    if path.stat().st_size > LARGEST_FILE:
        raise BadWorkbook(f"{path.name}: is larger than {LARGEST_FILE // MB} MB, which NCI's is far from.")
    if not zipfile.is_zipfile(path):
        raise BadWorkbook(f"{path.name}: is no .xlsx workbook; take the Excel file, without a password.")
    try:
        with zipfile.ZipFile(path) as packed:
            parts = packed.infolist()
    except (zipfile.BadZipFile, ValueError) as broken:
        raise BadWorkbook(f"{path.name}: is damaged.") from broken
    # The library takes no more from a part than the size it states here.
    if len(parts) > MOST_PARTS or sum(part.file_size for part in parts) > LARGEST_CONTENT:
        raise BadWorkbook(f"{path.name}: unpacks to more than {LARGEST_CONTENT // MB} MB and is not opened.")
    if any(part.flag_bits & 1 for part in parts):
        raise BadWorkbook(f"{path.name}: is locked with a password.")


def _read(book: Any, path: Path, wanted: str | None, progress: Progress) -> Workbook:
    sheets = [_Sheet(path.name, one.title, _rows(one)) for one in book.worksheets if wanted in (None, one.title)]
    if not sheets:
        listed = ", ".join(one.title for one in book.worksheets)
        raise BadWorkbook(f"{path.name}: has no sheet {wanted}; its sheets are: {listed}.")
    chosen = _the_one(path, [one for one in sheets if not one.missing], sheets)
    terms = chosen.terms(progress)
    said = [chosen.title, *chosen.headings.values(), path.name]
    return Workbook(chosen.title, _version(said), terms)


def _rows(sheet: Any) -> list[Sequence[Any]]:
    # How large the sheet says it is may be a lie, or an accident of somebody's formatting.
    sheet.reset_dimensions()
    return list(sheet.iter_rows(max_row=LAST_ROW + 1, max_col=LAST_COLUMN))


def _the_one(path: Path, fitting: Sequence["_Sheet"], sheets: Sequence["_Sheet"]) -> "_Sheet":
    if not fitting:
        nearest = min(sheets, key=lambda one: len(one.missing))
        lacking = ", ".join(nearest.missing)
        raise BadWorkbook(f"{path.name}: {nearest.title}: row {nearest.heading_row}: there is no column {lacking}.")
    clean = [one for one in fitting if "clean" in one.title.casefold()]
    if len(fitting) > 1 and len(clean) != 1:
        listed = ", ".join(one.title for one in fitting)
        raise BadWorkbook(f"{path.name}: several sheets hold terms ({listed}); say which one with --sheet.")
    return clean[0] if len(fitting) > 1 else fitting[0]


def _version(said: Sequence[str]) -> str | None:
    """The version that the sheet, a heading or the file's name speaks of, the first of them that does."""
    found = (VERSION_OF_CTCAE.search(text) for text in said)
    return next((f"{one[1]}.{one[2] or 0}" for one in found if one), None)


class _Sheet:
    """A sheet, and where its headings stand: in the row, of the first ones, that has the most of them."""

    def __init__(self, file: str, title: str, rows: Sequence[Sequence[Any]]) -> None:
        self.file, self.title, self.rows = file, title, rows
        self.complaints: list[str] = []
        found = [(number, _columns(row)) for number, row in enumerate(rows[:HEADING_ROWS], 1)]
        self.heading_row, self.columns = max(found, key=lambda one: len(one[1]), default=(1, {}))
        self.missing = [name for name in NEEDED if name not in self.columns]
        self.headings = {name: str(rows[self.heading_row - 1][column].value) for name, column in self.columns.items()}

    def terms(self, progress: Progress) -> list[PublishedTerm]:
        """Every row below the headings. Raises ``BadWorkbook`` with each cell that is wrong."""
        below = self.rows[self.heading_row :]
        if self.heading_row + len(below) > LAST_ROW:
            raise BadWorkbook(f"{self.file}: {self.title}: has more than {LAST_ROW} rows.")
        terms: dict[str, PublishedTerm] = {}
        for number, row in enumerate(below, self.heading_row + 1):
            if self._is_term(row):
                term = self._term(number, row)
                self._keep(terms, term)
            progress(number - self.heading_row, len(below))
        if not terms and not self.complaints:
            self._complain(self.heading_row, TERM, "there is no term below")
        if self.complaints:
            more = len(self.complaints) - COMPLAINTS_AT_MOST
            listed = self.complaints[:COMPLAINTS_AT_MOST] + ([f"and {more} more"] if more > 0 else [])
            raise BadWorkbook("\n".join(listed))
        return list(terms.values())

    def _keep(self, terms: dict[str, PublishedTerm], term: PublishedTerm) -> None:
        if term.code in terms:
            self._complain(term.row, CODE, f"{term.code} stands in row {terms[term.code].row} already")
        elif term.code:
            terms[term.code] = term

    def _is_term(self, row: Sequence[Any]) -> bool:
        """Empty rows, and a heading or a footnote that stands in a cell by itself, are none."""
        filled = [row[column].value for column in self.columns.values() if column < len(row)]
        written = [value for value in filled if value is not None]
        return len(written) > 1 or any(not isinstance(value, str) or value.isdecimal() for value in written)

    def _term(self, number: int, row: Sequence[Any]) -> PublishedTerm:
        said = {name: self._text(number, name, row) for name in self.columns}
        for name in (SOC, TERM):
            if not said[name]:
                self._complain(number, name, "is empty")
        criteria = {grade: said[name] for name, grade in GRADES.items() if said[name] not in NO_GRADE}
        if not criteria:
            self._complain(number, "Grade 1", "the term has no grade at all")
        code = self._code(number, said[CODE])
        definition, note = (said.get(name) if said.get(name) not in NO_GRADE else None for name in (DEFINITION, NOTE))
        return PublishedTerm(number, code, said[SOC], said[TERM], criteria, definition, note)

    def _code(self, number: int, written: str) -> str:
        if not (len(written) == 8 and written.isascii() and written.isdecimal()):
            self._complain(number, CODE, f"must be eight digits, not {written[:20]!r}")
            return ""
        return written

    def _text(self, number: int, name: str, row: Sequence[Any]) -> str:
        """The cell as text, in one spacing; a complaint, and nothing, when it is something else."""
        column = self.columns[name]
        cell = row[column] if column < len(row) else None
        if cell is None or cell.value is None:
            return ""
        if cell.data_type == "f":
            self._complain(number, name, "is a formula; only what is written is read")
            return ""
        if name == CODE and isinstance(cell.value, int | float) and not isinstance(cell.value, bool):
            return f"{cell.value:.12g}"
        if not isinstance(cell.value, str) or cell.data_type == "e":
            self._complain(number, name, "is no text")
            return ""
        return self._plain(number, name, cell.value)

    def _plain(self, number: int, name: str, written: str) -> str:
        seen = (letter for letter in written.replace("_x000D_", " ") if unicodedata.category(letter) != "Cf")
        text = " ".join("".join(seen).split())
        if len(text) > LONGEST_CELL:
            self._complain(number, name, f"is longer than {LONGEST_CELL} characters")
            return ""
        if not text.isprintable():
            self._complain(number, name, "holds characters that cannot be written")
            return ""
        return text

    def _complain(self, number: int, name: str, complaint: str) -> None:
        self.complaints.append(f"{self.file}: {self.title}: row {number}: {name}: {complaint}.")


def _columns(row: Sequence[Any]) -> dict[str, int]:
    """Where in this row which heading stands."""
    known = {_heading(name): name for name in (*NEEDED, DEFINITION, NOTE)}
    found: dict[str, int] = {}
    for column, cell in enumerate(row):
        name = known.get(_heading(cell.value)) if isinstance(cell.value, str) else None
        if name:
            found.setdefault(name, column)
    return found


def _heading(written: str) -> str:
    return " ".join(VERSION_WITHIN.sub("", written).split()).casefold()
