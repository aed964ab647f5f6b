"""Fields that several resources share: how a person is named and reached, and the words they may use."""

import unicodedata
from typing import Any

from marshmallow import ValidationError, fields, validate

from backend.clock import is_time_zone
from backend.terms import PATIENT_CHANNELS, Language

CLOCK_TIME = "%H:%M"
LONGEST_NAME = 200
LONGEST_NOTE = 4_000
# What breaks a line, and what turns the direction of what stands beside it: a name must not be able to pose as another.
NOT_IN_A_LINE = frozenset({"Cc", "Zl", "Zp"})
TURNING = frozenset("\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
WITHIN_WORDS = frozenset("\t\n\r")
# What is no space by its kind, and yet shows nothing: marks between letters, and the fillers of some scripts.
SHOWING_NOTHING = frozenset({"Cc", "Cf"})
FILLERS = frozenset("\u115f\u1160\u2800\u3164\uffa0")


def name(**options: Any) -> fields.String:
    """A person's or a site's name: something must be left when the spaces are taken away."""
    return fields.String(validate=[validate.Length(1, LONGEST_NAME), not_blank, one_line], **_described(options))


def phone(**options: Any) -> fields.String:
    """A telephone number, with or without a country code; the door below reads it."""
    return fields.String(validate=[validate.Length(min=1, max=40), one_line], **_described(options))


def email(**options: Any) -> fields.Email:
    """An e-mail address."""
    return fields.Email(validate=[validate.Length(max=254), one_line], **_described(options))


def language(**options: Any) -> fields.String:
    """One of the languages in which every patient-facing text exists."""
    return fields.String(validate=validate.OneOf([word.value for word in Language]), **_described(options))


def time_zone(**options: Any) -> fields.String:
    """An IANA time zone."""
    return fields.String(validate=[validate.Length(max=64), _is_zone], **_described(options))


def channels(**options: Any) -> fields.List[Any]:
    """Ways to reach the person, the preferred one first, each once."""
    one = fields.String(validate=validate.OneOf([word.value for word in PATIENT_CHANNELS]))
    return fields.List(
        one, validate=[validate.Length(min=1, max=len(PATIENT_CHANNELS)), _each_once], **_described(options)
    )


def clock_time(**options: Any) -> fields.Time:
    """A time on the person's own wall, such as 08:30."""
    return fields.Time(format=CLOCK_TIME, **_described(options))


def note(**options: Any) -> fields.String:
    """Words of a member of staff; sealed where they are kept. Spaces alone are no reason for anything."""
    return fields.String(
        validate=[validate.Length(min=1, max=LONGEST_NOTE), not_blank, plain_words], **_described(options)
    )


def words(**options: Any) -> fields.String:
    """Words of a patient; sealed where they are kept. No letter of theirs is a reason to lose the rest."""
    return fields.String(validate=validate.Length(min=1, max=LONGEST_NOTE), **_described(options))


def _described(options: dict[str, Any]) -> dict[str, Any]:
    """A description is given as a plain word and travels as metadata."""
    description = options.pop("description", "")
    return {**options, "metadata": {"description": description}}


def not_blank(value: str) -> None:
    """Something must be left when the spaces are taken away, and whatever else shows nothing."""
    if all(letter.isspace() or _shows_nothing(letter) for letter in value):
        raise ValidationError("Something other than spaces is needed.")


def not_only_spaces(value: str) -> None:
    """The same for a patient's words, but for spaces alone: a mark that a telephone put in must cost no report."""
    if not value.strip():
        raise ValidationError("Something other than spaces is needed.")


def reason_read() -> fields.String:
    """The reason of an act, as it is read."""
    return fields.String(
        required=True, allow_none=True, metadata={"description": "Why; null for who may not read identifiers"}
    )


def one_line(value: str) -> None:
    """For names, addresses and codes: nothing in it that breaks the line or turns what stands beside it."""
    if any(letter in TURNING or unicodedata.category(letter) in NOT_IN_A_LINE for letter in value):
        raise ValidationError("Holds a character that is not part of a line of text.")


def plain_words(value: str) -> None:
    """For what staff write: lines and tabs, and no other control character."""
    if any(unicodedata.category(letter) == "Cc" and letter not in WITHIN_WORDS for letter in value):
        raise ValidationError("Holds a control character.")


def _shows_nothing(letter: str) -> bool:
    return letter in FILLERS or unicodedata.category(letter) in SHOWING_NOTHING


def _is_zone(value: str) -> None:
    if not is_time_zone(value):
        raise ValidationError("This is not a time zone like Asia/Shanghai.")


def _each_once(values: list[str]) -> None:
    if len(set(values)) != len(values):
        raise ValidationError("Each at most once.")
