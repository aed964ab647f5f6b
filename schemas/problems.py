"""The one error shape of the whole API: RFC 9457 problem details with our stable code."""

from marshmallow import fields

from schemas.base import Schema


class ProblemOut(Schema):
    """What every refusal and failure looks like."""

    type = fields.String(metadata={"description": "urn:followup:problem:<code>"})
    title = fields.String(metadata={"description": "What kind of problem this is, for a person"})
    status = fields.Integer(metadata={"description": "The HTTP status again"})
    detail = fields.String(metadata={"description": "What happened this time, for a person"})
    code = fields.String(metadata={"description": "What happened, for a program; never changes (docs/errors.md)"})
    request_id = fields.String(metadata={"description": "Names this request in our log"})
    errors = fields.Dict(
        keys=fields.String(),
        values=fields.List(fields.String()),
        metadata={"description": "Complaints by field path, such as answers.0.value"},
    )
