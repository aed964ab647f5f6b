"""A JSON Schema of the protocol file, made from the shapes that read it, so that an editor helps whoever writes one.

It says what holds of each field by itself: names, types, bounds, choices, what is needed and that nothing else may
stand there. What the parts must have in common (schemas/protocol_checks.py) only loading the file can tell.
"""

from typing import Any

from marshmallow import Schema, fields, validate

from backend.terms import Language
from schemas.protocol import ProtocolFile
from schemas.seed_fields import Number, Stated, Tagged, Truth, Whole, all_different, in_every_language

DRAFT = "https://json-schema.org/draft/2020-12/schema"
MOST_AND_LEAST = {"array": ("minItems", "maxItems"), "object": ("minProperties", "maxProperties")}

Said = dict[str, Any]


def protocol_schema() -> Said:
    """The whole schema, draft 2020-12, as plain values ready for JSON."""
    return {"$schema": DRAFT, "title": "A study's protocol file", **_object(ProtocolFile())}


def _object(shape: Schema) -> Said:
    """A mapping of the fields of a shape and no others."""
    return {
        "type": "object",
        "description": (type(shape).__doc__ or "").strip(),
        "properties": {name: _described(field) for name, field in shape.fields.items()},
        "required": [name for name, field in shape.fields.items() if field.required],
        "additionalProperties": False,
    }


def _described(field: fields.Field[Any]) -> Said:
    made = _value(field)
    for validator in field.validators:
        _limit(made, validator)
    description = field.metadata.get("description")
    # What the field is for says more than what its shape is.
    return {**made, "description": description} if description else made


def _value(field: fields.Field[Any]) -> Said:
    match field:
        case fields.Nested():
            return _object(field.schema)
        case Tagged():
            return {"oneOf": [_object(shape) for shape in field.shapes.values()]}
        case Stated():
            return _stated(_described(field.inner))
        case fields.List():
            return {"type": "array", "items": _described(field.inner)}
        case fields.Dict():
            return _mapping(field)
    return {"type": _plain_type(field)}


def _plain_type(field: fields.Field[Any]) -> str:
    match field:
        case Whole():
            return "integer"
        case Number():
            return "number"
        case Truth():
            return "boolean"
        case fields.String():
            return "string"
    raise NotImplementedError(f"No JSON Schema is known for {type(field).__name__}.")


def _stated(plain: Said) -> Said:
    """A number of the record, or one of ours that says so."""
    ours = {
        "type": "object",
        "properties": {"value": plain, "assumption": {"const": True}},
        "required": ["value", "assumption"],
        "additionalProperties": False,
    }
    return {"oneOf": [plain, ours]}


def _mapping(field: fields.Dict) -> Said:
    made: Said = {"type": "object"}
    if field.key_field is not None:
        made["propertyNames"] = _described(field.key_field)
    if field.value_field is not None:
        made["additionalProperties"] = _described(field.value_field)
    return made


def _limit(made: Said, validator: Any) -> None:
    """Add what the validator demands, as far as JSON Schema has words for it."""
    match validator:
        case validate.Length():
            least, most = MOST_AND_LEAST.get(made["type"], ("minLength", "maxLength"))
            _bound(made, {least: validator.min, most: validator.max})
        case validate.Range():
            _bound(made, {"minimum": validator.min, "maximum": validator.max})
        case validate.Regexp():
            made["pattern"] = validator.regex.pattern
        case validate.OneOf():
            made["enum"] = [str(choice) for choice in validator.choices]
        case _ if validator is all_different:
            made["uniqueItems"] = True
        case _ if validator is in_every_language:
            made["required"] = [language.value for language in Language]


def _bound(made: Said, limits: dict[str, Any]) -> None:
    made.update({name: limit for name, limit in limits.items() if limit is not None})
