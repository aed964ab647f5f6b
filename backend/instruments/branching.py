"""Which items are asked. Pure.

If an attribute is 0, no later attribute of that symptom is asked; a skipped one hides nothing.
"""

from collections.abc import Mapping

from backend.instruments.definition import Instrument, Item


def is_hidden(item: Item, values: Mapping[str, int]) -> bool:
    """Whether the answers so far hide this item. Items without a value are skipped or not yet answered."""
    return any(values.get(earlier) == 0 for earlier in item.earlier)


def hidden_items(instrument: Instrument, values: Mapping[str, int]) -> frozenset[str]:
    """Every item that these answers hide."""
    return frozenset(code for code, item in instrument.items.items() if is_hidden(item, values))


def next_item(instrument: Instrument, symptom: str, given: Mapping[str, int | None]) -> str | None:
    """The item of this symptom to ask next; None when it is done. What was skipped is given, as None."""
    values = {code: value for code, value in given.items() if value is not None}
    asked = instrument.symptoms[symptom].items
    return next((code for code in asked if code not in given and not is_hidden(instrument.items[code], values)), None)


def enable_when(item: Item) -> list[dict[str, object]]:
    """The same rule for programs: ask when all of these hold. An item without a value is not 0, so it holds."""
    return [{"item": earlier, "operator": "!=", "value": 0} for earlier in item.earlier]
