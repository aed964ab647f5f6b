"""The base of every shape: unknown fields are refused, never dropped."""

from collections.abc import Mapping
from typing import Any

import marshmallow


class Schema(marshmallow.Schema):
    """A shape that may cross a door, or that a seed file must have."""

    class Meta:
        """A field we do not know is a mistake of the sender's, and is named."""

        unknown = marshmallow.RAISE


class StrictBoolean(marshmallow.fields.Boolean):
    """``true`` or ``false`` and nothing that looks like it: a 1 may have been meant for another field."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> bool:
        if not isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        return value
