"""Whether this server is well, for those who watch over it."""

from marshmallow import fields

from schemas.base import Schema


class AliveOut(Schema):
    """The process answers."""

    status = fields.String(required=True, metadata={"description": "ok"})


class WorkerOut(Schema):
    """The process that sends messages."""

    status = fields.String(required=True, metadata={"description": "ticking, silent, or none has ever run"})
    seconds_since_beat = fields.Integer(
        required=True, allow_none=True, metadata={"description": "Since it last showed itself"}
    )


class ReadyOut(Schema):
    """What must work for the trial to run."""

    database = fields.String(required=True, metadata={"description": "ok or unavailable"})
    schema = fields.String(required=True, metadata={"description": "ok, out_of_date or unknown"})
    worker = fields.Nested(WorkerOut, required=True, metadata={"description": "The process that sends messages"})
    stopped = fields.List(
        fields.String(),
        required=True,
        metadata={"description": "Ways of sending that refuse everything, so that nothing is sent by them for now"},
    )
