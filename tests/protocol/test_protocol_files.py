"""Protocol files: the shipped one says what the trial says, and a bad one is answered with file, line and field."""

import re
from datetime import date, time
from pathlib import Path
from typing import Any

import pytest

from backend.agenda.calendar import Course, CycleCourse, agenda, by_key
from backend.agenda.reminders import Habits, wanted
from backend.errors import BadSeedFile
from backend.protocol.definition import Protocol
from backend.terms import CycleStatus
from schemas.protocol import ProtocolFile, read_protocol_file
from schemas.seed_files import read_seed_file
from tests.agenda.courses import SEED, at, days, the_protocol

SECOND = Path(__file__).parent / "second-study.yaml"


# --- the shipped file --------------------------------------------------------------------------------------


def test_the_shipped_file_says_what_the_record_says() -> None:
    protocol = the_protocol()

    assert (protocol.study, protocol.target_enrolment, protocol.sites) == ("NCT04162158", 200, 3)
    assert {code: arm.receives_cells for code, arm in protocol.arms.items()} == {"nk": True, "control": False}
    assert list(protocol.targeted_drugs) == ["sorafenib", "regorafenib", "lenvatinib"]
    assert protocol.cells is not None
    assert (protocol.cells.cycles, protocol.cells.culture_days, protocol.cells.infusion_days) == (3, 15, 2)


@pytest.mark.parametrize(
    ("key", "good", "bad"),
    [
        ("bclc_c", [True], [False]),
        ("child_pugh_score", [5, 9], [4, 10, 6.5]),
        ("ecog", [0, 1], [2, -1]),
        ("alt_u_l", [199.9], [200]),
        ("ast_u_l", [199.9], [200]),
        ("total_bilirubin_umol_l", [50.9], [51]),
        ("creatinine_clearance_ml_min", [60], [59.9]),
        ("platelets_e9_l", [40], [39.9]),
        ("wbc_e9_l", [2], [1.99]),
        ("haemoglobin_g_l", [80.1], [80]),
        ("coinfection", [False], [True]),
    ],
)
def test_a_criterion_has_the_bound_of_the_record(key: str, good: list[Any], bad: list[Any]) -> None:
    criterion = next(one for one in the_protocol().criteria if one.key == key)

    assert all(criterion.is_met_by(value) for value in good)
    assert not any(criterion.is_met_by(value) for value in bad)


def test_only_the_arm_with_cells_needs_a_donor() -> None:
    needed = {arm: {one.key for one in the_protocol().criteria if one.applies_to(arm)} for arm in ("nk", "control")}

    assert needed["nk"] - needed["control"] == {"donor_available"}
    assert not needed["control"] - needed["nk"]


def test_what_is_ours_is_marked_as_an_assumption_and_what_is_recorded_is_not() -> None:
    said = read_seed_file(SEED, ProtocolFile())

    assert said["cells"]["spacing_days"]["assumption"]
    assert not isinstance(said["cells"]["culture_days"], dict)
    assert [row["name"] for row in said["agenda"] if not row.get("assumption")] == [
        "infusion_day_1",
        "infusion_day_2",
    ]


def test_every_field_of_the_file_is_described() -> None:
    silent = [name for name, field in ProtocolFile().fields.items() if not field.metadata.get("description")]

    assert silent == []


def test_a_deliberately_different_study_needs_no_code() -> None:
    protocol = Protocol.from_content(read_seed_file(SECOND, ProtocolFile()))
    given = CycleCourse(1, 1, date(2027, 3, 1), CycleStatus.CONFIRMED, date(2027, 3, 11), None)
    one = Course("low", date(2027, 3, 1), "Asia/Shanghai", "Europe/Berlin", cycles=(given,))

    items = agenda(protocol, one, at("2027-03-09 09:00"))
    habits, horizon = Habits(one.patient_zone, one.site_zone, time(18)), protocol.messaging.horizon_days
    found = wanted(protocol, items, habits, at("2027-03-09 09:00"), horizon)

    known = by_key(items)
    assert days(known["survey.f1"]) == ("2027-03-14", "2027-03-19")
    assert known["survey.f13"].instrument == "four_weekly"
    assert max(item.due_on for item in items) <= date(2029, 3, 1)
    assert [str(known[key].due_on) for key in ("cycle-1.day-1", "after-dose.1.1", "after-dose.1.2")] == [
        "2027-03-11",
        "2027-03-12",
        "2027-03-13",
    ]
    assert [message.key for message in found][:2] == ["cycle-1.day-1@2027-03-11:-1d", "survey.f1@2027-03-15:0d"]


# --- bad files ---------------------------------------------------------------------------------------------

MISTAKES = [
    ("an unknown field", "  - name: baseline\n", "  - name: baseline\n    colour: red\n", "agenda.0.colour", "Unknown"),
    ("a missing field", "    family: baseline\n", "", "agenda.0.family", "Missing"),
    ("a text for a number", "culture_days: 15 ", 'culture_days: "15" ', "cells.culture_days", "whole number"),
    ("a number out of bounds", "  infusion_days: 2 ", "  infusion_days: 3 ", "cells.infusion_days", "less than"),
    ("yes for true", "receives_cells: true", "receives_cells: yes", "arms.0.receives_cells", "true or false"),
    ("a bad time", 'quiet_from: "21:00"', 'quiet_from: "9pm"', "messaging.quiet_from", "time of day"),
    ("silence about an infusion", "when: unrecorded", "when: unanswered", "agenda.1.calls.0.when", "exactly"),
    ("an unknown kind", "    kind: contact\n", "    kind: phone\n", "agenda.16.kind", "Must be one of"),
    ("an unknown due type", "due: {type: on, anchor: rand", "due: {type: once, anchor: rand", "agenda.0.due.type", ""),
    ("an unknown anchor", "type: on, anchor: randomisation", "type: on, anchor: birth", "agenda.0.due.anchor", ""),
    ("a field of another due type", "due: {type: between_infusions}", "due: {type: between_infusions, day: 1}",
     "agenda.3.due.day", "Unknown"),
    ("an unknown arm", "    arms: [nk]\n    due", "    arms: [nc]\n    due", "agenda.1.arms", "no arm 'nc'"),
    ("an unknown obligation", "    obligation: active\n", "    obligation: full\n", "agenda.0.obligation", "'full'"),
    ("an unknown turning point", "until: end_of_weekly", "until: end", "agenda.7.due.until", "turning point"),
    ("an unknown family", "of: [weekly, four-weekly]", "of: [weekly, monthly]", "agenda.7.overdue.of", "'monthly'"),
    ("an unknown form", "    instrument: baseline\n", "    instrument: basis\n", "agenda.0.instrument", "'basis'"),
    ("a key without its number", "key: weekly.w{n}", "key: weekly.w", "agenda.7.key", "{n}"),
    ("a key of two rows", "first: 4, last: 14", "first: 3, last: 14", "agenda.6.key", "safety_first_days"),
    ("a name of two rows", "  - name: watch\n", "  - name: weekly\n", "agenda.9.name", "twice"),
    ("a missing language", "titles: {en: First report, zh-CN: 首次报告}", "titles: {en: First report}",
     "agenda.0.titles", "zh-CN"),
    ("a window that closes first", "window: {opens: -7, closes: 3}", "window: {opens: 7, closes: 3}",
     "agenda.0.window", "before it closes"),
    ("a window of years", "window: {opens: -7, closes: 3}", "window: {opens: -700, closes: 3}",
     "agenda.0.window.opens", "greater than"),
    ("a prompt without its text", "template: report_due, urgency", "urgency", "agenda.0.prompts.0.template", "Missing"),
    ("a bad hour of a prompt", "at: own_hour, template: report_due", "at: noon, template: report_due",
     "agenda.0.prompts.0.at", "own_hour or a time"),
    ("an unknown addressee", "to: caregiver, expires", "to: neighbour, expires", "agenda.17.prompts.2.to", ""),
    ("an unknown duty", "working_day: next}", "working_day: next, to: nurse}", "agenda.7.calls.0.to", "twice"),
    ("an hour without a successor", ", then_to: investigator", "", "agenda.1.calls.0", "together"),
    ("a key with a format", "key: weekly.w{n}", "key: weekly.w{n:02}", "agenda.7.key", "{n}"),
    ("a key with an open brace", "key: weekly.w{n}", "key: weekly.w{n", "agenda.7.key", "{n}"),
    ("an infusion by another name", "key: cycle-{cycle}.day-2", "key: dose-{cycle}.b", "agenda.2.key", "day-2"),
    ("months listed and regular", "at: [2, 3, 6, 9, 12, 18, 24]", "every: 3, at: [2, 3]", "agenda.15.due", "either"),
    ("regular months without a step", "first: 15, every: 3, last: 24", "first: 15, last: 24", "agenda.10.due", ""),
    ("days that end first", "first: 4, last: 14", "first: 4, last: 2", "agenda.6.due.last", "before first"),
    ("bounds without a number", "at_least: 5\n      at_most: 9", "at_least: 9\n      at_most: 5",
     "eligibility.inclusion.1", "no number"),
    ("a criterion of no kind", "type: attested\n      must_be: true", "type: said\n      must_be: true",
     "eligibility.inclusion.0.type", "Must be one of"),
    ("a criterion of an unknown arm", "      arms: [nk]\n", "      arms: [nc]\n", "eligibility.inclusion.14.arms",
     "'nc'"),
    ("a turning point of an unknown anchor", "{anchor: cells_over,", "{anchor: cells_up,",
     "turning_points.end_of_weekly.latest_of.1.anchor", "Must be one of"),
    ("a criterion twice", "key: ast_u_l", "key: alt_u_l", "eligibility.inclusion.4.key", "twice"),
    ("an arm twice", "  - code: control", "  - code: nk", "arms.1.code", "twice"),
    ("a word twice", "forms: [safety, weekly,", "forms: [safety, safety, weekly,", "forms", "more than once"),
    ("a list for a word", "study: NCT04162158", "study: [NCT04162158]", "study", "string"),
    ("nothing for a list", "covered_by: [safety, weekly, four_weekly, quarterly, baseline, ad_hoc]", "covered_by:",
     "agenda.3.covered_by", "null"),
    ("a word for a mapping", "    window: {opens: -7, closes: 3}\n", "    window: week\n", "agenda.0.window", ""),
    ("a key that no word is", "  end_of_watch:\n", "  End of watch:\n", "turning_points.End of watch", "word"),
    ("a field written twice deep inside", "closes: 3}", "closes: 3, closes: 4}", "agenda.0.window.closes", "twice"),
    ("a date that YAML would make", "target_enrolment: 200", "target_enrolment: 2027-03-01", "target_enrolment",
     "whole"),
    ("a number that is none", "target_enrolment: 200", "target_enrolment: .nan", "target_enrolment", "whole"),
    ("a fraction of a hospital", "sites: 3\n", "sites: 3.5\n", "sites", "whole"),
    ("an object of Python", "sites: 3\n", "sites: !!python/name:os.system 3\n", "sites", "tag"),
    ("a criterion without a bound", "      at_least: 60\n", "", "eligibility.inclusion.6", "bound"),
    ("a field written twice", "sites: 3\n", "sites: 3\nsites: 4\n", "sites", "twice"),
    ("an ending before a word", "      - pass* out\n", "      - p*ass out\n", "words.danger.en.209", "end of a word"),
    ("a number in a word of death", "      deceased, passed", '      "dead #", passed', "words.death.en.0", "hold #"),
    ("a bend beside a death", '"# hours ago"', '"# ~ hours ago"', "words.beside_a_death.en.40", "hold *"),
    ("a mark that is not true", "{value: 12, assumption: true}", "{value: 12, assumption: false}",
     "cells.confirm_after_days.assumption", "Must be true"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "field", "said"), [row[1:] for row in MISTAKES], ids=[row[0] for row in MISTAKES]
)
def test_a_bad_protocol_file_fails_with_file_line_and_field(
    tmp_path: Path, old: str, new: str, field: str, said: str
) -> None:
    good = SEED.read_text(encoding="utf-8")
    assert old in good
    line = good[: good.index(old)].count("\n") + 1
    bad = tmp_path / "study.yaml"
    bad.write_text(good.replace(old, new, 1), encoding="utf-8")

    with pytest.raises(BadSeedFile) as refusal:
        read_seed_file(bad, ProtocolFile())

    first = str(refusal.value).splitlines()[0]
    found = re.fullmatch(r"study\.yaml:(\d+): ([\w. -]+): (.+)", first)
    assert found is not None, first
    assert found[2] == field
    assert said in found[3]
    # A missing field is told at what surrounds it, and a row may begin a few lines earlier.
    assert abs(int(found[1]) - line) <= 6


def test_an_infusion_day_more_than_the_cells_have_is_told_at_its_row(tmp_path: Path) -> None:
    bad = tmp_path / "study.yaml"
    bad.write_text(SEED.read_text(encoding="utf-8").replace("  infusion_days: 2 ", "  infusion_days: 1 "), "utf-8")

    with pytest.raises(BadSeedFile, match=r"agenda\.2\.due\.day: Is more than the infusion_days of the cells\."):
        read_seed_file(bad, ProtocolFile())


def test_every_mistake_is_told_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    bad = tmp_path / "study.yaml"
    good = SEED.read_text(encoding="utf-8")
    bad.write_text(good.replace("sites: 3", "sites: three").replace("culture_days: 15", "culture_days: x"), "utf-8")

    with pytest.raises(BadSeedFile) as refusal:
        read_seed_file(bad, ProtocolFile())

    assert [line.split(": ")[1] for line in str(refusal.value).splitlines()] == ["sites", "cells.culture_days"]
    assert set(refusal.value.fields) == {"sites", "cells.culture_days"}


def test_a_protocol_without_its_rule_file_beside_it_is_refused(tmp_path: Path) -> None:
    alone = tmp_path / "study.yaml"
    alone.write_text(SECOND.read_text(encoding="utf-8"), encoding="utf-8")

    with pytest.raises(BadSeedFile, match=r"study\.yaml:\d+: triage_rules: "):
        read_protocol_file(alone)
