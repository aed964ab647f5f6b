"""What the trial of a demo has found so far, as pictures to look at without signing in. It exists in demo mode only.

The figures are those of the API's outcomes, over all sites; there they come as JSON and CSV too, to whoever signs in.
"""

from collections.abc import Callable, Mapping
from xml.etree import ElementTree

from flask import Blueprint, Response, current_app
from sqlalchemy import true

from backend import clock
from backend.api.languages import in_language
from backend.api.requests import database_of
from backend.db import Transaction
from backend.demo_clock import DEMO
from backend.errors import NotFound
from backend.event_terms import ResponseCriteria
from backend.outcomes.adherence import adherence_of, by_week, expected_of
from backend.outcomes.adherence_picture import Weeks, adherence_picture
from backend.outcomes.adverse_events import Wanted, asked_by_arm, happened_by, reports_of_each, rows_of
from backend.outcomes.control_picture import Group, control_picture
from backend.outcomes.disease_control import control_of, imaged_patients, judge
from backend.outcomes.events_picture import Arm, events_picture
from backend.outcomes.overall_survival import lives, survival_of
from backend.outcomes.survival_picture import Drawn, picture
from backend.outcomes.words_of import words_in
from backend.protocol.load import current_protocol
from backend.terminology.terms import terms_of
from backend.web.demo_phones import zone_of_study
from backend.web.languages import page_language
from backend.web.pages import shown

blp = Blueprint("demo_outcomes", __name__, url_prefix="/demo/outcomes")

SVG = "image/svg+xml"
NAMESPACE = "{http://www.w3.org/2000/svg}"


@blp.get("")
def page() -> Response:
    """Every picture, with what it says in words."""
    language = page_language()
    with database_of(current_app).reading(DEMO) as txn:
        told = {name: _told(draw(txn, language)) for name, draw in PICTURES.items()}
        on = clock.local_day(txn.now, zone_of_study(txn))
    return shown("demo_outcomes.html", told=told, on=on.isoformat())


@blp.get("/<name>.svg")
def one(name: str) -> Response:
    """One of the pictures, drawn from the records of this moment."""
    if name not in PICTURES:
        raise NotFound()
    with database_of(current_app).reading(DEMO) as txn:
        answer = Response(PICTURES[name](txn, page_language()), mimetype=SVG)
    answer.cache_control.no_cache = True
    answer.vary.add("Accept-Language")
    return answer


def _told(svg: str) -> tuple[str, str]:
    """Its title, and in words what it shows."""
    drawn = ElementTree.fromstring(svg)
    return drawn.findtext(f"{NAMESPACE}title", ""), drawn.findtext(f"{NAMESPACE}desc", "")


def _survival(txn: Transaction, language: str) -> str:
    names, by_arm = _arms(txn, language), survival_of(lives(txn, true()), None).by_arm
    return picture([Drawn(names.get(arm, arm), curve) for arm, curve in by_arm.items()], words_in(language))


def _control(txn: Transaction, language: str) -> str:
    judged = [judge(one, None) for one in imaged_patients(txn, true(), ResponseCriteria.RECIST)]
    of_arm = {arm: [one for one in judged if one.imaged.arm == arm] for arm in _arms(txn, language)}
    groups = [Group(name, control_of(of_arm[arm])) for arm, name in _arms(txn, language).items()]
    return control_picture(groups, words_in(language))


def _events(txn: Transaction, language: str) -> str:
    """Those that an investigator has signed."""
    happened = happened_by(txn, true(), current_protocol(txn), Wanted(None, None))
    signed = [one for one in happened if one.is_signed]
    terms = {code: term.name_in(language) for code, term in terms_of(txn, {one.term_code for one in signed}).items()}
    asked = asked_by_arm(reports_of_each(txn, true(), lives(txn, true()), None))
    names = _arms(txn, language)
    arms = [Arm(one.arm, names.get(one.arm, one.arm), one.patients, one.per_month) for one in asked]
    return events_picture(rows_of(signed), terms, arms, words_in(language))


def _adherence(txn: Transaction, language: str) -> str:
    expected = expected_of(txn, true())
    names = _arms(txn, language)
    of_arm = {arm: [one for one in expected if one.arm == arm] for arm in names}
    weeks = [Weeks(names[arm], adherence_of(some), by_week(some)) for arm, some in of_arm.items()]
    return adherence_picture(weeks, words_in(language))


def _arms(txn: Transaction, language: str) -> Mapping[str, str]:
    """What the protocol calls each, by its code."""
    return {code: in_language(arm.names, language) for code, arm in sorted(current_protocol(txn).arms.items())}


PICTURES: Mapping[str, Callable[[Transaction, str], str]] = {
    "overall-survival": _survival,
    "disease-control": _control,
    "adverse-events": _events,
    "adherence": _adherence,
}
