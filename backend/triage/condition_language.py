"""The language in which emergency rules are written, for programs that judge answers without us.

A phone offline can do only what it can read. So each operator and operand of the rules it holds is named here, with
a version; ``docs/conditions.md`` says the same at length, for whoever writes such a program.
"""

from collections.abc import Mapping
from typing import Any

# Raised when an operator or operand changes its meaning, not when one is added: a program sees what it cannot read.
VERSION = 1

GROUPS: Mapping[str, str] = {
    "all": "Every condition of the list holds.",
    "any": "At least one condition of the list holds.",
}
OPERATORS: Mapping[str, str] = {
    "<": "The operand is known and below value.",
    "<=": "The operand is known and at most value.",
    ">=": "The operand is known and at least value.",
    ">": "The operand is known and above value.",
    "==": "The operand is known and equal to value.",
    "!=": "The operand is known and not equal to value.",
    "in": "The operand is known and one of the list value.",
    "not in": "The operand is known and none of the list value.",
    "absent": "The operand is not known. There is no value.",
}
OPERANDS: Mapping[str, str] = {
    "item": "The answer to this item of the report. Unknown when it was skipped, hidden or not asked.",
    "measurement": "This measurement of the report. Unknown when it was not taken.",
    "together": (
        "How many of these items are answered 1 in this report, or stand in circumstances.recent_signs, or were "
        "answered 1 in a report still waiting on the phone, at most days before or after this report in "
        "circumstances.time_zone. 0 when none of them is answered 1 in this report."
    ),
    "fact": "Something else that is known; facts says what.",
}
FACTS: Mapping[str, str] = {
    "days_since_infusion": (
        "The day of the report in circumstances.site_time_zone minus each of circumstances.infusion_dates, in days; "
        "the smallest that is not below 0. Unknown when there is none. When the phone's clock is before "
        "circumstances.as_of, the day of as_of is counted from as well, and the smaller number is taken."
    ),
    "danger_words": (
        "How many texts of other_symptoms hold any of circumstances.danger_words. Both are first brought to Unicode "
        "NFKC, with curly apostrophes and the grave accent made a straight apostrophe, case folded, white space "
        "between two characters beyond ASCII removed and other white space made one space. A word in ASCII must not "
        "touch a letter a-z or a digit; another may stand anywhere. Three signs are no letters: * at the end of a word "
        "in ASCII is nothing or s, es, d, ed or ing; ' ~ ' between two words is spaces or hyphens, with at most two "
        "words of a-z, 0-9 and apostrophes among them; characters in [ ] are any of these, at most four in a row."
    ),
}
UNREADABLE = "A comparison whose operator, operand or fact a program does not know holds: better a needless call."


def condition_language() -> dict[str, Any]:
    """The language as it stands in each questionnaire, for the emergency rules beside it."""
    return {
        "version": VERSION,
        "groups": dict(GROUPS),
        "operators": dict(OPERATORS),
        "operands": dict(OPERANDS),
        "facts": dict(FACTS),
        "unreadable": UNREADABLE,
    }
