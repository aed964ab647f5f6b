"""What a patient has ahead, and the treatment cycles much of it hangs on."""

from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from backend.terms import Attendance, CycleStatus, Reply
from schemas import people
from schemas.base import Schema
from schemas.moments import day, instant
from schemas.paging import OnePageOut


class AgendaItemOut(Schema):
    """One thing a patient has ahead, or had."""

    key = fields.String(required=True, metadata={"description": "Its name for ever, such as weekly.w7"})
    kind = fields.String(
        required=True, metadata={"description": "visit, infusion, assessment, contact or survival_check"}
    )
    title = fields.String(required=True, metadata={"description": "What it is, in the reader's language"})
    due_on = fields.Date(required=True, metadata={"description": "The day it is for"})
    opens_at = fields.AwareDateTime(required=True, metadata={"description": "From when it can be done"})
    closes_at = fields.AwareDateTime(required=True, metadata={"description": "Before when it is on time"})
    expires_at = fields.AwareDateTime(
        required=True, allow_none=True, metadata={"description": "Before when it is worth doing late; null: always"}
    )
    time_zone = fields.String(required=True, metadata={"description": "By whose clock its days are counted"})
    state = fields.String(required=True, metadata={"description": "Where it stands now"})
    instrument = fields.String(
        required=True, allow_none=True, metadata={"description": "The questionnaire an assessment asks"}
    )
    reply = fields.String(required=True, allow_none=True, metadata={"description": "coming, please_change or null"})
    completed_at = fields.AwareDateTime(required=True, allow_none=True, metadata={"description": "When it was done"})


class AgendaOut(OnePageOut):
    """A whole agenda: not paged, in the order of its days."""

    items = fields.List(fields.Nested(AgendaItemOut), required=True, metadata={"description": "The items"})


class StaffAgendaItemOut(AgendaItemOut):
    """The same as staff see it."""

    attendance_id = fields.UUID(
        required=True,
        allow_none=True,
        metadata={"description": "The entry that says whether the patient came, for a reversal; null: none stands"},
    )


class StaffAgendaOut(OnePageOut):
    """A whole agenda: not paged, in the order of its days."""

    items = fields.List(fields.Nested(StaffAgendaItemOut), required=True, metadata={"description": "The items"})


class ReplyIn(Schema):
    """A patient's answer to an invitation."""

    reply = fields.String(
        required=True,
        validate=validate.OneOf([word.value for word in Reply]),
        metadata={"description": "coming, or please_change"},
    )
    note = people.words(load_default=None, allow_none=True, description="In the patient's own words")


class AttendanceIn(Schema):
    """What became of a visit."""

    status = fields.String(
        required=True,
        validate=validate.OneOf([word.value for word in Attendance]),
        metadata={"description": "attended or missed"},
    )
    on = day(required=True, description="On which day")


class PreviewQuery(Schema):
    """Whether to act, or only to show what the act would do."""

    preview = fields.Boolean(
        load_default=False,
        truthy={"true", "1"},
        falsy={"false", "0"},
        metadata={"description": "true: the same answer, and nothing is kept"},
    )


class CycleIn(Schema):
    """A donor's collection for a cycle."""

    number = fields.Integer(
        required=True,
        strict=True,
        validate=validate.Range(min=1, max=99),
        metadata={"description": "Which cycle of the protocol"},
    )
    donor_collection_on = day(required=True, description="The day of the donor's collection")


class CycleChangeIn(Schema):
    """A decision about a cycle."""

    status = fields.String(
        required=True,
        validate=validate.OneOf([CycleStatus.CONFIRMED.value, CycleStatus.RELEASE_FAILED.value]),
        metadata={"description": "confirmed (again with another day: moved) or release_failed"},
    )
    day_1_on = day(allow_none=True, load_default=None, description="The first infusion day; without it the planned one")

    @validates_schema
    def a_day_is_for_a_confirmation(self, change: dict[str, Any], **_: Any) -> None:
        """A pair that is not given has no day."""
        if change.get("day_1_on") and change.get("status") == CycleStatus.RELEASE_FAILED:
            raise ValidationError("Goes with confirmed only.", "day_1_on")


class InfusionIn(Schema):
    """The actual start of an infusion."""

    day = fields.Integer(
        required=True,
        strict=True,
        validate=validate.OneOf([1, 2]),
        metadata={"description": "1 or 2"},
    )
    started_at = instant(required=True, description="When it began")


class CycleOut(Schema):
    """One attempt at one cycle. The ids are what a reversal names."""

    id = fields.UUID(
        required=True, allow_none=True, metadata={"description": "The attempt's id; null in a preview of a new one"}
    )
    number = fields.Integer(required=True, metadata={"description": "Which cycle"})
    attempt = fields.Integer(required=True, metadata={"description": "2 after a release that failed, and so on"})
    status = fields.String(required=True, metadata={"description": "planned, confirmed or release_failed"})
    donor_collection_on = fields.Date(required=True, metadata={"description": "The donor's collection"})
    day_1_on = fields.Date(required=True, metadata={"description": "The first infusion day"})
    day_2_on = fields.Date(
        required=True,
        allow_none=True,
        metadata={"description": "The second infusion day; null where the protocol has one day only"},
    )
    day_1_started_at = fields.AwareDateTime(required=True, allow_none=True, metadata={"description": "Actual start"})
    day_2_started_at = fields.AwareDateTime(required=True, allow_none=True, metadata={"description": "Actual start"})
    day_2_missed_at = fields.AwareDateTime(
        required=True, allow_none=True, metadata={"description": "When it was recorded that day 2 was not given"}
    )
    planned_at = fields.AwareDateTime(required=True, metadata={"description": "When the collection was entered"})
    confirmed_at = fields.AwareDateTime(
        required=True, allow_none=True, metadata={"description": "When the dates were first confirmed"}
    )
    day_1_start_id = fields.UUID(
        required=True, allow_none=True, metadata={"description": "The record of that start, for a reversal"}
    )
    day_2_start_id = fields.UUID(
        required=True, allow_none=True, metadata={"description": "The record of that start, for a reversal"}
    )
    reversed_at = fields.AwareDateTime(
        required=True, allow_none=True, metadata={"description": "When it was found to be a mistake; null: it stands"}
    )
    reversed_by = fields.UUID(
        required=True, allow_none=True, metadata={"description": "Who signed that it was a mistake"}
    )


class CyclesOut(OnePageOut):
    """A patient's cycles: few, and therefore one page."""

    items = fields.List(fields.Nested(CycleOut), required=True, metadata={"description": "The cycles, every attempt"})


class DiffOut(Schema):
    """What an act did to the agenda, by key."""

    added = fields.List(fields.String(), required=True, metadata={"description": "New items"})
    moved = fields.List(fields.String(), required=True, metadata={"description": "Items with another day"})
    cancelled = fields.List(fields.String(), required=True, metadata={"description": "Items that are gone"})
    kept = fields.List(fields.String(), required=True, metadata={"description": "Items as they were"})
    messages_recalled = fields.Integer(required=True, metadata={"description": "Unsent messages that were taken back"})


class ChangeOut(Schema):
    """What every act on the calendar says it did."""

    diff = fields.Nested(DiffOut, required=True, metadata={"description": "What it did to the agenda"})


class CycleChangeOut(ChangeOut):
    """A cycle after an act, and what the act did."""

    cycle = fields.Nested(CycleOut, required=True, metadata={"description": "The cycle now"})


class AttendanceChangeOut(StaffAgendaItemOut, ChangeOut):
    """An item after somebody said whether the patient came, and what that did."""
