"""Fields of seed files: strict about types, because a hand-written ``"3"`` or ``yes`` is a slip worth naming."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate

from backend.terms import Language

TIME_OF_DAY = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"
WORD = r"^[a-z][a-z0-9_-]*$"
# How words of danger may be bent; the protocol file and docs/conditions.md explain the signs.
SIGNS = frozenset("*~[]")
NUMBER_SIGN = "#"
BENT_PHRASE = re.compile(r"[^\s*~\[\]]+\*?( (~ )?[^\s*~\[\]]+\*?)*")
BENT_CHARACTERS = re.compile(r"[^\s*~\[\]]+(\[[^\x00-\x7f]+\][^\s*~\[\]]+)*")


class Whole(fields.Field[int]):
    """A whole number written as one, within bounds."""

    def __init__(self, description: str, *, at_least: int, at_most: int, **options: Any) -> None:
        options["metadata"] = {"description": description}
        super().__init__(validate=validate.Range(at_least, at_most), **options)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise ValidationError("Must be a whole number.")
        return value


class Number(fields.Field[float]):
    """A number written as one."""

    def __init__(self, description: str, **options: Any) -> None:
        super().__init__(metadata={"description": description}, **options)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValidationError("Must be a number.")
        return value


class Truth(fields.Field[bool]):
    """``true`` or ``false`` and nothing that looks like it."""

    def __init__(self, description: str, **options: Any) -> None:
        super().__init__(metadata={"description": description}, **options)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> bool:
        if not isinstance(value, bool):
            raise ValidationError("Must be true or false.")
        return value


class Stated(fields.Field[Any]):
    """A whole number, plain when it is in the trial's record, ``{value, assumption: true}`` when it is ours."""

    def __init__(self, description: str, *, at_least: int, at_most: int) -> None:
        super().__init__(required=True, metadata={"description": description})
        self.inner: fields.Field[Any] = Whole(description, at_least=at_least, at_most=at_most, required=True)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        if not isinstance(value, Mapping):
            return self.inner.deserialize(value, attr, data)
        unknown = {str(name): ["Unknown field."] for name in value if name not in {"value", "assumption"}}
        if unknown:
            raise ValidationError(unknown)
        if value.get("assumption") is not True:
            raise ValidationError({"assumption": ["Must be true, or left out together with value."]})
        return {"value": self.inner.deserialize(value.get("value"), "value", value), "assumption": True}


class StatedTime(Stated):
    """A time of day, plain or marked in the same way."""

    def __init__(self, description: str) -> None:
        super().__init__(description, at_least=0, at_most=0)
        self.inner = time_of_day(description)


class Tagged(fields.Field[Any]):
    """A mapping whose ``type`` says which shape the rest of it has."""

    def __init__(self, description: str, shapes: Mapping[str, type[Schema]]) -> None:
        super().__init__(required=True, metadata={"description": description})
        self.shapes = {name: shape() for name, shape in shapes.items()}

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        if not isinstance(value, Mapping):
            raise ValidationError("Must be a mapping with a type.")
        shape = self.shapes.get(str(value.get("type")))
        if shape is None:
            raise ValidationError({"type": [f"Must be one of: {', '.join(self.shapes)}."]})
        return shape.load(value)


def text(
    description: str, *, longest: int = 200, written: Callable[[str], None] | None = None, **options: Any
) -> fields.String:
    """A text of at least one character, ``written`` as the check demands."""
    options.setdefault("required", True)
    checks: list[Callable[[str], Any]] = [validate.Length(1, longest), *([written] if written else [])]
    return fields.String(validate=checks, metadata={"description": description}, **options)


def word(description: str, **options: Any) -> fields.String:
    """A code: lower-case letters, digits, ``_`` and ``-``."""
    options.setdefault("required", True)
    must = validate.Regexp(WORD, error="Must be a word of lower-case letters, digits, _ and -.")
    return fields.String(validate=must, metadata={"description": description}, **options)


def one_of(description: str, choices: list[str], **options: Any) -> fields.String:
    """One of the words listed."""
    options.setdefault("required", True)
    must = validate.OneOf(choices, error="Must be one of: {choices}.")
    return fields.String(validate=must, metadata={"description": description}, **options)


def words(description: str, *, fewest: int = 1, **options: Any) -> fields.List[Any]:
    """A list of different words."""
    return fields.List(
        word("One of them."),
        validate=[validate.Length(min=fewest), all_different],
        metadata={"description": description},
        **options,
    )


def time_of_day(description: str, **options: Any) -> fields.String:
    """A wall time such as 09:00."""
    options.setdefault("required", True)
    must = validate.Regexp(TIME_OF_DAY, error="Must be a time of day such as 09:00.")
    return fields.String(validate=must, metadata={"description": description}, **options)


def texts(description: str, *, required: bool = True) -> fields.Dict:
    """A text in every language the product speaks."""
    return fields.Dict(
        keys=fields.String(validate=validate.OneOf(list(Language), error="Must be one of: {choices}.")),
        values=fields.String(validate=validate.Length(1, 300)),
        required=required,
        validate=in_every_language,
        metadata={"description": description},
    )


def word_lists(
    description: str, *, required: bool = True, may_be_bent: bool = False, may_hold_numbers: bool = False
) -> fields.Dict:
    """A list of words or phrases in every language the product speaks; bent ones have ``*``, ``~`` or ``[]``.

    ``may_hold_numbers``: ``#`` stands for a number.
    """
    plain = _with_numbers if may_hold_numbers else _without_signs
    phrase = text("A word or phrase.", written=_with_signs_where_they_mean_something if may_be_bent else plain)
    return fields.Dict(
        keys=fields.String(validate=validate.OneOf(list(Language), error="Must be one of: {choices}.")),
        values=fields.List(phrase, validate=[validate.Length(min=1), all_different]),
        required=required,
        validate=in_every_language,
        metadata={"description": description},
    )


def assumption() -> Truth:
    """Whether what stands here is ours until the investigators confirm it."""
    return Truth("True when the value is ours, to be confirmed by the investigators.")


def _without_signs(said: str) -> None:
    _with_numbers(said)
    if NUMBER_SIGN in said:
        raise ValidationError("Must not hold #; only words beside a death may.")


def _with_numbers(said: str) -> None:
    if SIGNS & set(said):
        raise ValidationError("Must not hold * ~ [ or ]; only words of danger may.")


def _with_signs_where_they_mean_something(said: str) -> None:
    if SIGNS & set(said) and not (BENT_PHRASE if said.isascii() else BENT_CHARACTERS).fullmatch(said):
        raise ValidationError(
            "Must have * at the end of a word, ~ between two words, and in Chinese [ ] between two characters."
        )


def in_every_language(said: Mapping[str, Any]) -> None:
    """Refuse a mapping in which a language of the product is missing."""
    missing = [language for language in Language if language not in said]
    if missing:
        raise ValidationError(f"Is missing in {' and '.join(missing)}.")


def all_different(said: list[Any]) -> None:
    """Refuse a list that says something twice."""
    twice = sorted({one for one in said if said.count(one) > 1})
    if twice:
        raise ValidationError(f"Says {', '.join(twice)} more than once.")
