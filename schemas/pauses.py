"""Pauses of all contact, and stays in hospital."""

from marshmallow import fields

from schemas import people
from schemas.agenda import ChangeOut
from schemas.base import Schema, StrictBoolean
from schemas.moments import day
from schemas.paging import OnePageOut


class PauseIn(Schema):
    """A pause that somebody asks for. It ends as a day begins, like a snooze: so that nobody counts in two zones."""

    reason = people.note(required=True, description="Why, in words; sealed")
    until = day(
        required=True,
        description="The day, where the patient lives, with which messages go on; to come, at most 90 days ahead",
    )


class PauseOut(Schema):
    """A pause of all contact with a patient."""

    id = fields.UUID(
        required=True, allow_none=True, metadata={"description": "The pause's id; null in a preview of a new one"}
    )
    kind = fields.String(
        required=True, metadata={"description": "paused: somebody asked; hospitalised: an unplanned stay in hospital"}
    )
    since = fields.AwareDateTime(required=True, metadata={"description": "From when it holds"})
    until = fields.AwareDateTime(required=True, allow_none=True, metadata={"description": "When it ends by itself"})
    ended_at = fields.AwareDateTime(
        required=True, allow_none=True, metadata={"description": "When it ended; null: it has not"}
    )


class PauseReadOut(PauseOut):
    """A pause, with words for those who may read them."""

    reason = people.reason_read()


class PausesOut(OnePageOut):
    """A patient's pauses: few, and therefore one page."""

    items = fields.List(fields.Nested(PauseReadOut), required=True, metadata={"description": "The latest first"})


class PauseChangeOut(ChangeOut):
    """A pause after an act, and what the act did."""

    pause = fields.Nested(PauseOut, required=True, metadata={"description": "The pause now"})


class HospitalisationIn(Schema):
    """A stay in hospital."""

    admitted_on = day(required=True, description="The day of admission, where the patient lives")
    discharged_on = day(load_default=None, allow_none=True, description="The day of discharge; null: still there")
    planned = StrictBoolean(required=True, metadata={"description": "Whether it was planned before; pauses nothing"})
    reason = people.note(required=True, description="Why, in words; sealed")


class DischargeIn(Schema):
    """The end of a stay."""

    discharged_on = day(required=True, description="The day of discharge, where the patient lives")


class HospitalisationOut(Schema):
    """A stay in hospital."""

    id = fields.UUID(
        required=True, allow_none=True, metadata={"description": "The stay's id; null in a preview of a new one"}
    )
    planned = fields.Boolean(required=True, metadata={"description": "Whether it was planned before"})
    admitted_on = fields.Date(required=True, metadata={"description": "The day of admission"})
    discharged_on = fields.Date(
        required=True, allow_none=True, metadata={"description": "The day of discharge; null: still there"}
    )
    recorded_at = fields.AwareDateTime(required=True, metadata={"description": "When it was entered"})
    reversed_at = fields.AwareDateTime(
        required=True, allow_none=True, metadata={"description": "When it was found to be a mistake; null: it stands"}
    )


class HospitalisationReadOut(HospitalisationOut):
    """A stay, with words for those who may read them."""

    reason = people.reason_read()


class HospitalisationsOut(OnePageOut):
    """A patient's stays: few, and therefore one page."""

    items = fields.List(
        fields.Nested(HospitalisationReadOut), required=True, metadata={"description": "The latest admission first"}
    )


class HospitalisationChangeOut(ChangeOut):
    """A stay after an act, and what the act did."""

    hospitalisation = fields.Nested(HospitalisationOut, required=True, metadata={"description": "The stay now"})
    paused_until = fields.AwareDateTime(
        required=True, allow_none=True, metadata={"description": "Until when contact is paused for it; null: it is not"}
    )
