"""The plain form as a sequence of pages: which there are after the answers so far, and which comes next. Pure.

The same questionnaire as the app's, with the same branching: danger signs as screens of rows, what was measured, one
question a page, and at the end the patient's own words and a wish for a call. An answer is known by its item; one
that is there without a value was left out.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from backend.conversations import script
from backend.conversations.form_questions import CALL, OTHER, PICKED
from backend.instruments.branching import is_hidden
from backend.instruments.definition import Instrument

Answers = Mapping[str, float | None]


class PageKind(StrEnum):
    """How a page asks."""

    SIGNS = "signs"
    MEASUREMENT = "measurement"
    CHOICE = "choice"
    PICK = "pick"
    WORDS = "words"
    CALL = "call"


@dataclass(frozen=True)
class Page:
    """One page: what names it in an address, how it asks, and the items it asks for."""

    key: str
    kind: PageKind
    items: tuple[str, ...]


def pages_of(instrument: Instrument, answers: Answers, picked: Collection[str]) -> tuple[Page, ...]:
    """Every page that these answers leave to be seen, in order, the answered ones too.

    ``picked`` are the symptoms chosen where they are only offered.
    """
    return tuple(_pages(instrument, answers, picked))


def is_answered(page: Page, answers: Answers) -> bool:
    """Whether nothing on it is left to ask. Who said no to the whole card, by text message, said no to each sign."""
    is_on_the_card = page.kind is PageKind.SIGNS and answers.get(script.CARD) == script.NO
    return is_on_the_card or all(item in answers for item in page.items)


def page_called(pages: Sequence[Page], key: str) -> Page | None:
    """The page of that name; None when the answers have hidden it, or there never was one."""
    return next((page for page in pages if page.key == key), None)


def next_page(pages: Sequence[Page], answers: Answers, after: str | None = None) -> Page | None:
    """The next page with something to ask, looking on from ``after`` and then from the start; None at the end."""
    place = next((number + 1 for number, page in enumerate(pages) if page.key == after), 0)
    return next((page for page in (*pages[place:], *pages[:place]) if not is_answered(page, answers)), None)


def page_before(pages: Sequence[Page], key: str) -> Page | None:
    """The page in front of this one, answered or not; None in front of the first."""
    place = next((number for number, page in enumerate(pages) if page.key == key), 0)
    return pages[place - 1] if place else None


def _pages(instrument: Instrument, answers: Answers, picked: Collection[str]) -> Iterator[Page]:
    for screen in instrument.content["screens"]:
        yield Page(screen["key"], PageKind.SIGNS, tuple(screen["items"]))
    for measurement in instrument.measurements.values():
        if measurement.asked:
            yield Page(measurement.name, PageKind.MEASUREMENT, (measurement.name,))
    if instrument.offered:
        yield Page(PICKED, PageKind.PICK, (PICKED,))
    values = {item: int(value) for item, value in answers.items() if value is not None}
    for item in instrument.items.values():
        is_asked = not item.is_sign and (not item.offered or item.symptom in picked)
        if is_asked and not is_hidden(item, values):
            yield Page(item.code, PageKind.CHOICE, (item.code,))
    yield Page(OTHER, PageKind.WORDS, (OTHER,))
    yield Page(CALL, PageKind.CALL, (CALL,))
