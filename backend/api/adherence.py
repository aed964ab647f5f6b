"""Adherence to reporting, as JSON, as CSV and as a picture; each figure with the assessments it rests on."""

from collections.abc import Mapping, Sequence
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
    subtitle,
    visible_patients,
)
from backend.csv_files import csv_text
from backend.outcomes.adherence import Adherence, Came, Expected, adherence_of, by_week, expected_of
from backend.outcomes.adherence_picture import Weeks, adherence_picture
from backend.outcomes.words_of import words_in
from schemas.outcomes import AdherenceOut, OutcomeQuery

blp = ApiBlueprint("adherence", __name__, url_prefix="/api/v1/outcomes", description="What the trial found")

COLUMNS = ("subject_number", "site", "arm", "key", "due_on", "week", "came")


@blp.route("/adherence")
class AdherenceToReporting(MethodView):
    """What was asked for, and what came."""

    @blp.reads(languages.ACCEPT_LANGUAGE)
    @blp.arguments(OutcomeQuery, location="query")
    @blp.response(200, AdherenceOut, headers=languages.IN_ANSWERS)
    @blp.doc(responses=ALSO)
    def get(self, query: dict[str, Any]) -> Any:
        """Count assessments by week, arm and site: JSON; text/csv, a row an assessment; or image/svg+xml."""
        expected = expected_of(g.txn, visible_patients(query), arm=query["arm"], cutoff=query["cutoff"])
        if not may_compare_arms():
            # What one arm alone is asked tells who is in it, by its name and by how often.
            expected = [one for one in expected if one.is_shared]
        told = (as_seen(expected), query)
        return answer({JSON: partial(_data, *told), CSV: partial(_table, *told), SVG: partial(_picture, *told)})


def _data(expected: Sequence[Expected], query: dict[str, Any], language: str) -> dict[str, Any]:
    codes = access.site_codes(g.txn)
    return {
        "definition": definition("adherence_definition", language),
        "cutoff": query["cutoff"],
        "computed_at": g.txn.now,
        "together": _counts(adherence_of(expected)),
        "arms": [{"arm": arm, **_in_weeks(some)} for arm, some in _by(expected, "arm").items()],
        "sites": [{"site": codes[site], **_in_weeks(some)} for site, some in _by(expected, "site_id").items()],
        "patients": [
            {"patient": _whose(some[0], codes), **_counts(adherence_of(some))}
            for some in _by(expected, "subject_number").values()
        ],
    }


def _by(expected: Sequence[Expected], name: str) -> Mapping[Any, Sequence[Expected]]:
    """In order of that name; patients come by their numbers, sites by their ids."""
    groups: dict[Any, list[Expected]] = {}
    for one in expected:
        groups.setdefault(getattr(one, name), []).append(one)
    return {key: groups[key] for key in sorted(groups, key=str)}


def _in_weeks(expected: Sequence[Expected]) -> dict[str, Any]:
    weeks = [{"week": week, **_counts(adherence)} for week, adherence in by_week(expected).items()]
    return {**_counts(adherence_of(expected)), "weeks": weeks}


def _counts(adherence: Adherence) -> dict[str, Any]:
    counted = {str(how): adherence.by[how] for how in Came}
    return {"expected": adherence.expected, **counted, "share_on_time": adherence.on_time}


def _whose(one: Expected, codes: Mapping[Any, str]) -> dict[str, Any]:
    return {"id": one.patient_id, "subject_number": one.subject_number, "site": codes[one.site_id]}


def _table(expected: Sequence[Expected], _query: dict[str, Any], _language: str) -> str:
    codes = access.site_codes(g.txn)
    rows = (
        (one.subject_number, codes[one.site_id], one.arm, one.key, one.due_on, one.week, one.came.value)
        for one in expected
    )
    return csv_text(COLUMNS, rows)


def _picture(expected: Sequence[Expected], query: dict[str, Any], language: str) -> str:
    arms = _by(expected, "arm")
    names = names_of_arms(arms, language)
    drawn = [Weeks(names[arm], adherence_of(some), by_week(some)) for arm, some in arms.items()]
    return adherence_picture(drawn, words_in(language), subtitle=subtitle(query["cutoff"], language))
