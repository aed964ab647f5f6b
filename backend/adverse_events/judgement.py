"""What a person on the site judges about an adverse event, and whether it can be so. Pure.

Every complaint comes at once, by the field it is about. Dates may be months or years: only what is certainly wrong is
refused.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from backend.event_terms import OWN_GRADES, ActionTaken, EventOutcome, OwnGrading, Relation, Seriousness
from backend.partial_dates import HOW_TO_WRITE, is_after_day, is_before, is_before_day, is_partial_date
from backend.terminology.terms import NEWEST, Term

FATAL_GRADE = 5
# How an event stands that goes on.
GOING_ON = frozenset({EventOutcome.RECOVERING, EventOutcome.NOT_RECOVERED})
Complaint = tuple[str, str]


@dataclass(frozen=True)
class Judgement:
    """One adverse event in a person's judgement. ``note`` and ``specify`` are in the person's own words.

    ``onset_on`` and ``ended_on`` are as precise as they are known: 2027-03-17, 2027-03 or 2027.
    """

    term_code: str
    grade: int
    onset_on: str
    outcome: str
    relation_cells: str
    relation_drug: str
    action_cells: str
    action_drug: str
    serious: tuple[str, ...] = ()
    ended_on: str | None = None
    expected: bool | None = None
    note: str | None = None
    specify: str | None = None
    own_grading: str | None = None
    own_grade: str | None = None
    ctcae_version: str = NEWEST


@dataclass(frozen=True)
class Bounds:
    """What is known of the patient that a judgement must agree with. ``died_on`` may be partial.

    ``first_infusion_on`` is the day on which cells were first given; None before that.
    """

    today: date
    birth_year: int
    died_on: str | None
    receives_cells: bool
    first_infusion_on: date | None


def complaints(judgement: Judgement, term: Term | None, bounds: Bounds) -> dict[str, list[str]]:
    """By field, what is wrong; empty when nothing is. ``term`` is None where the version has no such code."""
    found: dict[str, list[str]] = {}
    for field, sentence in (
        *_of_term(judgement, term),
        *_of_own_grading(judgement, term),
        *_of_dates(judgement, bounds),
        *_of_death(judgement),
        *_of_cells(judgement, bounds),
    ):
        found.setdefault(field, []).append(sentence)
    return found


def _of_term(judged: Judgement, term: Term | None) -> Iterator[Complaint]:
    if term is None:
        yield "term_code", f"CTCAE {judged.ctcae_version} has no term of this code."
        return
    if judged.grade not in term.grades:
        existing = ", ".join(map(str, sorted(term.grades)))
        yield "grade", f"{term.name} has the grades {existing} in CTCAE {term.version}."
    if term.specify and not judged.specify:
        yield "specify", "Say what it is: this term means nothing by itself."
    if judged.specify and not term.specify:
        yield "specify", f"Goes with an 'Other, specify' term only; {term.name} says what it is."


def _of_own_grading(judged: Judgement, term: Term | None) -> Iterator[Complaint]:
    """GVHD and ICANS do not exist in CTCAE 5: "Other, specify", with the grading their own specialists use."""
    if judged.own_grading is None:
        if judged.own_grade is not None:
            yield "own_grading", "Say by which grading this grade is."
        return
    if term is not None and not term.specify:
        yield "own_grading", "Goes with an 'Other, specify' term only."
    existing = OWN_GRADES[OwnGrading(judged.own_grading)]
    if judged.own_grade not in existing:
        yield "own_grade", f"Must be one of {', '.join(existing)}."


def _of_dates(judged: Judgement, bounds: Bounds) -> Iterator[Complaint]:
    given = {"onset_on": judged.onset_on, "ended_on": judged.ended_on}
    unreadable = [field for field, on in given.items() if on is not None and not is_partial_date(on)]
    yield from ((field, HOW_TO_WRITE) for field in unreadable)
    if unreadable:
        return
    for field, on in given.items():
        if on is not None:
            yield from _of_one_date(field, on, bounds)
    if judged.ended_on is None:
        return
    if is_before(judged.ended_on, judged.onset_on):
        yield "ended_on", f"Before the onset ({judged.onset_on})."
    if judged.outcome in GOING_ON:
        yield "outcome", "What has ended is not going on: recovered, recovered_with_sequelae, fatal or unknown."


def _of_one_date(field: str, on: str, bounds: Bounds) -> Iterator[Complaint]:
    if is_after_day(on, bounds.today):
        yield field, "This day has not come yet."
    if is_before_day(on, date(bounds.birth_year, 1, 1)):
        yield field, "Before the patient was born."
    if bounds.died_on is not None and is_before(bounds.died_on, on):
        yield field, f"After the patient's death ({bounds.died_on})."


def _of_death(judged: Judgement) -> Iterator[Complaint]:
    """Grade 5, a fatal outcome and death as the reason for being serious are three ways of saying one thing."""
    is_grade = judged.grade == FATAL_GRADE
    is_outcome = judged.outcome == EventOutcome.FATAL
    is_serious = Seriousness.DEATH in judged.serious
    if is_grade == is_outcome == is_serious:
        return
    if not is_grade:
        yield "grade", "A death is grade 5."
    if not is_outcome:
        yield "outcome", "Grade 5 and death mean fatal."
    if not is_serious:
        yield "serious", "Grade 5 and a fatal outcome mean death."


def _of_cells(judged: Judgement, bounds: Bounds) -> Iterator[Complaint]:
    """Who receives no cells can owe nothing to them; an event after the first infusion has to be judged."""
    is_unrelated_by_arm = judged.relation_cells == Relation.NOT_APPLICABLE
    if not bounds.receives_cells:
        if not is_unrelated_by_arm:
            yield "relation_cells", "Must be not_applicable: patients of this arm receive no cells."
        if judged.action_cells != ActionTaken.NOT_APPLICABLE:
            yield "action_cells", "Must be not_applicable: patients of this arm receive no cells."
        return
    if is_unrelated_by_arm and _may_follow_an_infusion(judged, bounds):
        yield "relation_cells", "Cells were given before it began: say how likely they caused it."


def _may_follow_an_infusion(judged: Judgement, bounds: Bounds) -> bool:
    given_on = bounds.first_infusion_on
    if given_on is None or not is_partial_date(judged.onset_on):
        return False
    return not is_before_day(judged.onset_on, given_on)
