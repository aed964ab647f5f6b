"""Signing in and out: what is presented, and the tokens that are given for it."""

from marshmallow import fields, validate

from schemas.base import Schema

LONGEST_TOKEN = 200


class ActivationIn(Schema):
    """A patient's phone shows the code it was given."""

    code = fields.String(
        required=True, validate=validate.Length(min=1, max=40), metadata={"description": "As given by the coordinator"}
    )
    birth_year = fields.Integer(
        required=True,
        strict=True,
        validate=validate.Range(min=1900, max=2100),
        metadata={"description": "The patient's year of birth, as the second factor"},
    )
    device_id = fields.String(
        validate=validate.Length(min=1, max=100),
        metadata={"description": "Random, made by the phone once; the same within ten minutes gets the same tokens"},
    )


class RefreshIn(Schema):
    """A phone asks for its next tokens."""

    refresh_token = fields.String(
        required=True,
        validate=validate.Length(min=1, max=LONGEST_TOKEN),
        metadata={"description": "The newest one; an older one signs the phone out"},
    )


class PatientRefOut(Schema):
    """Which patient a phone is signed in for."""

    id = fields.UUID(required=True, metadata={"description": "The patient's id"})
    subject_number = fields.String(required=True, metadata={"description": "Such as 01-0007"})


class DeviceTokensOut(Schema):
    """What a phone keeps."""

    access_token = fields.String(required=True, metadata={"description": "For Authorization: Bearer"})
    refresh_token = fields.String(required=True, metadata={"description": "For the next tokens; works once"})
    expires_in = fields.Integer(required=True, metadata={"description": "Seconds the access token still lives"})
    patient = fields.Nested(PatientRefOut, required=True, metadata={"description": "Who is signed in"})


class StaffSignInIn(Schema):
    """A member of staff proves who they are."""

    email = fields.String(
        required=True, validate=validate.Length(min=1, max=254), metadata={"description": "The address signed in with"}
    )
    password = fields.String(
        required=True, validate=validate.Length(min=1, max=200), metadata={"description": "The password"}
    )
    totp = fields.String(
        validate=validate.Length(max=12), metadata={"description": "The code of the authenticator, where one is set up"}
    )


class RoleOut(Schema):
    """A role and where it is held."""

    role = fields.String(required=True, metadata={"description": "What the person is"})
    site = fields.String(required=True, metadata={"description": "A site's code, or * for every site"})


class SignedInStaffOut(Schema):
    """Who has signed in."""

    id = fields.UUID(required=True, metadata={"description": "The person's id"})
    name = fields.String(required=True, metadata={"description": "The person's name"})
    roles = fields.List(fields.Nested(RoleOut), required=True, metadata={"description": "What they may be, where"})


class StaffTokenOut(Schema):
    """A member of staff's token."""

    access_token = fields.String(required=True, metadata={"description": "For Authorization: Bearer"})
    expires_in = fields.Integer(required=True, metadata={"description": "Seconds it lives if it is not used"})
    staff = fields.Nested(SignedInStaffOut, required=True, metadata={"description": "Who has signed in"})
