"""The shape of the sites' seed file."""

from marshmallow import fields, validate

from schemas.base import Schema


class SiteShape(Schema):
    """A hospital as the study begins with it; what staff change later is not overwritten."""

    code = fields.String(
        required=True, validate=validate.Regexp(r"site-\d{2,3}\Z"), metadata={"description": "site-01"}
    )
    name = fields.String(required=True, metadata={"description": "What people call it"})
    time_zone = fields.String(required=True, metadata={"description": "IANA time zone"})
    emergency_phone = fields.String(required=True, metadata={"description": "What a patient calls in an emergency"})
    office_phone = fields.String(metadata={"description": "What a patient calls otherwise"})
    assumption = fields.Boolean(load_default=False, metadata={"description": "To be confirmed by the site"})


class SitesFile(Schema):
    """All sites of the study."""

    sites = fields.List(fields.Nested(SiteShape), required=True, validate=validate.Length(min=1))
