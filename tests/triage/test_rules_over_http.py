"""Whatever a report holds and whatever becomes of the rules, it is kept and a person hears of it: through the door."""

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import func, select

from backend.db import Database, system
from backend.instruments.load import load_instruments
from backend.patients.symptom_report import SymptomReport
from backend.protocol.load import current_version, load_protocol
from tests.people import ANN, coordinator, enrolled, phone_of
from tests.protocol.amended import set_in_effect
from tests.sent import answers, report_body
from tests.study import contents

MINE, QUEUE = "/api/v1/me/reports", "/api/v1/candidate-events"
TEST = system("test")
# Nothing is above or below a word, so this rule fails with every report.
FAILS = {"fact": "item", "operator": ">=", "value": 1}


def kept(db: Database) -> int:
    with db.reading(TEST) as txn:
        return txn.session.scalar(select(func.count()).select_from(SymptomReport))


def sent(db: Database, client: Any, **body: Any) -> tuple[Any, list[dict[str, Any]]]:
    """Ann's report through the door, and what a coordinator finds in the queue after it."""
    ann = enrolled(db, replace(ANN))
    answer = client.post(MINE, json=report_body(**body), headers=phone_of(db, ann).headers)
    queue = client.get(QUEUE, headers=coordinator(db).headers).json["items"]
    return answer, queue


def stored_with(db: Database, failing: dict[str, Any]) -> None:
    """A protocol version stored before its shape was checked as it is now, with a rule that fails."""
    with db.transaction(TEST) as txn:
        content = current_version(txn).content
        triage = {**content["triage"], "rules": [failing, *content["triage"]["rules"]]}
        number = load_protocol(txn, {**content, "triage": triage}).version.version
    set_in_effect(db, number)


@pytest.mark.parametrize(("tier", "reviewed_at"), [("T1", "T2"), ("T2", "T2"), ("T3", "T3")])
def test_a_report_whose_rule_fails_is_kept_and_reviewed_by_a_person(db, client, tier, reviewed_at):
    rule = {"id": f"{tier}.fails", "version": 1, "tier": tier, "scope": "item", "reference": "none", "when": FAILS}
    stored_with(db, rule)

    answer, queue = sent(db, client, answers=answers(nausea__frequency=1, nausea__severity=1))

    assert (answer.status_code, answer.json["tier"]) == (201, reviewed_at)
    assert [(one["tier"], one["needs_review"], one["rule"]["id"]) for one in queue] == [
        (reviewed_at, True, f"{tier}.fails")
    ]
    assert kept(db) == 1


def test_an_emergency_beside_a_rule_that_fails_is_still_an_emergency(db, client):
    failing = {"id": "T1.fails", "version": 1, "tier": "T1", "scope": "sign", "reference": "none", "when": FAILS}
    stored_with(db, failing)

    answer, queue = sent(db, client, answers=answers(checklist__seizure=1))

    assert (answer.status_code, answer.json["tier"]) == (201, "T1")
    assert answer.json["advice"] != []
    assert [(one["tier"], one["needs_review"]) for one in queue] == [("T1", False), ("T2", True)]


def with_newer_form(db: Database, **changed: Any) -> int:
    """A newer version of the ad-hoc report that asks what no rule has heard of."""
    with db.transaction(TEST) as txn:
        (loaded,) = load_instruments(txn, [{**contents()["ad_hoc"], **changed}])
    return loaded.version


def test_a_measurement_that_no_rule_understands_is_kept_and_reviewed_by_a_person(db, client):
    known = contents()["ad_hoc"]["measurements"]
    pressure = next(one for one in known if one["name"] == "systolic_mmhg")
    version = with_newer_form(db, measurements=[*known, {**pressure, "name": "pulse_bpm"}])

    answer, queue = sent(db, client, instrument_version=version, measurements={"pulse_bpm": 150})

    assert (answer.status_code, answer.json["tier"]) == (201, "T3")
    assert [(one["tier"], one["needs_review"]) for one in queue] == [("T3", True)]
    assert kept(db) == 1


def test_an_answer_beyond_the_scale_is_kept_and_reviewed_by_a_person(db, client):
    items = [
        {**item, "highest": 6} if item["item"] == "nausea.severity" else item for item in contents()["ad_hoc"]["items"]
    ]
    version = with_newer_form(db, items=items)

    given = answers(nausea__frequency=2, nausea__severity=5)
    answer, queue = sent(db, client, instrument_version=version, answers=given)

    assert (answer.status_code, answer.json["tier"]) == (201, "T3")
    assert [(one["tier"], one["needs_review"]) for one in queue] == [("T3", True)]
    assert kept(db) == 1


def test_an_answer_that_the_form_does_not_offer_is_refused_by_name(db, client):
    answer, _ = sent(db, client, answers=answers(nausea__frequency=5))

    assert answer.status_code == 422
    assert list(answer.json["errors"]) == ["answers.0.value"]
