"""What is stopped for good, withdrawals, and the signed reversal of either."""

from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from backend.terms import Treatment, WithdrawalScope
from schemas import people
from schemas.agenda import ChangeOut
from schemas.base import Schema, StrictBoolean
from schemas.moments import day
from schemas.paging import OnePageOut
from schemas.sign_in import a_password


class DiscontinuationIn(Schema):
    """A treatment is stopped; the patient stays in follow-up."""

    treatment = fields.String(
        required=True,
        validate=validate.OneOf([word.value for word in Treatment]),
        metadata={"description": "cells, or targeted_drug"},
    )
    on = day(required=True, description="From which day it is given no more")
    reason = people.note(required=True, description="Why, in words; sealed")


class WithdrawalIn(Schema):
    """The patient withdraws."""

    scope = fields.String(
        required=True,
        data_key="from",
        validate=validate.OneOf([word.value for word in WithdrawalScope]),
        metadata={"description": "reporting: no more questionnaires; study: no more contact"},
    )
    on = day(required=True, description="On which day the patient said so")
    reason = people.note(required=True, description="Why, in words; sealed")
    records_search_allowed = StrictBoolean(
        load_default=None,
        allow_none=True,
        metadata={"description": "Whether records may still be searched; with study only. null: nobody asked, so no"},
    )

    @validates_schema
    def searches_are_about_the_study(self, wish: dict[str, Any], **_: Any) -> None:
        """Who stops answering is still followed, and is not asked about searches."""
        if wish.get("scope") == WithdrawalScope.REPORTING and wish.get("records_search_allowed") is not None:
            raise ValidationError("Goes with study only.", "records_search_allowed")


class ReversalIn(Schema):
    """An entry was a mistake, and its author or another physician says so in their own hand."""

    of = fields.UUID(
        required=True,
        metadata={
            "description": "The id of a discontinuation, withdrawal, stay, deviation or cycle, or an attendance_id, "
            "day_1_start_id or day_2_start_id"
        },
    )
    reason = people.note(required=True, description="Why it was a mistake, in words; sealed")
    password = a_password("One's password again; not needed for a preview, which signs nothing", load_default=None)


class _ReversibleOut(Schema):
    """What every act has that can be reversed."""

    id = fields.UUID(required=True, allow_none=True, metadata={"description": "Its id; null in a preview"})
    on = fields.Date(required=True, metadata={"description": "From which day"})
    recorded_by = fields.UUID(required=True, allow_none=True, metadata={"description": "Who entered it"})
    recorded_at = fields.AwareDateTime(required=True, metadata={"description": "When"})
    reversed_by = fields.UUID(
        required=True, allow_none=True, metadata={"description": "Who signed that it was a mistake"}
    )
    reversed_at = fields.AwareDateTime(
        required=True, allow_none=True, metadata={"description": "When; null while it stands"}
    )


class DiscontinuationOut(_ReversibleOut):
    """A treatment that was stopped."""

    treatment = fields.String(required=True, metadata={"description": "cells, or targeted_drug"})


class DiscontinuationReadOut(DiscontinuationOut):
    """The same, with words for those who may read them."""

    reason = people.reason_read()


class DiscontinuationsOut(OnePageOut):
    """A patient's discontinuations: few, and therefore one page."""

    items = fields.List(
        fields.Nested(DiscontinuationReadOut), required=True, metadata={"description": "The latest entry first"}
    )


class DiscontinuationChangeOut(ChangeOut):
    """A discontinuation, and what it did."""

    discontinuation = fields.Nested(DiscontinuationOut, required=True, metadata={"description": "What was stopped"})


class WithdrawalOut(_ReversibleOut):
    """A withdrawal."""

    scope = fields.String(required=True, data_key="from", metadata={"description": "reporting, or study"})
    records_search_allowed = fields.Boolean(
        required=True, allow_none=True, metadata={"description": "Whether records may still be searched"}
    )


class WithdrawalReadOut(WithdrawalOut):
    """The same, with words for those who may read them."""

    reason = people.reason_read()


class WithdrawalsOut(OnePageOut):
    """A patient's withdrawals: few, and therefore one page."""

    items = fields.List(
        fields.Nested(WithdrawalReadOut), required=True, metadata={"description": "The latest entry first"}
    )


class WithdrawalChangeOut(ChangeOut):
    """A withdrawal, and what it did."""

    withdrawal = fields.Nested(WithdrawalOut, required=True, metadata={"description": "The withdrawal"})


class ReversalOut(Schema):
    """A signed statement that an entry was a mistake."""

    id = fields.UUID(required=True, allow_none=True, metadata={"description": "Its id; null in a preview"})
    of = fields.UUID(required=True, attribute="of_id", metadata={"description": "The id of what was reversed"})
    of_type = fields.String(
        required=True,
        metadata={
            "description": "discontinuation, withdrawal, hospitalisation, deviation, cycle, attendance, "
            "infusion_start, tumour_assessment, protocol_move or death_report"
        },
    )
    content_hash = fields.String(
        required=True, metadata={"description": "SHA-256 of the entry as it is stored: what the signature is about"}
    )
    signed_by = fields.UUID(required=True, allow_none=True, metadata={"description": "Who signed"})
    signed_at = fields.AwareDateTime(required=True, metadata={"description": "When"})


class ReversalReadOut(ReversalOut):
    """The same, with what was undone, and with words for those who may read them."""

    content = fields.Dict(
        keys=fields.String(),
        required=True,
        allow_none=True,
        metadata={"description": "The entry as it stood; null for reversals from before that was kept"},
    )
    reason = fields.String(
        required=True, allow_none=True, metadata={"description": "Why; null for who may not read identifiers"}
    )


class ReversalsOut(OnePageOut):
    """A patient's reversals: few, and therefore one page."""

    items = fields.List(
        fields.Nested(ReversalReadOut), required=True, metadata={"description": "The latest signature first"}
    )


class ReversalChangeOut(ChangeOut):
    """A reversal, and what it did."""

    reversal = fields.Nested(ReversalOut, required=True, metadata={"description": "The reversal"})
