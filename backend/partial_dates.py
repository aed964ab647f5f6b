"""Dates as precise as they are known: ``2027-03-17``, ``2027-03`` or ``2027``. Pure.

Such a date is every day it can mean. Two of them are compared by what is certain: one is before another only when no
day of the one could be on or after any day of the other.
"""

import re
from calendar import monthrange
from datetime import date

# Not \d, which takes the digits of every script: what is stored must sort and compare.
PARTIAL_DATE = re.compile(r"[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?")
HOW_TO_WRITE = "Give a day (2027-03-17), a month (2027-03) or a year (2027)."


def is_partial_date(text: str) -> bool:
    """Whether the text is a day, a month or a year that exists."""
    if not PARTIAL_DATE.fullmatch(text):
        return False
    try:
        earliest(text)
    except ValueError:
        return False
    return True


def is_whole(partial: str) -> bool:
    """Whether the day is known."""
    return len(partial) == len("2027-03-17")


def earliest(partial: str) -> date:
    """The first day it can mean. Raises ``ValueError`` for what is no partial date."""
    return date.fromisoformat((partial + "-01-01")[:10])


def latest(partial: str) -> date:
    """The last day it can mean. Raises ``ValueError`` for what is no partial date."""
    first = earliest(partial)
    if is_whole(partial):
        return first
    month = first.month if len(partial) == len("2027-03") else 12
    return date(first.year, month, monthrange(first.year, month)[1])


def is_before(one: str, other: str) -> bool:
    """Whether the one is certainly earlier: March 2027 is before 1 April 2027, and not before 17 March 2027."""
    return latest(one) < earliest(other)


def is_after_day(partial: str, day: date) -> bool:
    """Whether it is certainly later than that day."""
    return earliest(partial) > day


def is_before_day(partial: str, day: date) -> bool:
    """Whether it is certainly earlier than that day."""
    return latest(partial) < day


def may_lie_within(partial: str, starts: date, ends: date | None) -> bool:
    """Whether some day it can mean is in ``starts <= day < ends``; without an end, from ``starts`` on."""
    return latest(partial) >= starts and (ends is None or earliest(partial) < ends)


def lies_within(partial: str, starts: date, ends: date | None) -> bool:
    """Whether every day it can mean is."""
    return earliest(partial) >= starts and (ends is None or latest(partial) < ends)
