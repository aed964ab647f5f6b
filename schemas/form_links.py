"""Links to the plain form."""

from marshmallow import fields, validate

from schemas.base import Schema


class FormLinkIn(Schema):
    """Which questionnaire the form shall ask."""

    agenda_key = fields.String(
        allow_none=True,
        load_default=None,
        validate=validate.Length(min=1, max=80),
        metadata={"description": "An item of the agenda that can be answered now; without it, the one that is due"},
    )


class FormLinkOut(Schema):
    """A link to the plain form, shown once."""

    link = fields.String(required=True, metadata={"description": "Opens the form; an earlier one opens nothing more"})
    expires_at = fields.AwareDateTime(required=True, metadata={"description": "Until when it opens"})
    qr_svg = fields.String(required=True, metadata={"description": "The link as a QR code, an inline SVG image"})
    instrument = fields.String(required=True, metadata={"description": "The questionnaire it asks"})
    agenda_key = fields.String(
        required=True, allow_none=True, metadata={"description": "What it answers; null for something wrong now"}
    )
