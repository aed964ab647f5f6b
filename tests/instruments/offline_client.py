"""A client that knows nothing but the document it was served: branching, bounds and emergencies with no connection.

It imports nothing of the product, on purpose: what it cannot work out from the document, no telephone could. Whoever
writes another client can read this one beside ``docs/conditions.md``.
"""

import operator
import re
import unicodedata
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

COMPARE = {
    "<": operator.lt,
    "<=": operator.le,
    ">=": operator.ge,
    ">": operator.gt,
    "==": operator.eq,
    "!=": operator.ne,
    "in": lambda known, listed: known in listed,
    "not in": lambda known, listed: known not in listed,
}
Document = Mapping[str, Any]


class Unreadable(Exception):
    """The document asks for something that this client has never heard of."""


def hidden(document: Document, answers: Mapping[str, int | None]) -> list[str]:
    """The items that these answers hide, in the document's order."""
    return [item["item"] for item in document["items"] if not _is_asked(item, answers)]


def next_item(document: Document, symptom: str, answers: Mapping[str, int | None]) -> str | None:
    """What to ask next of a symptom; None when it is done."""
    of_symptom = [item for item in document["items"] if item["item"].startswith(f"{symptom}.")]
    left = [item["item"] for item in of_symptom if item["item"] not in answers and _is_asked(item, answers)]
    return left[0] if left else None


def is_within_bounds(document: Document, name: str, value: float) -> bool:
    """Whether a measurement may be queued at all."""
    known = next(one for one in document["measurements"] if one["name"] == name)
    is_whole = known["step"] != 1 or float(value).is_integer()
    return bool(known["minimum"] <= value <= known["maximum"] and is_whole)


def emergencies(document: Document, report: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The emergency rules that hold for a report, each with its advice, in the document's order."""
    return [rule for rule in document["emergency"] if holds(rule["when"], report, document["circumstances"])]


def advice_codes(rules: list[dict[str, Any]]) -> list[str]:
    """What to show, each text once."""
    return list(dict.fromkeys(rule["advice"]["code"] for rule in rules))


def holds(condition: Mapping[str, Any], report: Mapping[str, Any], known: Mapping[str, Any]) -> bool:
    """Whether a condition holds; what cannot be read does."""
    if "all" in condition:
        return all(holds(inner, report, known) for inner in condition["all"])
    if "any" in condition:
        return any(holds(inner, report, known) for inner in condition["any"])
    try:
        value = _operand(condition, report, known)
        return _compare(condition, value)
    except Unreadable:
        return True


def _is_asked(item: Mapping[str, Any], answers: Mapping[str, int | None]) -> bool:
    return all(COMPARE[one["operator"]](answers.get(one["item"]), one["value"]) for one in item["enable_when"])


def _compare(condition: Mapping[str, Any], value: Any) -> bool:
    if condition["operator"] == "absent":
        return value is None
    if condition["operator"] not in COMPARE:
        raise Unreadable
    return value is not None and bool(COMPARE[condition["operator"]](value, condition["value"]))


def _operand(condition: Mapping[str, Any], report: Mapping[str, Any], known: Mapping[str, Any]) -> Any:
    if "item" in condition:
        return report["answers"].get(condition["item"])
    if "measurement" in condition:
        return report["measurements"].get(condition["measurement"])
    if "together" in condition:
        return _together(condition, report, known)
    if condition.get("fact") == "days_since_infusion":
        return _days_since_infusion(report, known)
    if condition.get("fact") == "danger_words":
        return sum(_is_dangerous(text, known["danger_words"]) for text in report["texts"])
    raise Unreadable


def _together(condition: Mapping[str, Any], report: Mapping[str, Any], known: Mapping[str, Any]) -> int:
    now = {item for item in condition["together"] if report["answers"].get(item) == 1}
    if not now:
        return 0
    today = _day(report["at"], known["time_zone"])
    said = [(one["item"], date.fromisoformat(one["on"])) for one in known["recent_signs"]]
    for waiting in report.get("waiting", []):
        on = _day(waiting["at"], known["time_zone"])
        said += [(item, on) for item, value in waiting["answers"].items() if value == 1]
    near = {item for item, on in said if abs((today - on).days) <= condition["days"]}
    return len(now | (near & set(condition["together"])))


def _days_since_infusion(report: Mapping[str, Any], known: Mapping[str, Any]) -> int | None:
    moments = {report["at"]}
    if datetime.fromisoformat(report["at"]) < datetime.fromisoformat(known["as_of"]):
        moments.add(known["as_of"])
    days = [
        (_day(moment, known["site_time_zone"]) - date.fromisoformat(on)).days
        for moment in moments
        for on in known["infusion_dates"]
    ]
    return min((since for since in days if since >= 0), default=None)


def _is_dangerous(text: str, words: list[str]) -> bool:
    said = _folded(text)
    return any(_stands_in(said, _folded(word)) for word in words)


def _stands_in(said: str, word: str) -> bool:
    if any(ord(letter) > 127 for letter in word):
        return any(_runs_on(said, start, word) for start in range(len(said)))
    return any(_reads_on(said, start, word.split(" ")) for start in range(len(said)) if not _is_letter(said, start - 1))


def _runs_on(said: str, place: int, word: str) -> bool:
    """Whether the characters stand at this place; of those in brackets up to four may stand between."""
    if not word:
        return True
    if word[0] == "[":
        between, _, rest = word[1:].partition("]")
        stretch = next((n for n in range(4) if said[place + n : place + n + 1] not in tuple(between)), 4)
        return any(_runs_on(said, place + n, rest) for n in range(stretch + 1))
    return said[place : place + 1] == word[0] and _runs_on(said, place + 1, word[1:])


def _reads_on(said: str, place: int, words: list[str]) -> bool:
    """Whether the words stand at this place, each with an ending where * allows one, and others where ~ does."""
    plain, rest = words[0].removesuffix("*"), words[1:]
    endings = ("", "s", "es", "d", "ed", "ing") if words[0] != plain else ("",)
    for end in (place + len(plain + ending) for ending in endings if said.startswith(plain + ending, place)):
        if not rest and not _is_letter(said, end):
            return True
        if rest and any(_reads_on(said, begin, rest[rest[0] == "~" :]) for begin in _next_words(said, end, rest[0])):
            return True
    return False


def _next_words(said: str, end: int, sign: str) -> list[int]:
    """Where the next word of a phrase may begin."""
    if sign != "~":
        return [end + 1] if said[end : end + 1] == " " else []
    begins: list[int] = []
    while len(begins) < 3 and said[end : end + 1] in (" ", "-"):
        begins.append(end + re.match("[ -]+", said[end:]).end())
        end = begins[-1] + re.match("[a-z0-9']*", said[begins[-1] :]).end()
    return begins


def _is_letter(said: str, place: int) -> bool:
    return 0 <= place < len(said) and said[place] in "abcdefghijklmnopqrstuvwxyz0123456789"


def _folded(text: str) -> str:
    for curly in "\u2019\u2018\u02bc`":
        text = text.replace(curly, "'")
    folded = " ".join(unicodedata.normalize("NFKC", text).casefold().split())
    letters = list(folded)
    among_chinese = [
        place
        for place in range(1, len(letters) - 1)
        if letters[place] == " " and ord(letters[place - 1]) > 127 and ord(letters[place + 1]) > 127
    ]
    return "".join(letter for place, letter in enumerate(letters) if place not in among_chinese)


def _day(moment: str, zone: str) -> date:
    return datetime.fromisoformat(moment).astimezone(ZoneInfo(zone)).date()
