"""Days and instants as they cross a door: aware, and within a span of years in which arithmetic is safe."""

from datetime import UTC, date, datetime
from typing import Any

from marshmallow import ValidationError, fields

from backend.partial_dates import HOW_TO_WRITE, earliest, is_partial_date

FIRST_DAY, LAST_DAY = date(1990, 1, 1), date(2100, 12, 31)
# What began long before the study, such as an illness of old.
FIRST_YEAR = 1900
FIRST_INSTANT, LAST_INSTANT = datetime(1990, 1, 1, tzinfo=UTC), datetime(2101, 1, 1, tzinfo=UTC)


def day(**options: Any) -> fields.Date:
    """A calendar day, ISO 8601."""
    return fields.Date(validate=_a_possible_day, **_described(options))


def instant(**options: Any) -> fields.AwareDateTime:
    """An instant, RFC 3339: a time without an offset is refused, because it means nothing by itself."""
    return fields.AwareDateTime(validate=_a_possible_instant, **_described(options))


def partial_day(**options: Any) -> fields.String:
    """A day, a month or a year, as precisely as it is known: 2027-03-17, 2027-03 or 2027."""
    return fields.String(validate=_a_possible_partial_date, **_described(options))


def _described(options: dict[str, Any]) -> dict[str, Any]:
    description = options.pop("description", "")
    return {**options, "metadata": {"description": description}}


def _a_possible_day(value: date) -> None:
    if not FIRST_DAY <= value <= LAST_DAY:
        raise ValidationError(f"Must lie between {FIRST_DAY.year} and {LAST_DAY.year}.")


def _a_possible_partial_date(value: str) -> None:
    if not is_partial_date(value):
        raise ValidationError(HOW_TO_WRITE)
    if not FIRST_YEAR <= earliest(value).year <= LAST_DAY.year:
        raise ValidationError(f"Must lie between {FIRST_YEAR} and {LAST_DAY.year}.")


def _a_possible_instant(value: datetime) -> None:
    if not FIRST_INSTANT <= value < LAST_INSTANT:
        raise ValidationError(f"Must lie between {FIRST_DAY.year} and {LAST_DAY.year}.")
