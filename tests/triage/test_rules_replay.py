"""Other rules over the reports there are: the same ones change nothing, and what others change is named."""

import json
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select

from backend.agenda import changes
from backend.cli import commands
from backend.db import Database, Transaction, system
from backend.patients.models import Patient
from backend.reports.replay import Comparison, Days, compare_rules
from backend.terms import Tier
from backend.triage.decisions import acknowledge
from backend.triage.models import CandidateEvent
from backend.triage.snoozes import snooze
from tests import people
from tests.conftest import Clock
from tests.processes import settings_for
from tests.reports.test_submit import submitted, weekly
from tests.study import PROTOCOL, triage_content

TEST = system("test")
SHIPPED = PROTOCOL / "nct04162158.triage.yaml"
FEVER, NAUSEA, FATIGUE, URINE = "10016558", "10028813", "10016256", "10046628"


def reported(db: Database, clock: Clock, who: Patient, on: str, *, by: str = "patient", **said: Any) -> str:
    """A report by phone at nine in the evening; its id."""
    clock.move_to(f"{on}T21:00:00+08:00")
    answers = tuple({"item": item.replace("__", "."), "value": value} for item, value in said.items())
    measured = {"temperature_c": said["temperature"]} if "temperature" in said else {}
    asked = tuple(answer for answer in answers if answer["item"] != "temperature")
    sent = weekly(f"{on}T20:55:00+08:00", answers=asked, measurements=measured, respondent=by)
    return str(submitted(db, who, sent).report.id)


def candidate(txn: Transaction, term: str) -> CandidateEvent:
    newest_first = CandidateEvent.opened_at.desc()
    return txn.session.scalars(select(CandidateEvent).filter_by(term_code=term).order_by(newest_first)).first()


@pytest.fixture
def ann(db: Database) -> Patient:
    return people.ann(db)


@pytest.fixture
def march(db: Database, clock: Clock, ann: Patient) -> dict[str, str]:
    """A month of Ann's: reports by a name, with what people did about them in between."""
    with db.transaction(TEST) as txn:
        row = txn.session.get_one(Patient, ann.id)
        changes.plan_cycle(txn, row, 1, date(2027, 2, 20))
        changes.confirm_cycle(txn, row, 1)
    ids = {"bad nausea": reported(db, clock, ann, "2027-03-03", nausea__frequency=3, nausea__severity=3)}
    with db.transaction(TEST) as txn:
        acknowledge(txn, candidate(txn, NAUSEA))
    ids["the same nausea"] = reported(db, clock, ann, "2027-03-05", nausea__frequency=3, nausea__severity=3)
    ids["fever"] = reported(db, clock, ann, "2027-03-09", temperature=38.4)
    with db.transaction(TEST) as txn:
        acknowledge(txn, candidate(txn, FEVER))
    ids["tired"] = reported(db, clock, ann, "2027-03-12", fatigue__severity=1, fatigue__interference=1)
    ids["more tired"] = reported(db, clock, ann, "2027-03-13", fatigue__severity=3, fatigue__interference=1)
    with db.transaction(TEST) as txn:
        snooze(txn, candidate(txn, FATIGUE), date(2027, 3, 20))
    ids["tired as expected"] = reported(db, clock, ann, "2027-03-18", fatigue__severity=3, fatigue__interference=1)
    ids["nausea a month on"] = reported(db, clock, ann, "2027-04-05", nausea__frequency=3, nausea__severity=3)
    ids["warm"] = reported(db, clock, ann, "2027-04-10", temperature=37.6)
    return ids


def rules(*, without: str | None = None, **bounds: float) -> dict[str, Any]:
    """The shipped rules without one of them, or with other bounds (``T2_fever=37.5``) of those with one comparison."""
    content = triage_content()
    changed = [dict(rule) for rule in content["rules"] if rule["id"] != without]
    for rule in changed:
        if (bound := bounds.get(rule["id"].replace(".", "_"))) is not None:
            rule["when"] = {**rule["when"], "value": bound}
    return {**content, "rules": changed}


def compared(db: Database, triage: dict[str, Any], **options: Any) -> Comparison:
    return compare_rules(db, TEST, triage, **options)


def named(differences: list[Any]) -> list[tuple[str, str | None, str | None, str | None]]:
    return [(str(one.report_id), one.term_code, one.rule_before, one.rule_after) for one in differences]


def test_the_same_rules_make_the_same_queue_as_there_was(db, march):
    again = compared(db, rules())

    assert (again.patients, again.reports, again.heard_otherwise) == (1, 8, 0)
    assert again.before == again.after == {Tier.T1: 1, Tier.T2: 2, Tier.T3: 1}
    assert again.differences == []


def test_a_caregivers_zeros_end_nothing_when_replayed_either(db, clock, ann):
    reported(db, clock, ann, "2027-03-01", nausea__frequency=3, nausea__severity=3)
    with db.transaction(TEST) as txn:
        acknowledge(txn, candidate(txn, NAUSEA))
    for on in ("2027-03-02", "2027-03-10"):
        reported(db, clock, ann, on, by="caregiver", nausea__frequency=0)
    reported(db, clock, ann, "2027-03-11", nausea__frequency=3, nausea__severity=3)

    again = compared(db, rules())

    assert (again.before, again.heard_otherwise, again.differences) == ({Tier.T2: 1}, 0, [])
    with db.reading(TEST) as txn:
        assert [row.report_count for row in txn.session.scalars(select(CandidateEvent))] == [4]


def test_what_alerted_when_it_came_alerts_when_replayed(db, march):
    without_any = {**rules(), "rules": [rule for rule in triage_content()["rules"] if rule["id"] == "T1.seizure"]}

    missed = compared(db, without_any).missed

    assert [str(one.report_id) for one in missed] == [
        march[name] for name in ("bad nausea", "fever", "more tired", "nausea a month on")
    ]


def test_rules_without_one_of_them_name_just_what_is_missed(db, march, ann):
    without = compared(db, rules(without="T2.worst-answer"))
    assert without.differences == []

    without = compared(db, rules(without="T1.fever-after-infusion"))
    assert named(without.moved) == [(march["fever"], FEVER, "T1.fever-after-infusion", "T2.fever")]
    assert (without.moved[0].before, without.moved[0].after) == (Tier.T1, Tier.T2)

    without = compared(db, rules(without="T2.composite-3"))
    assert named(without.missed) == [
        (march["bad nausea"], NAUSEA, "T2.composite-3", None),
        (march["nausea a month on"], NAUSEA, "T2.composite-3", None),
    ]
    with db.reading(TEST) as txn:
        assert without.missed[0].candidate_event_id == candidate(txn, NAUSEA).id
    assert without.missed[0].subject_number == ann.subject_number


def test_rules_with_a_lower_bound_name_what_is_new(db, march):
    lower = compared(db, rules(T2_fever=37.5))

    assert named(lower.differences) == [(march["warm"], FEVER, None, "T2.fever")]
    assert lower.new == lower.differences


def test_other_clocks_are_replayed_too(db, march):
    shorter = {**rules(), "clocks": {**triage_content()["clocks"], "quiet_after_acknowledgement_days": 1}}

    assert named(compared(db, shorter).new) == [(march["the same nausea"], NAUSEA, None, "T2.composite-3")]


def test_a_snooze_is_replayed_until_it_is_over(db, clock, ann):
    reported(db, clock, ann, "2027-03-03", checklist__dark_urine=1)
    with db.transaction(TEST) as txn:
        snooze(txn, candidate(txn, URINE), date(2027, 3, 20))
    as_expected = reported(db, clock, ann, "2027-03-10", checklist__dark_urine=1)
    over = reported(db, clock, ann, "2027-03-25", checklist__dark_urine=1)
    shorter = {**rules(), "clocks": {**triage_content()["clocks"], "quiet_after_acknowledgement_days": 1}}

    found = compared(db, shorter)

    assert found.differences == [], "what is expected is quiet, whatever the clocks"
    assert found.before.total() == found.after.total() == 2
    missed = compared(db, rules(without="T2.danger-sign")).moved
    assert [str(one.report_id) for one in missed][1:] == [over]
    assert as_expected not in {str(one.report_id) for one in missed}


def test_only_the_days_asked_for_are_told_and_those_before_still_count(db, march):
    found = compared(db, rules(without="T2.composite-3"), days=Days(date(2027, 3, 4), date(2027, 4, 5)))
    same = compared(db, rules(), days=Days(date(2027, 3, 5), date(2027, 3, 5)))

    assert named(found.missed) == [(march["nausea a month on"], NAUSEA, "T2.composite-3", None)]
    assert (same.reports, same.before.total()) == (1, 0)


def test_an_infusion_that_was_planned_and_is_recorded_later_is_told_as_what_it_is(db, clock, ann):
    with db.transaction(TEST) as txn:
        changes.plan_cycle(txn, txn.session.get_one(Patient, ann.id), 1, date(2027, 2, 20))
    reported(db, clock, ann, "2027-03-09", temperature=38.4)
    with db.reading(TEST) as txn:
        assert candidate(txn, FEVER).tier == Tier.T2, "a planned day counts for nothing until it is confirmed or begun"
    with db.transaction(TEST) as txn:
        row = txn.session.get_one(Patient, ann.id)
        changes.confirm_cycle(txn, row, 1, date(2027, 3, 10))
        changes.start_infusion(txn, row, 1, 1, datetime.fromisoformat("2027-03-07T10:00:00+08:00"))

    again = compared(db, rules())

    assert (again.heard_otherwise, again.differences) == (1, [])


def test_danger_words_in_sealed_text_are_heard_again(db, clock, ann):
    clock.move_to("2027-03-03T21:00:00+08:00")
    words = ({"text": "I am bleeding"},)
    submitted(db, ann, weekly("2027-03-03T20:00:00+08:00", instrument="ad_hoc", other_symptoms=words))

    without = compared(db, rules(without="T1.danger-words"))

    assert [(one.before, one.after, one.term_code) for one in without.moved] == [(Tier.T1, Tier.T3, None)]


# --- the command -------------------------------------------------------------------------------------------


def said(database_url: str, home: Path, *words: str) -> Result:
    return CliRunner().invoke(commands, ["rules", "replay", *words], env=settings_for(database_url, home))


def written(home: Path, old: str, new: str) -> str:
    text = SHIPPED.read_text(encoding="utf-8")
    assert old in text
    path = home / "other.triage.yaml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return str(path)


def test_the_command_says_how_the_queue_would_have_differed(db, database_url, tmp_path, march, ann):
    told = said(database_url, tmp_path, "--rules", str(SHIPPED))
    fewer = written(tmp_path, 'scope: symptom, advice: same_day, assumption: true,\n     reference: "Tiers, T2", when: '
                    '{fact: composite, operator: ">=", value: 3}', 'scope: symptom, advice: same_day, assumption: true,'
                    '\n     reference: "Tiers, T2", when: {fact: composite, operator: ">", value: 3}')  # fmt: skip

    other = said(database_url, tmp_path, "--rules", fewer, "--to", "2027-03-31")

    assert told.exit_code == 0, told.output
    assert "8 reports of 1 patients, by both sets of rules\n4 → 4 alerts\n" in told.stdout
    assert "missed: none\nnew: none\nat another tier: none\n" in told.stdout
    assert "3 → 2 alerts\n" in other.stdout
    assert f"missed: 1\n  {ann.subject_number}  " in other.stdout
    assert "T2  Nausea  T2.composite-3\n" in other.stdout
    assert f"report {march['bad nausea']}, candidate event " in other.stdout


def test_the_command_speaks_to_programs(db, database_url, tmp_path, march):
    lower = written(tmp_path, 'T2", when: {measurement: temperature_c, operator: ">=", value: 38.0}',
                    'T2", when: {measurement: temperature_c, operator: ">=", value: 37.5}')  # fmt: skip

    told = json.loads(said(database_url, tmp_path, "--rules", lower, "--json").stdout)

    assert (told["alerts"]["before"]["total"], told["alerts"]["after"]["total"]) == (4, 5)
    (new,) = told["new"]
    assert (new["report_id"], new["term"], new["before"]) == (march["warm"], "Fever", None)
    assert new["after"] == {"tier": "T2", "rule": "T2.fever"}


def test_a_wrong_file_is_answered_with_file_line_and_field(db, database_url, tmp_path):
    wrong = written(tmp_path, "checklist.seizure", "checklist.nose")

    told = said(database_url, tmp_path, "--rules", wrong)

    assert told.exit_code == 1
    assert "other.triage.yaml:" in told.stderr
    assert "rules.0.when: No instrument asks checklist.nose." in told.stderr
