"""The golden cases: the product agrees with every one, and so does a client that has the document and nothing else."""

import os
from datetime import date, datetime

import pytest

from backend import clock
from backend.errors import InvalidInput
from backend.instruments.answers import check_answers
from backend.instruments.branching import is_hidden
from backend.terms import Tier
from backend.triage.advice import advice
from backend.triage.rules import Circumstances, Told
from tests.instruments import golden, offline_client
from tests.study import findings, instrument, rule_set

GOLDEN = golden.read()
REFRESH = "FOLLOWUP_REFRESH_DOCS"
SHAPES = {"F", "S", "A", "P", "FS", "FI", "SI", "FSI"}


def each(section):
    return pytest.mark.parametrize("case", GOLDEN[section], ids=lambda case: case["name"])


def told(case):
    report = golden.in_full(case)
    answered = {item: value for item, value in report["answers"].items() if value is not None}
    measured = {name: value for name, value in report["measurements"].items() if value is not None}
    return Told(instrument("ad_hoc"), answered, measured, tuple(report["texts"]))


def circumstances(case):
    """As the server works them out of rows: days, where the document has dates."""
    known = golden.document_for(GOLDEN["document"], case)["circumstances"]
    at, as_of = datetime.fromisoformat(case["at"]), datetime.fromisoformat(known["as_of"])
    moments = (at, as_of) if at < as_of else (at,)
    given = [date.fromisoformat(on) for on in known["infusion_dates"]]
    since = [(clock.local_day(moment, known["site_time_zone"]) - on).days for moment in moments for on in given]
    return Circumstances(
        days_since_infusion=min((days for days in since if days >= 0), default=None),
        recent_signs=recent_signs(case, known, clock.local_day(at, known["time_zone"])),
    )


def recent_signs(case, known, today):
    said = [(one["item"], date.fromisoformat(one["on"])) for one in known["recent_signs"]]
    for waiting in case.get("waiting", []):
        on = clock.local_day(datetime.fromisoformat(waiting["at"]), known["time_zone"])
        said += [(item, on) for item in waiting["answers"]]
    nearest = {}
    for item, on in said:
        sign, days = item.removeprefix("checklist."), abs((today - on).days)
        nearest[sign] = min(days, nearest.get(sign, days))
    return nearest


def test_the_file_holds_what_the_product_serves_and_can_be_read():
    fresh = {**GOLDEN, "document": golden.part_needed(golden.served(), GOLDEN)}
    if os.environ.get(REFRESH):
        golden.FILE.write_text(golden.written(fresh) + "\n", encoding="utf-8")

    assert golden.FILE.read_text(encoding="utf-8") == golden.written(fresh) + "\n", f"Run this with {REFRESH}=1."


def test_no_two_cases_have_one_name():
    names = [
        case["name"] for section in ("branching", "bounds", "emergencies", "unreadable") for case in GOLDEN[section]
    ]

    assert len(names) == len(set(names))


def test_every_shape_of_attributes_and_every_emergency_rule_has_its_cases():
    shapes = {
        "".join(one[0].upper() for one in instrument("ad_hoc").symptoms[case["symptom"]].attributes)
        for case in GOLDEN["branching"]
    }
    emergencies = {rule["id"] for rule in GOLDEN["document"]["emergency"]}
    fired = [set(case["rules"]) for case in GOLDEN["emergencies"]]

    assert shapes == SHAPES
    assert set().union(*fired) == emergencies
    assert sum(not rules for rules in fired) >= len(emergencies)


@each("branching")
def test_the_product_branches_as_written(case):
    values = {item: value for item, value in case["answers"].items() if value is not None}
    asked = instrument("ad_hoc")

    hidden = {code for code, item in asked.items.items() if is_hidden(item, values)}
    left = [code for code in asked.symptoms[case["symptom"]].items if code not in {*case["answers"], *hidden}]

    assert sorted(hidden) == sorted(case["hidden"])
    assert (left[0] if left else None) == case["next"]


@each("branching")
def test_the_product_refuses_what_is_hidden_by_its_name(case):
    sent = [{"item": item, "value": value} for item, value in case["answers"].items()]
    refused = []
    try:
        check_answers(instrument("ad_hoc"), sent, {})
    except InvalidInput as refusal:
        refused = [complaint[0].split()[0] for complaint in refusal.fields.values()]

    assert refused == case.get("refused", [])


@each("bounds")
def test_the_product_keeps_the_bounds_as_written(case):
    measured = {case["measurement"]: case["value"]}
    accepted = True
    try:
        check_answers(instrument("ad_hoc"), [], measured)
    except InvalidInput:
        accepted = False

    assert accepted == case["accepted"]


@each("emergencies")
def test_the_product_raises_the_emergencies_as_written(case):
    found = [one for one in findings(rule_set(), told(case), circumstances(case)) if one.tier is Tier.T1]
    said = advice(rule_set(), found, language="en", phone=golden.PHONE, can_call_today=True)
    emergencies = [rule.id for rule in rule_set().rules if rule.tier is Tier.T1]
    fired = {rule for one in found for rule in one.rules if rule in emergencies}

    assert sorted(fired, key=emergencies.index) == case["rules"]
    assert [one["code"] for one in said] == case["advice"]


@each("branching")
def test_a_client_branches_as_written(case):
    assert sorted(offline_client.hidden(GOLDEN["document"], case["answers"])) == sorted(case["hidden"])
    assert offline_client.next_item(GOLDEN["document"], case["symptom"], case["answers"]) == case["next"]


@each("bounds")
def test_a_client_keeps_the_bounds_as_written(case):
    assert offline_client.is_within_bounds(GOLDEN["document"], case["measurement"], case["value"]) == case["accepted"]


@each("emergencies")
def test_a_client_raises_the_emergencies_as_written(case):
    fired = offline_client.emergencies(golden.document_for(GOLDEN["document"], case), golden.in_full(case))

    assert [rule["id"] for rule in fired] == case["rules"]
    assert offline_client.advice_codes(fired) == case["advice"]


@each("unreadable")
def test_a_client_takes_what_it_cannot_read_for_true(case):
    nothing = golden.in_full({"at": "2027-03-22T12:00:00+08:00"})

    assert offline_client.holds(case["when"], nothing, GOLDEN["document"]["circumstances"]) == case["holds"]
