"""Tasks for a person: the list, and what came of one."""

from marshmallow import fields, validate

from backend.terms import Duty, WorkReason
from schemas import people
from schemas.base import Schema
from schemas.paging import PageOut, PageQuery
from schemas.sign_in import PatientRefOut


class WorkQuery(PageQuery):
    """Which tasks."""

    site = fields.String(
        load_default=None, validate=validate.Length(max=20), metadata={"description": "Only this site"}
    )
    reason = fields.String(
        load_default=None,
        validate=validate.OneOf([word.value for word in WorkReason]),
        metadata={"description": "Only tasks that exist for this reason"},
    )
    for_role = fields.String(
        load_default=None,
        validate=validate.OneOf([duty.value for duty in Duty]),
        metadata={"description": "Only tasks that are their duty now"},
    )


class WorkItemOut(Schema):
    """A task for a person."""

    id = fields.UUID(required=True, metadata={"description": "The task's id"})
    patient = fields.Nested(
        PatientRefOut, required=True, allow_none=True, metadata={"description": "About whom; null: about no patient"}
    )
    site = fields.String(required=True, metadata={"description": "The site's code"})
    reason = fields.String(required=True, metadata={"description": "Why it exists"})
    key = fields.String(required=True, metadata={"description": "What it is about, said once for ever"})
    for_role = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "Whose duty it is now; `on_call`: whoever is by the roster; null: everybody's"},
    )
    due_at = fields.AwareDateTime(required=True, metadata={"description": "By when"})
    created_at = fields.AwareDateTime(required=True, metadata={"description": "Since when"})
    resolved_at = fields.AwareDateTime(
        required=True, allow_none=True, metadata={"description": "When a person closed it; null: open"}
    )


class WorkPageOut(PageOut):
    """Some open tasks, the most pressing first."""

    items = fields.List(fields.Nested(WorkItemOut), required=True, metadata={"description": "The tasks"})


class ResolutionIn(Schema):
    """What came of a task."""

    outcome = fields.String(
        required=True,
        validate=[validate.Length(min=1, max=200), people.not_blank, people.one_line],
        metadata={"description": "In a few words"},
    )
    note = people.note(load_default=None, allow_none=True, description="Anything worth keeping")
