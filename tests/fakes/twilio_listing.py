"""A page of a list of texts, as the public API filters and cuts it."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from tests.fakes.twilio_account import Refused, Text

USUAL_PAGE, LONGEST_PAGE = 50, 1000
FILTERS = ("To", "From", "DateSent", "DateSent<", "DateSent>")


def page_of(texts: Sequence[Text], query: Mapping[str, str], path: str) -> dict[str, Any]:
    """The newest first; the next page begins after the last text of this one, whatever has come in since."""
    size = _size(query)
    chosen = [text for text in texts if all(fits(text) for fits in _filters(query))]
    begin = _after(chosen, query.get("PageToken", ""))
    shown = chosen[begin : begin + size]
    page = int(query.get("Page", "0"))
    kept = {name: query[name] for name in FILTERS if name in query} | {"PageSize": str(size)}
    following = {**kept, "Page": str(page + 1), "PageToken": f"PA{shown[-1].sid}"} if shown else {}
    return {
        "end": max(page * size + len(shown) - 1, 0),
        "first_page_uri": f"{path}?{urlencode({**kept, 'Page': '0'})}",
        "messages": [text.as_json() for text in shown],
        "next_page_uri": f"{path}?{urlencode(following)}" if begin + size < len(chosen) else None,
        "page": page,
        "page_size": size,
        "previous_page_uri": f"{path}?{urlencode({**kept, 'Page': str(page - 1)})}" if page else None,
        "start": page * size,
        "uri": f"{path}?{urlencode({**kept, 'Page': str(page)})}",
    }


def _size(query: Mapping[str, str]) -> int:
    said = query.get("PageSize", str(USUAL_PAGE))
    if not said.isdecimal() or not 0 < int(said) <= LONGEST_PAGE:
        raise Refused(400, 20001, f"Page size must be between 1 and {LONGEST_PAGE}")
    return int(said)


def _filters(query: Mapping[str, str]) -> Sequence[Callable[[Text], bool]]:
    """A text that was not sent yet has no date, and is in no list of those sent before, on or after one."""
    fits: list[Callable[[Text], bool]] = []
    if "To" in query:
        fits.append(lambda text: text.to == query["To"])
    if "From" in query:
        fits.append(lambda text: text.sender == query["From"])
    if "DateSent" in query:
        day = _moment(query["DateSent"]).date()
        fits.append(lambda text: text.sent is not None and text.sent.date() == day)
    if "DateSent<" in query:
        before = _moment(query["DateSent<"])
        fits.append(lambda text: text.sent is not None and text.sent <= before)
    if "DateSent>" in query:
        after = _moment(query["DateSent>"])
        fits.append(lambda text: text.sent is not None and text.sent >= after)
    return fits


def _moment(said: str) -> datetime:
    try:
        read = datetime.fromisoformat(said)
    except ValueError as wrong:
        raise Refused(400, 20001, f"Invalid date {said}") from wrong
    return read if read.tzinfo else read.replace(tzinfo=UTC)


def _after(texts: Sequence[Text], token: str) -> int:
    if not token:
        return 0
    places = [place for place, text in enumerate(texts) if f"PA{text.sid}" == token]
    if not places:
        raise Refused(400, 20001, "Invalid page token")
    return places[0] + 1
