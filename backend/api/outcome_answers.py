"""What every outcome's door shares: whose records count, in which media type, language and words to answer."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any, TypeVar
from uuid import UUID

from flask import Response, g, request
from sqlalchemy import ColumnElement, func, select

from backend import access
from backend.access import ALLOWED, Verb
from backend.api import languages
from backend.errors import ArmsAreBlinded, InvalidInput, NotAcceptable
from backend.outcomes.adherence import Expected
from backend.outcomes.adverse_events import Happened
from backend.outcomes.disease_control import Imaged
from backend.outcomes.overall_survival import Life
from backend.outcomes.words_of import words_in
from backend.patients.models import Patient
from backend.protocol.load import arms_ever, current_protocol

JSON, CSV, SVG = "application/json", "text/csv", "image/svg+xml"
# In the place of every arm, for whoever may compare none.
ALL_ARMS = "all"
# What an analysis rests on: each has an arm.
Row = TypeVar("Row", Life, Imaged, Happened, Expected)
# For the document: the same figures in other media types.
ALSO = {200: {"content": {CSV: {"schema": {"type": "string"}}, SVG: {"schema": {"type": "string"}}}}}


def answer(ways: Mapping[str, Callable[[str], Any]]) -> Any:
    """Answer in the media type that the request likes best; each way takes the language. Raises ``NotAcceptable``."""
    # What is no media type at all asks for none.
    asked = any("/" in kind for kind, _ in request.accept_mimetypes)
    wanted = request.accept_mimetypes.best_match(list(ways)) if asked else JSON
    if wanted is None:
        raise NotAcceptable(f"This is told as {', '.join(ways)}.")
    language = languages.accepted_language()
    headers = {"Content-Language": language, "Vary": "Accept, Accept-Language"}
    told = ways[wanted](language)
    return (told, 200, headers) if wanted == JSON else Response(told, mimetype=wanted, headers=headers)


def visible_patients(query: Mapping[str, Any]) -> ColumnElement[bool]:
    """Whose records count. Raises ``InvalidInput`` for an arm or site there is not, and a cut-off before anybody;
    ``ArmsAreBlinded`` for an arm by itself, where the reader may compare none."""
    if query["arm"] is not None and not may_compare_arms():
        raise ArmsAreBlinded()
    if query["arm"] is not None and query["arm"] not in arms_ever(g.txn):
        raise InvalidInput(fields={"arm": ["There is no such arm."]})
    visible = access.visible_at(g.txn, Patient.site_id, Verb.READ_OUTCOMES, query["site"])
    first = g.txn.session.scalar(select(func.min(Patient.randomised_on)).where(visible))
    if query["cutoff"] is not None and first is not None and query["cutoff"] < first:
        raise InvalidInput(fields={"cutoff": [f"Before the first randomisation on {first.isoformat()}."]})
    return visible


def may_compare_arms() -> bool:
    """Whether no role by which the actor reads outcomes is one that the protocol keeps blind."""
    reading = {held.role for held in g.txn.actor.roles if held.role in ALLOWED[Verb.READ_OUTCOMES]}
    return not reading & current_protocol(g.txn).blinded_roles


def as_seen(records: Sequence[Row]) -> Sequence[Row]:
    """The records of an analysis, each with its arm; whoever may compare none sees one group of all.

    What else would tell an arm, each analysis leaves out itself.
    """
    return records if may_compare_arms() else [replace(one, arm=ALL_ARMS) for one in records]


def definition(name: str, language: str) -> str:
    """What is counted, in words; for whoever may compare no arms, also what is left out."""
    words = words_in(language)
    return words[name] if may_compare_arms() else f"{words[name]} {words['kept_blind']}"


def names_of_arms(arms: Collection[str], language: str) -> Mapping[str, str]:
    """As the protocol calls them; one that only an older version had goes by its code."""
    known = current_protocol(g.txn).arms
    if ALL_ARMS in arms:
        return {ALL_ARMS: words_in(language)["all_arms"]}
    return {arm: languages.in_language(known[arm].names, language) if arm in known else arm for arm in arms}


def subtitle(cutoff: date | None, language: str) -> str:
    """What a picture is limited to."""
    return words_in(language)["cutoff"].format(on=cutoff.isoformat()) if cutoff else ""


def patient_at_site(patient_id: UUID, subject_number: str, site: str) -> dict[str, Any]:
    """Which patient, and where."""
    return {"id": patient_id, "subject_number": subject_number, "site": site}
