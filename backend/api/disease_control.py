"""Disease control, as JSON, as CSV and as a picture; each figure with the patients it rests on."""

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
    names_of_arms,
    patient_at_site,
    subtitle,
    visible_patients,
)
from backend.csv_files import csv_text
from backend.event_terms import ResponseCriteria
from backend.outcomes.control_picture import Group, control_picture
from backend.outcomes.disease_control import Judged, control_of, imaged_patients, judge
from backend.outcomes.words_of import words_in
from schemas.outcomes import DiseaseControlOut, DiseaseControlQuery

blp = ApiBlueprint("disease_control", __name__, url_prefix="/api/v1/outcomes", description="What the trial found")

OF_PATIENT = ("arm", "randomised_on", "best_response", "seen_on", "is_controlled")


@blp.route("/disease-control")
class DiseaseControl(MethodView):
    """Whose tumour responded, or stayed as it was."""

    @blp.reads(languages.ACCEPT_LANGUAGE)
    @blp.arguments(DiseaseControlQuery, location="query")
    @blp.response(200, DiseaseControlOut, headers=languages.IN_ANSWERS)
    @blp.doc(responses=ALSO)
    def get(self, query: dict[str, Any]) -> Any:
        """Judge the best response of everybody randomised: JSON; text/csv, a row a patient; or image/svg+xml."""
        visible, criteria = visible_patients(query), ResponseCriteria(query["criteria"])
        imaged = as_seen(imaged_patients(g.txn, visible, criteria, arm=query["arm"], cutoff=query["cutoff"]))
        told = ([judge(one, query["cutoff"]) for one in imaged], query)
        return answer({JSON: partial(_data, *told), CSV: partial(_table, *told), SVG: partial(_picture, *told)})


def _data(judged: Sequence[Judged], query: dict[str, Any], language: str) -> dict[str, Any]:
    codes = access.site_codes(g.txn)
    return {
        "definition": words_in(language)["control_definition"],
        "criteria": query["criteria"],
        "cutoff": query["cutoff"],
        "computed_at": g.txn.now,
        "together": _control(None, judged),
        "arms": [_control(arm, of_arm) for arm, of_arm in _by_arm(judged).items()],
        "patients": [_patient(one, codes[one.imaged.site_id]) for one in judged],
    }


def _by_arm(judged: Sequence[Judged]) -> Mapping[str, Sequence[Judged]]:
    arms = sorted({one.imaged.arm for one in judged})
    return {arm: [one for one in judged if one.imaged.arm == arm] for arm in arms}


def _control(arm: str | None, judged: Sequence[Judged]) -> dict[str, Any]:
    control = control_of(judged)
    best = {str(best): count for best, count in control.by_best.items()}
    return {"arm": arm, "patients": len(judged), "controlled": control.share, "best_responses": best}


def _patient(one: Judged, site: str) -> dict[str, Any]:
    whose = patient_at_site(one.imaged.patient_id, one.imaged.subject_number, site)
    return {"patient": whose} | dict(zip(OF_PATIENT, _values(one), strict=True))


def _values(one: Judged) -> tuple[Any, ...]:
    return one.imaged.arm, one.imaged.randomised_on, one.best.value, one.seen_on, one.is_controlled


def _table(judged: Sequence[Judged], _query: dict[str, Any], _language: str) -> str:
    codes = access.site_codes(g.txn)
    rows = ((one.imaged.subject_number, codes[one.imaged.site_id], *_values(one)) for one in judged)
    return csv_text(("subject_number", "site", *OF_PATIENT), rows)


def _picture(judged: Sequence[Judged], query: dict[str, Any], language: str) -> str:
    arms = _by_arm(judged)
    names = names_of_arms(arms, language)
    drawn = [Group(names[arm], control_of(of_arm)) for arm, of_arm in arms.items()]
    return control_picture(drawn, words_in(language), subtitle=subtitle(query["cutoff"], language))
