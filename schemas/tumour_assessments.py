"""What imaging showed of the tumour."""

from marshmallow import fields, validate

from backend.event_terms import ResponseCriteria, TumourResponse
from schemas import moments
from schemas.base import Schema
from schemas.paging import OnePageOut


class TumourAssessmentIn(Schema):
    """What a person read off the images."""

    assessed_on = moments.day(required=True, description="The day of the images, where the patient lives")
    response = fields.String(
        required=True,
        validate=validate.OneOf([word.value for word in TumourResponse]),
        metadata={"description": "CR, PR, SD, PD or NE"},
    )
    criteria = fields.String(
        load_default=ResponseCriteria.RECIST.value,
        validate=validate.OneOf([word.value for word in ResponseCriteria]),
        metadata={"description": "RECIST 1.1 or mRECIST"},
    )


class TumourAssessmentOut(Schema):
    """An assessment as it stands."""

    id = fields.UUID(required=True, metadata={"description": "Its id"})
    assessed_on = fields.Date(required=True, metadata={"description": "The day of the images"})
    response = fields.String(required=True, metadata={"description": "CR, PR, SD, PD or NE"})
    criteria = fields.String(required=True, metadata={"description": "RECIST 1.1 or mRECIST"})
    recorded_by = fields.UUID(required=True, allow_none=True, metadata={"description": "Who entered it"})
    recorded_at = fields.AwareDateTime(required=True, metadata={"description": "When"})
    reversed_at = fields.AwareDateTime(
        required=True, allow_none=True, metadata={"description": "When it was said to be a mistake; null: it stands"}
    )


class TumourAssessmentsOut(OnePageOut):
    """A patient's assessments: few, and therefore one page."""

    items = fields.List(
        fields.Nested(TumourAssessmentOut), required=True, metadata={"description": "The earliest first"}
    )
