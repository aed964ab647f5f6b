"""Rows as CSV (RFC 4180, UTF-8) that no spreadsheet program can be made to run as a formula."""

import csv
import io
from collections.abc import Iterable, Sequence

# What makes a spreadsheet program take a cell for a formula, also behind a tab or the end of a line. Some take the
# full-width signs of a Chinese keyboard for the same.
BEGINS_A_FORMULA = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20", "\t", "\r", "\n")


def csv_text(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """The file. None is an empty cell; a text that would begin a formula gets an apostrophe in front."""
    written = io.StringIO()
    writer = csv.writer(written)
    writer.writerow(header)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return written.getvalue()


def _cell(value: object) -> object:
    if value is None:
        return ""
    if isinstance(value, str) and value.startswith(BEGINS_A_FORMULA):
        return f"'{value}"
    return value
