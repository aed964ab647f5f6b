"""Signing in and out: what is presented, and the tokens that are given for it."""

from typing import Any

from marshmallow import fields, validate

from backend.terms import SecondFactor
from schemas.base import Schema
from schemas.paging import PageOut

LONGEST_TOKEN = 200
LONGEST_PASSWORD = 200
LONGEST_ONE_TIME_CODE = 40


def a_password(description: str, **options: Any) -> fields.String:
    """A password, as it is presented or wanted."""
    return fields.String(
        validate=validate.Length(min=1, max=LONGEST_PASSWORD), metadata={"description": description}, **options
    )


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
        metadata={
            "description": "Made by the phone once and kept secret: 128 random bits or more. The same code, year and "
            "device_id within ten minutes get the same tokens"
        },
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
    password = a_password("The password", required=True)
    totp = fields.String(
        validate=validate.Length(max=LONGEST_ONE_TIME_CODE),
        metadata={"description": "The authenticator's code, where one is set up, or one of the recovery codes"},
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
    second_factor = fields.String(
        required=True,
        validate=validate.OneOf([word.value for word in SecondFactor]),
        metadata={
            "description": "in_force: it was asked for; to_be_set_up: this token opens /auth/totp, its confirmation "
            "and signing out, nothing else; optional: a demo does not insist"
        },
    )


class AuthenticatorIn(Schema):
    """Somebody wants to set an authenticator up, or another one."""

    password = a_password("One's password again; needed when an authenticator is in force already")


class AuthenticatorOut(Schema):
    """What an authenticator app is given. It is shown once and kept sealed."""

    secret = fields.String(required=True, metadata={"description": "For typing in, base 32"})
    otpauth_uri = fields.String(required=True, metadata={"description": "What the QR code says"})
    qr_svg = fields.String(required=True, metadata={"description": "The QR code as an SVG image, for the app to scan"})


class FirstCodeIn(Schema):
    """The authenticator works: here is what it shows."""

    totp = fields.String(
        required=True,
        validate=validate.Length(min=1, max=LONGEST_ONE_TIME_CODE),
        metadata={"description": "The six digits the authenticator shows now"},
    )


class PasswordIn(Schema):
    """Somebody proves again that it is they."""

    password = a_password("One's password", required=True)


class RecoveryCodesOut(Schema):
    """Codes to print and lock away."""

    recovery_codes = fields.List(
        fields.String(),
        required=True,
        metadata={"description": "Shown once; each signs in once in place of the authenticator's code"},
    )


class PasswordChangeIn(Schema):
    """Somebody wants another password."""

    password = a_password("The password until now", required=True)
    new_password = a_password("At least 12 characters, not the one until now, not the address", required=True)


class SessionOut(Schema):
    """A session that runs."""

    id = fields.UUID(required=True, metadata={"description": "The session's id"})
    started_at = fields.AwareDateTime(required=True, metadata={"description": "When it was opened"})
    last_seen_at = fields.AwareDateTime(required=True, metadata={"description": "When it was last used, to the minute"})
    current = fields.Boolean(required=True, metadata={"description": "Whether it is the one that asks"})


class SessionPageOut(PageOut):
    """Some sessions, the newest first."""

    items = fields.List(fields.Nested(SessionOut), required=True, metadata={"description": "The sessions"})
