"""The base of every shape: unknown fields are refused, never dropped."""

import marshmallow


class Schema(marshmallow.Schema):
    """A shape that may cross a door, or that a seed file must have."""

    class Meta:
        """A field we do not know is a mistake of the sender's, and is named."""

        unknown = marshmallow.RAISE
