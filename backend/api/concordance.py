"""For investigators: patients' composites against clinicians' grades, how long it takes, and what is left lying."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

from flask import g
from flask.views import MethodView

from backend import access
from backend.access import Verb
from backend.adverse_events.concordance import A_DAY, OfTerm, Quartiles, Row, Waiting, by_term, lags_of, undecided
from backend.adverse_events.concordance_reading import Asked, judged_pairs, waiting
from backend.api import languages
from backend.api.bodies import ApiBlueprint
from backend.api.outcome_answers import CSV, JSON, answer
from backend.csv_files import csv_text
from backend.instruments.definition import terminology
from backend.outcomes.words_of import words_in
from backend.patients.listing import subject_numbers
from backend.triage.models import CandidateEvent
from schemas.concordance import ConcordanceOut, ConcordanceQuery

blp = ApiBlueprint("concordance", __name__, url_prefix="/api/v1/concordance", description="Patients and clinicians")

COLUMNS = (
    "part", "term_code", "term", "composite", "grade", "pairs", "step", "n", "q1", "median", "q3",
    "candidate_event_id", "site", "subject_number", "tier", "status", "received_at", "days",
)  # fmt: skip


@blp.route("")
class Concordance(MethodView):
    """How far patients and clinicians agree."""

    @blp.reads(languages.ACCEPT_LANGUAGE)
    @blp.arguments(ConcordanceQuery, location="query")
    @blp.response(200, ConcordanceOut, headers=languages.IN_ANSWERS)
    @blp.doc(responses={200: {"content": {CSV: {"schema": {"type": "string"}}}}})
    def get(self, query: dict[str, Any]) -> Any:
        """Compare composites with grades by term, with the days between the steps; JSON, or CSV as Accept says."""
        visible = access.visible_at(g.txn, CandidateEvent.site_id, Verb.READ_CONCORDANCE, query["site"])
        asked = Asked(query["term"], query["from_on"], query["to_on"])
        pairs, still_open = judged_pairs(g.txn, visible, asked), waiting(g.txn, visible, asked)
        late = undecided([one for _, one in still_open.values()], g.txn.now, query["days"])
        told = {
            "terms": [_term(one) for one in by_term(pairs)],
            "lags": _lags(lags_of(pairs)),
            "undecided": _undecided([still_open[one.candidate_id] for one in late]),
        }
        return answer({JSON: partial(_data, told), CSV: lambda _language: csv_text(COLUMNS, _lines(told))})


def _data(told: Mapping[str, Any], language: str) -> dict[str, Any]:
    return {"definition": words_in(language)["concordance_definition"], **told}


def _term(of_term: OfTerm) -> dict[str, Any]:
    return {
        "term": terminology(g.txn).terms.get(of_term.term or ""),
        "pairs": of_term.pairs,
        "coded_otherwise": of_term.coded_otherwise,
        "settled": _rows(of_term.settled),
        "drafts": _rows(of_term.drafts),
        "lags": _lags(of_term.lags),
    }


def _rows(rows: Sequence[Row]) -> list[dict[str, Any]]:
    return [{"composite": row.composite, "grades": list(row.grades)} for row in rows]


def _lags(lags: Mapping[str, Quartiles]) -> dict[str, Any]:
    return {step: asdict(taken) for step, taken in lags.items()}


def _undecided(found: Sequence[tuple[CandidateEvent, Waiting]]) -> list[dict[str, Any]]:
    codes, terms = access.site_codes(g.txn), terminology(g.txn).terms
    numbers = subject_numbers(g.txn, {row.patient_id for row, _ in found})
    return [
        {
            "candidate_event_id": row.id,
            "patient": {"id": row.patient_id, "subject_number": numbers[row.patient_id], "site": codes[row.site_id]},
            "term": terms.get(row.term_code or ""),
            "tier": row.tier,
            "status": row.status,
            "composite": one.composite,
            "received_at": one.received_at,
            "days": round((g.txn.now - one.received_at) / A_DAY, 2),
        }
        for row, one in found
    ]


def _lines(told: Mapping[str, Any]) -> Iterator[list[object]]:
    """Every figure a line of its own; ``part`` says of which table. Counts of nothing are left out."""
    for of_term in told["terms"]:
        term = {"term_code": of_term["term"].code, "term": of_term["term"].name} if of_term["term"] else {}
        for part in ("settled", "drafts"):
            yield from (_line(part=part, **term, **count) for count in _counts(of_term[part]))
        yield from _lag_lines("lag", of_term["lags"], term)
    yield from _lag_lines("lag_of_all", told["lags"], {})
    for one in told["undecided"]:
        term = {"term_code": one["term"].code, "term": one["term"].name} if one["term"] else {}
        patient = {name: one["patient"][name] for name in ("site", "subject_number")}
        known = {name: one[name] for name in ("candidate_event_id", "tier", "status", "composite", "days")}
        yield _line(part="undecided", received_at=one["received_at"].isoformat(), **term, **patient, **known)


def _counts(rows: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    for row in rows:
        for grade, pairs in enumerate(row["grades"]):
            if pairs:
                yield {"composite": row["composite"], "grade": grade, "pairs": pairs}


def _lag_lines(part: str, lags: Mapping[str, Any], term: Mapping[str, str]) -> Iterator[list[object]]:
    yield from (_line(part=part, step=step, **term, **taken) for step, taken in lags.items() if taken["n"])


def _line(**values: object) -> list[object]:
    return [values.get(column) for column in COLUMNS]
