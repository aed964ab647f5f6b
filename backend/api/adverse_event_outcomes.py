"""Adverse events by term, worst grade and arm, as JSON, as CSV and as a picture; each figure with its events."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from flask import g
from flask.views import MethodView

from backend import access
from backend.api import languages
from backend.api.bodies import ApiBlueprint
from backend.api.outcome_answers import (
    ALSO,
    CSV,
    JSON,
    SVG,
    answer,
    as_seen,
    definition,
    may_compare_arms,
    names_of_arms,
    patient_at_site,
    subtitle,
    visible_patients,
)
from backend.csv_files import csv_text
from backend.errors import ArmsAreBlinded
from backend.outcomes.adverse_events import (
    Asked,
    Happened,
    Reporting,
    Row,
    Wanted,
    asked_by_arm,
    asked_of_all,
    happened_by,
    reports_of_each,
    rows_of,
)
from backend.outcomes.events_picture import Arm, events_picture
from backend.outcomes.overall_survival import lives
from backend.outcomes.words_of import words_in
from backend.protocol.load import current_protocol
from backend.terminology.terms import Term, terms_of
from schemas.outcomes import AdverseEventOutcomesOut, AdverseEventOutcomesQuery

blp = ApiBlueprint("event_outcomes", __name__, url_prefix="/api/v1/outcomes", description="What the trial found")

ALL = "all"
# Both arms have a time in the study; the cells are one arm's alone.
OF_EVERY_ARM = ("study", ALL)
COLUMNS = (
    "subject_number", "site", "arm", "term_code", "term", "onset_on", "worst_grade", "serious", "signed", "shared",
    "study_emergent", "cells_emergent", "drug_emergent", "event_id",
)  # fmt: skip


@dataclass(frozen=True)
class Found:
    """The events that count, the terms they are coded by, and how often everybody reported."""

    happened: Sequence[Happened]
    terms: Mapping[str, Term]
    followed: Sequence[Reporting]
    is_blind: bool
    query: Mapping[str, Any]

    @property
    def asked(self) -> Sequence[Asked]:
        """How often each arm was asked."""
        return asked_by_arm(self.followed)

    def rows(self, *, is_signed: bool, is_shared: bool = False) -> Sequence[Row]:
        """One table: signed events or drafts; of all assessments, or of those that both arms share."""
        return rows_of(one for one in self.happened if one.is_signed is is_signed and (one.is_shared or not is_shared))


@blp.route("/adverse-events")
class AdverseEventOutcomes(MethodView):
    """What befell whom, by term, worst grade and arm."""

    @blp.reads(languages.ACCEPT_LANGUAGE)
    @blp.arguments(AdverseEventOutcomesQuery, location="query")
    @blp.response(200, AdverseEventOutcomesOut, headers=languages.IN_ANSWERS)
    @blp.doc(responses=ALSO)
    def get(self, query: dict[str, Any]) -> Any:
        """Count patients by term and worst grade: JSON; text/csv, a row an event; or image/svg+xml."""
        found = _found(query)
        return answer({JSON: partial(_data, found), CSV: partial(_table, found), SVG: partial(_picture, found)})


def _found(query: Mapping[str, Any]) -> Found:
    visible, wanted = visible_patients(query), Wanted(query["arm"], query["cutoff"])
    is_blind, protocol = not may_compare_arms(), current_protocol(g.txn)
    if is_blind and query["emergent"] not in OF_EVERY_ARM:
        raise ArmsAreBlinded()
    happened = as_seen(happened_by(g.txn, visible, protocol, wanted))
    if is_blind:
        happened = [_without_what_tells_the_arm(one) for one in happened]
    if query["emergent"] != ALL:
        happened = [one for one in happened if one.emerged[query["emergent"]]]
    terms: dict[str, Term] = {}
    for version in sorted({one.ctcae_version for one in happened}):
        terms |= terms_of(g.txn, {one.term_code for one in happened if one.ctcae_version == version}, version)
    known = as_seen(lives(g.txn, visible, arm=wanted.arm, cutoff=wanted.cutoff))
    # Who reports more is in the arm that is asked more.
    counted = asked_of_all(protocol) if is_blind else None
    followed = reports_of_each(g.txn, visible, known, wanted.cutoff, by=counted)
    return Found(happened, terms, followed, is_blind, query)


def _without_what_tells_the_arm(one: Happened) -> Happened:
    """Not which questions found it, nor under which treatment it emerged."""
    return replace(one, is_shared=None, emerged=dict.fromkeys(one.emerged) | {"study": one.emerged["study"]})


def _data(found: Found, language: str) -> dict[str, Any]:
    return {
        "definition": definition("events_definition", language),
        "cutoff": found.query["cutoff"],
        "emergent": found.query["emergent"],
        "computed_at": g.txn.now,
        "arms": [_asked(one) for one in found.asked],
        "signed": _rows(found, is_signed=True),
        "drafts": _rows(found, is_signed=False),
        "shared_assessments": None if found.is_blind else _shared(found),
        "events": _events(found),
        "patients": _patients(found),
    }


def _shared(found: Found) -> dict[str, Any]:
    return {
        "signed": _rows(found, is_signed=True, is_shared=True),
        "drafts": _rows(found, is_signed=False, is_shared=True),
    }


def _asked(one: Asked) -> dict[str, Any]:
    return {
        "arm": one.arm,
        "patients": one.patients,
        "reports": one.reports,
        "reports_per_patient_month": one.per_month,
    }


def _rows(found: Found, *, is_signed: bool, is_shared: bool = False) -> list[dict[str, Any]]:
    return [
        {
            "term": found.terms.get(row.term_code),
            "arm": row.arm,
            "events": row.events,
            "patients": row.patients,
            "grade_3_or_more": row.severe,
            "serious": row.serious,
            "study_emergent": row.study_emergent,
            "by_worst_grade": {str(grade): count for grade, count in row.by_grade.items()},
        }
        for row in found.rows(is_signed=is_signed, is_shared=is_shared)
    ]


def _events(found: Found) -> list[dict[str, Any]]:
    codes = access.site_codes(g.txn)
    return [
        {
            "id": one.event_id,
            "patient": patient_at_site(one.patient_id, one.subject_number, codes[one.site_id]),
            "arm": one.arm,
            "term": found.terms.get(one.term_code),
            "onset_on": one.onset_on,
            "worst_grade": one.worst_grade,
            "serious": one.is_serious,
            "signed": one.is_signed,
            "shared": one.is_shared,
            "study_emergent": one.emerged["study"],
        }
        for one in found.happened
    ]


def _patients(found: Found) -> list[dict[str, Any]]:
    codes = access.site_codes(g.txn)
    return [
        {
            "patient": patient_at_site(one.life.patient_id, one.life.subject_number, codes[one.life.site_id]),
            "arm": one.life.arm,
            "reports": one.reports,
            "months": one.months,
        }
        for one in found.followed
    ]


def _table(found: Found, _language: str) -> str:
    codes = access.site_codes(g.txn)
    return csv_text(COLUMNS, (_line(one, found.terms, codes[one.site_id]) for one in found.happened))


def _line(one: Happened, terms: Mapping[str, Term], site: str) -> tuple[Any, ...]:
    term = terms[one.term_code].name if one.term_code in terms else ""
    emerged = (one.emerged["study"], one.emerged["cells"], one.emerged["drug"])
    known = (one.onset_on, one.worst_grade, one.is_serious, one.is_signed, one.is_shared)
    return (one.subject_number, site, one.arm, one.term_code, term, *known, *emerged, one.event_id)


def _picture(found: Found, language: str) -> str:
    names = names_of_arms([one.arm for one in found.asked], language)
    arms = [Arm(one.arm, names[one.arm], one.patients, one.per_month) for one in found.asked]
    terms = {code: term.name_in(language) for code, term in found.terms.items()}
    drawn = found.rows(is_signed=True)
    return events_picture(drawn, terms, arms, words_in(language), subtitle=subtitle(found.query["cutoff"], language))
