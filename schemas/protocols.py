"""Versions of the protocol: from when each holds at a site, and which patient moved to which."""

from marshmallow import fields, validate

from schemas import people
from schemas.agenda import ChangeOut
from schemas.base import Schema, StrictBoolean
from schemas.moments import day
from schemas.paging import OnePageOut

MOST_VERSIONS = 1_000_000


class EffectIn(Schema):
    """A principal investigator says from when a version holds."""

    site = fields.String(
        required=True, validate=validate.Length(min=1, max=20), metadata={"description": "The site's code"}
    )
    effective_on = day(required=True, description="From which day of the site's calendar; today at the earliest")
    reconsent_required = StrictBoolean(
        required=True, metadata={"description": "Whether a patient consents anew before moving to it"}
    )
    reason = people.note(required=True, description="Why then, in words: which approval, of when; sealed")


class EffectOut(Schema):
    """From when a version holds at a site."""

    site = fields.String(required=True, metadata={"description": "Where"})
    effective_on = fields.Date(required=True, metadata={"description": "From which day of the site's calendar"})
    reconsent_required = fields.Boolean(
        required=True, metadata={"description": "Whether a patient consents anew before moving to it"}
    )
    has_begun = fields.Boolean(required=True, metadata={"description": "From then on it cannot be set anew"})
    set_by = fields.UUID(required=True, allow_none=True, metadata={"description": "Who set it"})
    set_at = fields.AwareDateTime(required=True, metadata={"description": "When"})
    reason = people.reason_read()


class ProtocolVersionOut(Schema):
    """One version of the study's protocol."""

    version = fields.Integer(required=True, metadata={"description": "Its number, from 1"})
    study = fields.String(required=True, metadata={"description": "The study's name in the register"})
    content_hash = fields.String(required=True, metadata={"description": "SHA-256 of its canonical text"})
    loaded_at = fields.AwareDateTime(required=True, metadata={"description": "When it was loaded"})
    effects = fields.List(
        fields.Nested(EffectOut),
        required=True,
        metadata={"description": "From when it holds, site by site. The first version holds from the beginning"},
    )


class ProtocolVersionsOut(OnePageOut):
    """The study's versions: few, and therefore one page."""

    items = fields.List(
        fields.Nested(ProtocolVersionOut), required=True, metadata={"description": "The versions, the oldest first"}
    )


class ProtocolMoveIn(Schema):
    """A patient moves to a newer version."""

    to = fields.Integer(
        required=True,
        strict=True,
        validate=validate.Range(min=1, max=MOST_VERSIONS),
        metadata={"description": "The version's number"},
    )
    moved_on = day(
        load_default=None,
        allow_none=True,
        description="For which day of the site's calendar it was decided; today if left out",
    )
    reconsented_on = day(
        load_default=None, allow_none=True, description="When the patient consented anew, where the version needs it"
    )


class ProtocolMoveOut(Schema):
    """A move of a patient from one version to another."""

    id = fields.UUID(
        required=True, allow_none=True, metadata={"description": "Its id, for a reversal; null in a preview"}
    )
    from_version = fields.Integer(required=True, data_key="from", metadata={"description": "The version of before"})
    to = fields.Integer(required=True, metadata={"description": "The version from then on"})
    moved_on = fields.Date(required=True, metadata={"description": "For which day it was decided"})
    reconsented_on = fields.Date(
        required=True, allow_none=True, metadata={"description": "When the patient consented anew"}
    )
    recorded_by = fields.UUID(required=True, allow_none=True, metadata={"description": "Who entered it"})
    recorded_at = fields.AwareDateTime(
        required=True, metadata={"description": "When; what had begun by then stays as it was"}
    )
    reversed_by = fields.UUID(
        required=True, allow_none=True, metadata={"description": "Who signed that it was a mistake"}
    )
    reversed_at = fields.AwareDateTime(
        required=True, allow_none=True, metadata={"description": "When; null while it stands"}
    )


class ProtocolMovesOut(OnePageOut):
    """A patient's moves: few, and therefore one page."""

    items = fields.List(
        fields.Nested(ProtocolMoveOut), required=True, metadata={"description": "The moves, the oldest first"}
    )


class ProtocolMoveChangeOut(ChangeOut):
    """A move, and what it did."""

    move = fields.Nested(ProtocolMoveOut, required=True, metadata={"description": "The move"})
    asked_otherwise = fields.List(
        fields.String(), required=True, metadata={"description": "Keys of what asks with another questionnaire now"}
    )
    left_as_begun = fields.List(
        fields.String(),
        required=True,
        metadata={"description": "Keys of what the new version has on another day, but which has begun: it stays"},
    )
