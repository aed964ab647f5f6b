"""Composite grades for a table of answers, row by row. Pure.

A column named ``<symptom>.<attribute>`` holds answers; every other column is the sheet's own and passes through. A
symptom's composite is read from the table of its own attributes, whichever of its columns the sheet has.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from backend.errors import InvalidInput
from backend.triage.grading import composite_grade

COMPOSITE = "composite"
ATTRIBUTES = frozenset({"frequency", "severity", "interference", "amount", "presence"})


@dataclass(frozen=True)
class Complaint:
    """Something in the sheet that cannot be scored, by the name of its column. It is passed on as it was."""

    column: str
    said: str


@dataclass(frozen=True)
class Columns:
    """Where each symptom's answers stand: symptom → attribute → place in the row."""

    names: tuple[str, ...]
    places: Mapping[str, Mapping[str, int]]
    complaints: tuple[Complaint, ...]

    @property
    def with_composites(self) -> list[str]:
        """The header of the sheet that comes out."""
        return [*self.names, *(f"{symptom}.{COMPOSITE}" for symptom in self.places)]


def read_columns(names: Sequence[str], shapes: Mapping[str, Sequence[str]]) -> Columns:
    """Find the answers in a header; ``shapes`` are the attributes of every symptom there is, in the order asked.

    Raises ``InvalidInput`` for a header that holds no answers, one column twice, or composites already.
    """
    places: dict[str, dict[str, int]] = {}
    complaints = []
    for place, name in enumerate(names):
        symptom, _, attribute = name.strip().rpartition(".")
        if attribute in shapes.get(symptom, ()):
            places.setdefault(symptom, {})[attribute] = place
        elif attribute in ATTRIBUTES and symptom:
            complaints.append(Complaint(name, _unknown(symptom, shapes)))
    _refuse_header([name.strip() for name in names], places)
    return Columns(tuple(names), places, tuple(complaints))


def score(
    row: Sequence[str], columns: Columns, shapes: Mapping[str, Sequence[str]]
) -> tuple[list[str], list[Complaint]]:
    """The row with its composites behind it; one that cannot be told is empty, as it is where an answer is missing."""
    complaints: list[Complaint] = []
    cells = [*row, *([""] * (len(columns.names) - len(row)))]
    if len(row) > len(columns.names):
        complaints.append(Complaint("", f"It has {len(row)} cells and the header has {len(columns.names)}."))
        return [*row[: len(columns.names)], *([""] * len(columns.places)), *row[len(columns.names) :]], complaints
    composites = []
    for symptom, places in columns.places.items():
        values, wrong = _values(cells, symptom, places)
        complaints += wrong
        composite = None if wrong else composite_grade(shapes[symptom], values)
        composites.append("" if composite is None else str(composite))
    return [*cells, *composites], complaints


def _values(cells: Sequence[str], symptom: str, places: Mapping[str, int]) -> tuple[dict[str, int], list[Complaint]]:
    values: dict[str, int] = {}
    complaints = []
    for attribute, place in places.items():
        written = cells[place].strip()
        highest = 1 if attribute == "presence" else 4
        if not written:
            continue
        if len(written) == 1 and written.isascii() and written.isdigit() and int(written) <= highest:
            values[attribute] = int(written)
        else:
            complaints.append(
                Complaint(f"{symptom}.{attribute}", f"Must be empty or a whole number from 0 to {highest}.")
            )
    return values, complaints


def _unknown(symptom: str, shapes: Mapping[str, Sequence[str]]) -> str:
    if symptom not in shapes:
        return "There is no symptom of that name."
    return f"{symptom} is asked by {', '.join(shapes[symptom])}."


def _refuse_header(names: Sequence[str], places: Mapping[str, object]) -> None:
    wrong: dict[str, list[str]] = {}
    for name in names:
        symptom, _, attribute = name.rpartition(".")
        if symptom in places and names.count(name) > 1:
            wrong[name] = ["This column is there twice."]
        if symptom in places and attribute == COMPOSITE:
            wrong[name] = ["The composites are there already; take these columns out first."]
    if not places:
        wrong["header"] = ["No column is named like nausea.severity, with a comma between columns."]
    if wrong:
        raise InvalidInput(fields=wrong)
