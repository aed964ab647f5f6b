"""Which items are asked. Pure.

If an attribute is 0, no later attribute of that symptom is asked; a skipped one hides nothing.
"""

from collections.abc import Mapping

from backend.instruments.definition import Item


def is_hidden(item: Item, values: Mapping[str, int]) -> bool:
    """Whether the answers so far hide this item. Items without a value are skipped or not yet answered."""
    return any(values.get(earlier) == 0 for earlier in item.earlier)


def enable_when(item: Item) -> list[dict[str, object]]:
    """The same rule for programs: ask when all of these hold. An item without a value is not 0, so it holds."""
    return [{"item": earlier, "operator": "!=", "value": 0} for earlier in item.earlier]
