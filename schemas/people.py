"""Fields that several resources share: how a person is named and reached, and the words they may use."""

from typing import Any

from marshmallow import ValidationError, fields, validate

from backend.clock import is_time_zone
from backend.terms import ChannelKind, Language

CLOCK_TIME = "%H:%M"
LONGEST_NAME = 200
LONGEST_NOTE = 4_000


def name(**options: Any) -> fields.String:
    """A person's or a site's name: something must be left when the spaces are taken away."""
    return fields.String(validate=[validate.Length(min=1, max=LONGEST_NAME), _not_blank], **_described(options))


def phone(**options: Any) -> fields.String:
    """A telephone number, with or without a country code; the door below reads it."""
    return fields.String(validate=validate.Length(min=1, max=40), **_described(options))


def email(**options: Any) -> fields.Email:
    """An e-mail address."""
    return fields.Email(validate=validate.Length(max=254), **_described(options))


def language(**options: Any) -> fields.String:
    """One of the languages in which every patient-facing text exists."""
    return fields.String(validate=validate.OneOf([word.value for word in Language]), **_described(options))


def time_zone(**options: Any) -> fields.String:
    """An IANA time zone."""
    return fields.String(validate=[validate.Length(max=64), _is_zone], **_described(options))


def channels(**options: Any) -> fields.List[Any]:
    """Ways to reach the person, the preferred one first, each once."""
    one = fields.String(validate=validate.OneOf([word.value for word in ChannelKind]))
    return fields.List(one, validate=[validate.Length(min=1, max=len(ChannelKind)), _each_once], **_described(options))


def clock_time(**options: Any) -> fields.Time:
    """A time on the person's own wall, such as 08:30."""
    return fields.Time(format=CLOCK_TIME, **_described(options))


def note(**options: Any) -> fields.String:
    """Words of a person; sealed where they are kept."""
    return fields.String(validate=validate.Length(min=1, max=LONGEST_NOTE), **_described(options))


def _described(options: dict[str, Any]) -> dict[str, Any]:
    """A description is given as a plain word and travels as metadata."""
    description = options.pop("description", "")
    return {**options, "metadata": {"description": description}}


def _not_blank(value: str) -> None:
    if not value.strip():
        raise ValidationError("Something other than spaces is needed.")


def _is_zone(value: str) -> None:
    if not is_time_zone(value):
        raise ValidationError("This is not a time zone like Asia/Shanghai.")


def _each_once(values: list[str]) -> None:
    if len(set(values)) != len(values):
        raise ValidationError("Each at most once.")
