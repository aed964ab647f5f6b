"""Tasks for a person: the list, and what came of one."""

from marshmallow import fields, validate

from backend.terms import CallOutcome, Duty, WorkReason
from schemas import people
from schemas.base import Schema
from schemas.paging import PageOut, PageQuery
from schemas.sign_in import PatientRefOut


class WorkQuery(PageQuery):
    """Which tasks."""

    site = fields.String(
        load_default=None, validate=validate.Length(max=20), metadata={"description": "Only this site"}
    )
    status = fields.String(
        load_default="open",
        validate=validate.OneOf(["open", "resolved", "all"]),
        metadata={"description": "Open tasks, resolved ones, or all"},
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
    agenda_key = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "The item of the patient's agenda that a silent patient is called about"},
    )
    for_role = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "Whose duty it is now; `on_call`: whoever is by the roster; null: everybody's"},
    )
    due_at = fields.AwareDateTime(required=True, metadata={"description": "By when"})
    created_at = fields.AwareDateTime(required=True, metadata={"description": "Since when"})
    resolved_at = fields.AwareDateTime(
        required=True, allow_none=True, metadata={"description": "When it was closed; null: open"}
    )
    resolved_by = fields.UUID(
        required=True,
        allow_none=True,
        metadata={"description": "The member of staff who closed it; null: open, or what it asked for had gone"},
    )
    last_try = fields.String(
        required=True,
        allow_none=True,
        validate=validate.OneOf([word.value for word in CallOutcome]),
        metadata={"description": "What came of the latest call that reached nobody; null: nobody has tried, or closed"},
    )


class WorkPageOut(PageOut):
    """Some tasks, the most pressing first."""

    items = fields.List(fields.Nested(WorkItemOut), required=True, metadata={"description": "The tasks"})


class ResolutionIn(Schema):
    """What came of a task."""

    outcome = fields.String(
        required=True,
        validate=[validate.Length(min=1, max=200), people.not_blank, people.one_line],
        metadata={
            "description": "In a few words. A call about a moved date closes with `spoke_to_patient` only; "
            "`no_answer`, `left_message` and `wrong_number` keep every call open"
        },
    )
    note = people.note(load_default=None, allow_none=True, description="Anything worth keeping")


class ReopeningIn(Schema):
    """Why a task was closed by mistake."""

    reason = people.note(required=True, description="Why it is to be done after all")
