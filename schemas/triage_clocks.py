"""The shape of a triage file's clocks: how long things may take, each value marked where it is ours."""

from typing import Any

import holidays
from marshmallow import ValidationError, fields, validates_schema

from schemas.base import Schema
from schemas.seed_fields import Stated, StatedTime

A_DAY_IN_MINUTES = 24 * 60
A_YEAR_IN_HOURS = 366 * 24
A_YEAR = 366
# Whoever is higher up must not hear of it first.
IN_THIS_ORDER = (
    ("t1_investigator_after_minutes", "t1_principal_investigator_after_minutes"),
    ("t2_due_after_hours", "t2_principal_investigator_after_hours"),
)


def _has_known_holidays(country: str) -> None:
    # Asked of one country: the list of all of them loads all their calendars, into every process.
    try:
        holidays.country_holidays(country)
    except NotImplementedError as unknown:
        raise ValidationError(
            "Must be a country of ISO 3166-1 whose public holidays are known, such as CN."
        ) from unknown


class ClocksShape(Schema):
    """The times of triage; ``backend.triage.clocks`` reads them."""

    t1_repeat_every_minutes = Stated(
        "Minutes from one page about a T1 to the next.", at_least=1, at_most=A_DAY_IN_MINUTES
    )
    t1_repeat_slowly_after_hours = Stated(
        "Hours after the latest report from which an unanswered page is repeated more slowly.",
        at_least=1,
        at_most=A_YEAR_IN_HOURS,
    )
    t1_repeat_slowly_every_hours = Stated("Hours from one such page to the next.", at_least=1, at_most=A_YEAR_IN_HOURS)
    t1_investigator_after_minutes = Stated(
        "Minutes after which an unacknowledged T1 also pages the investigator; by then it is due.",
        at_least=1,
        at_most=A_DAY_IN_MINUTES,
    )
    t1_principal_investigator_after_minutes = Stated(
        "Minutes after which it also pages the principal investigator.", at_least=1, at_most=A_DAY_IN_MINUTES
    )
    t1_quiet_after_acknowledgement_hours = Stated(
        "Hours for which an acknowledged T1 that is no worse pages nobody.", at_least=0, at_most=A_YEAR_IN_HOURS
    )
    t2_due_after_hours = Stated(
        "Hours after which a T2 is due, and an unacknowledged one goes to the investigator.",
        at_least=1,
        at_most=A_YEAR_IN_HOURS,
    )
    t2_principal_investigator_after_hours = Stated(
        "Hours after which it goes to the principal investigator.", at_least=1, at_most=A_YEAR_IN_HOURS
    )
    t3_working_days = Stated("At the close of which working day after receipt a T3 is due.", at_least=1, at_most=60)
    quiet_after_acknowledgement_days = Stated(
        "Days for which an acknowledged T2 or T3 that is no worse stays out of the queue.", at_least=0, at_most=A_YEAR
    )
    symptom_zeros_apart_days = Stated(
        "Days between two reports at 0 that end an episode of a symptom.", at_least=1, at_most=A_YEAR
    )
    sign_zeros_apart_days = Stated(
        "Days between two reports at 0 that end an episode of a sign or measurement.", at_least=1, at_most=A_YEAR
    )
    last_calls_from = StatedTime("From when on the site's day a call is promised for tomorrow.")
    country = fields.String(
        required=True,
        validate=_has_known_holidays,
        metadata={"description": "Whose public holidays and moved working days count."},
    )

    @validates_schema
    def nobody_is_passed_over(self, clocks: dict[str, Any], **_: Any) -> None:
        """A case goes up one step after the other."""
        wrong = {
            later: [f"Must not come before {earlier}."]
            for earlier, later in IN_THIS_ORDER
            if _value(clocks[later]) < _value(clocks[earlier])
        }
        if wrong:
            raise ValidationError(wrong)


def _value(said: Any) -> int:
    value: int = said["value"] if isinstance(said, dict) else said
    return value
