"""Overall survival, as JSON, as CSV and as a picture; each figure with the patients it rests on."""

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
from backend.outcomes.overall_survival import Followed, Survival, lives, survival_of
from backend.outcomes.survival_curves import Curve
from backend.outcomes.survival_picture import Drawn, first_day_of, picture
from backend.outcomes.words_of import words_in
from schemas.outcomes import OutcomeQuery, OverallSurvivalOut, StepOut

blp = ApiBlueprint("outcomes", __name__, url_prefix="/api/v1/outcomes", description="What the trial found")

OF_STEP = tuple(StepOut().fields)
OF_PATIENT = ("arm", "randomised_on", "end_on", "days", "has_died", "reported_died_on", "is_imputed")
MONTHS_APART = 6


@blp.route("/overall-survival")
class OverallSurvival(MethodView):
    """Randomisation to death by any cause."""

    @blp.reads(languages.ACCEPT_LANGUAGE)
    @blp.arguments(OutcomeQuery, location="query")
    @blp.response(200, OverallSurvivalOut, headers=languages.IN_ANSWERS)
    @blp.doc(responses=ALSO)
    def get(self, query: dict[str, Any]) -> Any:
        """Analyse overall survival: JSON; text/csv, a row a patient; or image/svg+xml, the curves."""
        known = as_seen(lives(g.txn, visible_patients(query), arm=query["arm"], cutoff=query["cutoff"]))
        survival = survival_of(known, query["cutoff"])
        told = (survival, query)
        return answer({JSON: partial(_data, *told), CSV: partial(_table, *told), SVG: partial(_picture, *told)})


def _data(survival: Survival, query: dict[str, Any], language: str) -> dict[str, Any]:
    codes = access.site_codes(g.txn)
    return {
        "definition": words_in(language)["survival_definition"],
        "cutoff": query["cutoff"],
        "computed_at": g.txn.now,
        "together": _curve(None, survival.together, survival.follow_up_together),
        "arms": [_curve(arm, curve, survival.follow_up[arm]) for arm, curve in survival.by_arm.items()],
        "log_rank": survival.difference,
        "imputed": len(survival.imputed),
        "patients": [_patient(one, codes[one.life.site_id]) for one in survival.followed],
    }


def _curve(arm: str | None, curve: Curve, follow_up: Curve) -> dict[str, Any]:
    last = curve.followed[-1] if curve.followed else 0
    months = [month for month in range(0, 12 * 100, MONTHS_APART) if month == 0 or first_day_of(month) <= last]
    return {
        "arm": arm,
        "patients": curve.patients,
        "events": curve.events,
        "median": _median(curve),
        "follow_up": _median(follow_up),
        "steps": [{name: getattr(step, name) for name in OF_STEP} for step in curve.steps],
        "numbers_at_risk": [{"month": month, "at_risk": curve.at_risk(first_day_of(month))} for month in months],
    }


def _median(curve: Curve) -> dict[str, int | None]:
    lower, upper = curve.median_limits
    return {"days": curve.median, "lower": lower, "upper": upper}


def _patient(one: Followed, site: str) -> dict[str, Any]:
    whose = patient_at_site(one.life.patient_id, one.life.subject_number, site)
    return {"patient": whose} | dict(zip(OF_PATIENT, _values(one), strict=True))


def _values(one: Followed) -> tuple[Any, ...]:
    life = one.life
    reported = life.died_on if one.has_died else None
    return life.arm, life.randomised_on, one.end_on, one.days, one.has_died, reported, one.is_imputed


def _table(survival: Survival, _query: dict[str, Any], _language: str) -> str:
    codes = access.site_codes(g.txn)
    rows = ((one.life.subject_number, codes[one.life.site_id], *_values(one)) for one in survival.followed)
    return csv_text(("subject_number", "site", *OF_PATIENT), rows)


def _picture(survival: Survival, query: dict[str, Any], language: str) -> str:
    names = names_of_arms(survival.by_arm, language)
    drawn = [Drawn(names[arm], curve) for arm, curve in survival.by_arm.items()]
    return picture(drawn, words_in(language), subtitle=subtitle(query["cutoff"], language))
