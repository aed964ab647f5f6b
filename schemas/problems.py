"""The one error shape of the whole API: RFC 9457 problem details with our stable code."""

import marshmallow
from marshmallow import fields

from schemas.base import Schema


class ProblemOut(Schema):
    """What every refusal and failure looks like. Some say more: the bounds that were missed, the key it was about."""

    class Meta:
        """Facts have names of their own."""

        unknown = marshmallow.INCLUDE

    type = fields.String(required=True, metadata={"description": "urn:followup:problem:<code>"})
    title = fields.String(required=True, metadata={"description": "What kind of problem this is, for a person"})
    status = fields.Integer(required=True, metadata={"description": "The HTTP status again"})
    detail = fields.String(required=True, metadata={"description": "What happened this time, for a person"})
    code = fields.String(
        required=True, metadata={"description": "What happened, for a program; never changes (docs/errors.md)"}
    )
    request_id = fields.String(required=True, metadata={"description": "Names this request in our log"})
    errors = fields.Dict(
        keys=fields.String(),
        values=fields.List(fields.String()),
        metadata={"description": "Complaints by field path, such as answers.0.value"},
    )
