"""What the form alone asks, beside the items and measurements of an instrument."""

from collections.abc import Mapping

# Which symptoms were picked where they are only offered: in the answer's words, one after another.
PICKED = "picked"
# Something else, in the patient's own words; the value is how bad it is.
OTHER = "other_symptoms"
CALL = "wants_call"

# No instrument has items of these names.
HIGHEST: Mapping[str, int] = {PICKED: 0, OTHER: 4, CALL: 1}
