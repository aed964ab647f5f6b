"""What the parts of a protocol file must have in common: names that exist, keys that are unique and complete."""

from collections.abc import Iterable, Iterator, Mapping
from string import Formatter
from typing import Any

NEEDED = {
    "on": set(),
    "months": {"n"},
    "every_days": {"n"},
    "infusion": {"cycle"},
    "between_infusions": {"number", "n"},
    "after_infusion": {"number", "n"},
}
ALLOWED = {**NEEDED, "infusion": {"cycle", "number"}}
NEEDS_CELLS = {"infusion", "between_infusions", "after_infusion"}
Complaint = tuple[tuple[str | int, ...], str]


def complaints_about(said: Mapping[str, Any]) -> dict[str, Any]:
    """Every disagreement between the parts, nested by field as the schema's own complaints are."""
    nested: dict[str, Any] = {}
    for path, complaint in (*_repetitions(said), *_arms(said), *_rows(said), *_doubled_keys(said)):
        place: dict[Any, Any] = nested
        for step in path[:-1]:
            place = place.setdefault(step, {})
        place.setdefault(path[-1], []).append(complaint)
    return nested


def _repetitions(said: Mapping[str, Any]) -> Iterator[Complaint]:
    yield from _twice(("arms",), said["arms"], "code")
    yield from _twice(("targeted_drugs",), said["targeted_drugs"], "code")
    yield from _twice(("agenda",), said["agenda"], "name")
    for group in ("inclusion", "exclusion"):
        yield from _twice(("eligibility", group), said["eligibility"][group], "key")


def _twice(path: tuple[str, ...], rows: Iterable[Mapping[str, Any]], field: str) -> Iterator[Complaint]:
    seen = set()
    for place, row in enumerate(rows):
        if row[field] in seen:
            yield (*path, place, field), f"{row[field]!r} is used twice."
        seen.add(row[field])


def _arms(said: Mapping[str, Any]) -> Iterator[Complaint]:
    known = {arm["code"] for arm in said["arms"]}
    places: list[tuple[tuple[str | int, ...], Mapping[str, Any]]] = [
        (("agenda", place), row) for place, row in enumerate(said["agenda"])
    ]
    for group in ("inclusion", "exclusion"):
        places += [(("eligibility", group, place), row) for place, row in enumerate(said["eligibility"][group])]
    for name, point in said.get("turning_points", {}).items():
        places += [(("turning_points", name, "latest_of", place), row) for place, row in enumerate(point["latest_of"])]
    for path, row in places:
        for arm in row.get("arms", ()):
            if arm not in known:
                yield (*path, "arms"), f"There is no arm {arm!r}."


def _rows(said: Mapping[str, Any]) -> Iterator[Complaint]:
    for place, row in enumerate(said["agenda"]):
        for field, complaint in (*_row_names(said, row), *_row_patterns(row), *_row_form(said, row)):
            yield ("agenda", place, *field), complaint


def _row_names(said: Mapping[str, Any], row: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Names that must exist elsewhere in the file."""
    families = {other["family"] for other in said["agenda"]}
    if "obligation" in row and row["obligation"] not in said["obligations"]:
        yield ("obligation",), f"There is no obligation {row['obligation']!r}."
    for side in ("after", "until"):
        if side in row["due"] and row["due"][side] not in said.get("turning_points", {}):
            yield ("due", side), f"There is no turning point {row['due'][side]!r}."
    for family in row["overdue"].get("of", ()):
        if family not in families:
            yield ("overdue", "of"), f"There is no family {family!r}."
    if row["due"]["type"] in NEEDS_CELLS and "cells" not in said:
        yield ("due", "type"), "Needs cells, and this protocol has none."
    yield from _row_calls(row)
    if row["due"].get("first", 0) > row["due"].get("last", row["due"].get("first", 0)):
        yield ("due", "last"), "Must not be before first."


def _row_calls(row: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], str]]:
    """A task passes to somebody at an hour, or to nobody."""
    for place, call in enumerate(row.get("calls", ())):
        if ("still_open_at" in call) != ("then_to" in call):
            yield ("calls", str(place)), "Needs still_open_at and then_to together, or neither."
        if (call["when"] == "unrecorded") != (row["kind"] == "infusion"):
            yield ("calls", str(place), "when"), "Is unrecorded exactly for rows about an infusion day."


def _row_patterns(row: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], str]]:
    """What stands in braces in the key and the titles."""
    kind = row["due"]["type"]
    used = _placeholders(row["key"])
    if used != NEEDED[kind]:
        needed = ", ".join(f"{{{name}}}" for name in sorted(NEEDED[kind])) or "nothing"
        yield ("key",), f"Must have {needed} in braces for a row that falls due {kind}."
    for language, title in row["titles"].items():
        used = _placeholders(title)
        if used is None or not used <= ALLOWED[kind]:
            yield ("titles", language), "Has something in braces that this row does not know."


def _row_form(said: Mapping[str, Any], row: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], str]]:
    is_assessment = row["kind"] == "assessment"
    if is_assessment != ("instrument" in row):
        yield ("instrument",), "Belongs to every assessment, and to nothing else."
    named = {"instrument": row.get("instrument"), "longer_every": row.get("longer_every", {}).get("instrument")}
    for field, form in named.items():
        if form and form not in said["forms"]:
            yield (field,), f"There is no form {form!r} in forms."
    yield from _row_infusion(said, row)
    if (row["kind"] == "infusion") != (row["due"]["type"] == "infusion"):
        yield ("kind",), "Is infusion exactly for rows that fall due on an infusion day."


def _row_infusion(said: Mapping[str, Any], row: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Infusion days are anchors, so they are called the same in every study: what counts from them finds them."""
    due = row["due"]
    if due["type"] != "infusion":
        return
    if row["key"] != f"cycle-{{cycle}}.day-{due['day']}":
        yield ("key",), f"Must be cycle-{{cycle}}.day-{due['day']}: every study calls its infusion days so."
    if due["day"] > _plain(said.get("cells", {}).get("infusion_days", due["day"])):
        yield ("due", "day"), "Is more than the infusion_days of the cells."


def _plain(stated: Any) -> Any:
    """The value of a number that may carry the mark of an assumption."""
    return stated["value"] if isinstance(stated, Mapping) else stated


def _doubled_keys(said: Mapping[str, Any]) -> Iterator[Complaint]:
    """Two rows may share a pattern, but never a key in the same arm."""
    seen: dict[tuple[str, int, str], str] = {}
    arms = [arm["code"] for arm in said["arms"]]
    for place, row in enumerate(said["agenda"]):
        shared = set()
        for arm in row.get("arms", arms):
            for number in _numbers(row["due"]):
                other = seen.setdefault((row["key"], number, arm), row["name"])
                if other != row["name"]:
                    shared.add(other)
        if shared:
            yield ("agenda", place, "key"), f"Makes the same keys as {', '.join(sorted(shared))}."


def _numbers(due: Mapping[str, Any]) -> Iterable[int]:
    """The numbers that a row's keys may have, as far as they can be told apart."""
    match due["type"]:
        case "months" if "at" in due:
            return due["at"]  # type: ignore[no-any-return]
        case "months":
            return range(due["first"], due.get("last", 1200) + 1, due["every"])
        case "after_infusion":
            return range(due["first"], due["last"] + 1)
    return (0,)


def _placeholders(pattern: str) -> set[str] | None:
    """The names in braces; None when the braces do not match, or hold more than a name (``{n:02}``)."""
    try:
        found = [part for part in Formatter().parse(pattern) if part[1] is not None]
    except ValueError:
        return None
    return (
        None if any(spec or conversion for _, _, spec, conversion in found) else {str(name) for _, name, _, _ in found}
    )
