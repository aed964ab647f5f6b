"""What was sent from a page of the plain form, as answers; or what is wrong with it, which loses nothing of it."""

import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from werkzeug.datastructures import MultiDict

from backend.conversations.form_filling import Given
from backend.conversations.form_pages import Page, PageKind
from backend.conversations.form_questions import CALL, OTHER, PICKED
from backend.conversations.reading import read_number
from backend.instruments.definition import Instrument
from backend.terms import LONGEST_OTHER_SYMPTOM

Fields = MultiDict[str, str]

# Which button sent the page.
BUTTON, NONE_OF_THESE, LEAVE_OUT = "do", "none", "skip"
SEVERITY = "severity"
TYPED = "value"
NO, YES = "0", "1"
HIGHEST_SEVERITY = 4
LONGEST_NUMBER = 40


class Complaint(StrEnum):
    """What the patient is asked to put right; the page says it in words."""

    ROWS_OPEN = "rows_open"
    NOTHING_CHOSEN = "nothing_chosen"
    NOTHING_TYPED = "nothing_typed"
    NO_NUMBER = "no_number"
    OUT_OF_BOUNDS = "out_of_bounds"
    TOO_LONG = "too_long"


@dataclass(frozen=True)
class Read:
    """The answers on a page, kept also when something is wrong, and what that is."""

    given: Mapping[str, Given] = field(default_factory=dict)
    complaint: Complaint | None = None


def read_page(page: Page, instrument: Instrument, fields: Fields) -> Read:
    """Never raises, whatever was sent: what cannot be read is asked for again."""
    if fields.get(BUTTON) == LEAVE_OUT and page.kind is not PageKind.SIGNS:
        return Read(dict.fromkeys(page.items, Given(None)))
    return _READERS[page.kind](page, instrument, fields)


def _signs(page: Page, _: Instrument, fields: Fields) -> Read:
    """ "None of these" is no to every row that does not say yes: a yes is never undone by a button for all."""
    said = {item: fields.get(item) for item in page.items}
    given = {item: Given(float(value)) for item, value in said.items() if value in (NO, YES)}
    rest = {NONE_OF_THESE: Given(0.0), LEAVE_OUT: Given(None)}.get(fields.get(BUTTON, ""))
    if rest is not None:
        return Read({item: given.get(item, rest) for item in page.items})
    return Read(given, Complaint.ROWS_OPEN if len(given) < len(page.items) else None)


def _measurement(page: Page, instrument: Instrument, fields: Fields) -> Read:
    known, typed = instrument.measurements[page.key], fields.get(TYPED, "").strip()
    if not typed:
        return Read(complaint=Complaint.NOTHING_TYPED)
    number = read_number(typed) if len(typed) <= LONGEST_NUMBER else None
    if number is None:
        return Read(complaint=Complaint.NO_NUMBER)
    value = float(number)
    is_fine = known.minimum <= value <= known.maximum and (value.is_integer() or not known.is_whole)
    return Read({page.key: Given(value)}) if is_fine else Read(complaint=Complaint.OUT_OF_BOUNDS)


def _choice(page: Page, instrument: Instrument, fields: Fields) -> Read:
    possible = [str(value) for value in range(instrument.items[page.key].highest + 1)]
    chosen = fields.get(TYPED)
    return Read({page.key: Given(float(chosen))}) if chosen in possible else Read(complaint=Complaint.NOTHING_CHOSEN)


def _pick(_: Page, instrument: Instrument, fields: Fields) -> Read:
    wanted = frozenset(fields.getlist(PICKED))
    return Read({PICKED: Given(None, " ".join(one.slug for one in instrument.offered if one.slug in wanted) or None)})


def _words(_: Page, __: Instrument, fields: Fields) -> Read:
    text = _storable(fields.get(OTHER, ""))
    if len(text) > LONGEST_OTHER_SYMPTOM:
        return Read(complaint=Complaint.TOO_LONG)
    possible = [str(value) for value in range(HIGHEST_SEVERITY + 1)]
    severity = fields.get(SEVERITY)
    return Read({OTHER: Given(float(severity) if text and severity in possible else None, text or None)})


def _call(_: Page, __: Instrument, fields: Fields) -> Read:
    chosen = fields.get(TYPED)
    return Read({CALL: Given(float(chosen))}) if chosen in (NO, YES) else Read(complaint=Complaint.NOTHING_CHOSEN)


def _storable(text: str) -> str:
    """Without characters that nobody sees and some databases cannot keep."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(one for one in lines if one == "\n" or unicodedata.category(one) not in ("Cc", "Cs")).strip()


_READERS: Mapping[PageKind, Callable[[Page, Instrument, Fields], Read]] = {
    PageKind.SIGNS: _signs,
    PageKind.MEASUREMENT: _measurement,
    PageKind.CHOICE: _choice,
    PageKind.PICK: _pick,
    PageKind.WORDS: _words,
    PageKind.CALL: _call,
}
