"""A protocol file is held against everything it names: its rule file, the instruments and the texts of the product."""

import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from backend.errors import BadSeedFile
from seeds.load import read_protocol
from seeds.questionnaires import read_instruments, read_terminology
from tests.agenda.courses import SEED

TRIAGE = SEED.with_suffix(".triage.yaml")

# What, in which of the two files, what stands there, what stands there instead, the field, and part of what is said.
MISTAKES = [
    ("an unknown instrument", SEED, "baseline]\n\n# The later", "baseline, basis]\n\n# The later", "forms.5",
     "'basis'"),
    ("a form of a row that no instrument is", SEED, "quarterly, baseline, ad_hoc]", "quarterly, baseline, adhoc]",
     "agenda.3.covered_by.5", "'adhoc'"),
    ("an unknown text", SEED, "template: contact_due", "template: contact_do", "agenda.16.prompts.0.template", "text"),
    ("no rule file", SEED, "nct04162158.triage.yaml\n", "other.triage.yaml\n", "triage_rules", "no file"),
    ("an unknown country", TRIAGE, "  country: CN", "  country: XX", "clocks.country", "ISO 3166"),
    ("no advice", TRIAGE, "scope: report, advice: emergency,", "scope: report,", "rules.10.advice", "needs advice"),
    ("a clock without its bound", TRIAGE, "t3_working_days: {value: 3,", "t3_working_days: {value: 300,",
     "clocks.t3_working_days", "less than"),
    ("a later step first", TRIAGE, "t1_investigator_after_minutes: {value: 30",
     "t1_investigator_after_minutes: {value: 90", "clocks.t1_principal_investigator_after_minutes", "before"),
    ("an unknown item", TRIAGE, "item: checklist.seizure", "item: checklist.nose", "rules.0.when", "checklist.nose"),
    ("an unknown term", TRIAGE, 'term: "10039906"', 'term: "10039907"', "rules.0.term", "terminology"),
    ("an unknown tier", TRIAGE, "tier: T1, scope: report, term", "tier: T4, scope: report, term", "rules.0.tier", ""),
    ("an unknown operator", TRIAGE, 'seizure, operator: ">="', 'seizure, operator: "=>"',
     "rules.0.when.operator", "one of"),
    ("an unknown field of a rule", TRIAGE, "  - {id: T1.seizure, v", "  - {colour: red, id: T1.seizure, v",
     "rules.0.colour", "Unknown"),
    ("an advice nobody wrote", TRIAGE, "advice: bleeding", "advice: blood", "rules.6.advice", "no advice"),
    ("a rule twice", TRIAGE, "{id: T1.confused,", "{id: T1.seizure,", "rules.1.id", "twice"),
    ("an advice without a number to call", TRIAGE, "Call {phone} now. If nobody answers, call 120. Do not stay",
     "If nobody answers, call 120. Do not stay", "advice.emergency.en", "{phone}"),
    ("a rule file that is no YAML", TRIAGE, "rules:\n", "rules: [\n", "", "not readable as YAML"),
]  # fmt: skip


@pytest.fixture(scope="module")
def known() -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The instruments and the terminology that are shipped."""
    return read_instruments(), read_terminology()


@pytest.mark.parametrize("row", MISTAKES, ids=[row[0] for row in MISTAKES])
def test_a_study_that_names_what_is_not_there_fails_with_file_line_and_field(
    tmp_path: Path, known: tuple[list[dict[str, Any]], dict[str, Any]], row: tuple[str, Path, str, str, str, str]
) -> None:
    _, file, old, new, field, said = row
    good = file.read_text(encoding="utf-8")
    assert old in good
    for beside in (SEED, TRIAGE):
        shutil.copy(beside, tmp_path)
    (tmp_path / file.name).write_text(good.replace(old, new, 1), encoding="utf-8")

    with pytest.raises(BadSeedFile) as refusal:
        read_protocol(tmp_path / SEED.name, *known)

    first = str(refusal.value).splitlines()[0]
    assert re.match(rf"{re.escape(file.name)}:\d+: ({field})", first), first
    assert said in first
    line = good[: good.index(old)].count("\n") + 1
    assert abs(int(first.split(":")[1]) - line) <= 6


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("study: [one\nsites: 3\n", 2, "not readable as YAML"),
        ("study: one\n\tsites: 3\n", 2, "not readable as YAML"),
        ("study: one\nstudy: two\n", 2, "study: is written twice"),
        ("study: &one x\ntitles: *one\n", 2, "references"),
        ("- study\n", 1, "must be a mapping"),
        ("", 1, "must be a mapping"),
        ("[a, b]: 3\n", 1, "not plain text"),
    ],
)
def test_a_file_that_cannot_be_read_names_the_line(tmp_path: Path, text: str, line: int, said: str) -> None:
    bad = tmp_path / "study.yaml"
    bad.write_text(text, encoding="utf-8")

    with pytest.raises(BadSeedFile) as refusal:
        read_protocol(bad, [], {"terms": []})

    assert str(refusal.value).startswith(f"study.yaml:{line}: ")
    assert said in str(refusal.value)


def test_a_file_that_is_no_utf_8_names_the_line(tmp_path: Path) -> None:
    bad = tmp_path / "study.yaml"
    bad.write_bytes("study: one\ntitles: 肝\n".encode("gb18030"))

    with pytest.raises(BadSeedFile, match=r"study\.yaml:2: the file must be UTF-8"):
        read_protocol(bad, [], {"terms": []})
