"""``followup terminology import``: NCI's text beside ours, a new version beside the old, and nothing half-done."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from backend.audit import AuditEvent
from backend.cli import commands
from backend.db import Database, system
from backend.terminology.models import CtcaeLoad, CtcaeTerm
from backend.terminology.terms import grades_that_exist, term_of, versions
from seeds.load import load_study
from tests import people
from tests.processes import settings_for
from tests.terminology.workbooks import CHILLS, FEVER, HEADINGS, NEW, SHEET, other, workbook

API = "/api/v1/terminology/ctcae"
TEST = system("test")
SIX = "CTCAE v6.0"
# What refuses a file has not come to the database yet.
ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
Told = Callable[..., Result]


@pytest.fixture
def told(database_url: str, tmp_path: Path) -> Told:
    def run(*words: Any) -> Result:
        return CliRunner().invoke(
            commands, ["terminology", "import", *map(str, words)], env=settings_for(database_url, tmp_path)
        )

    return run


def kept(db: Database) -> tuple[list[Any], ...]:
    """All that an import may change."""
    with db.reading(TEST) as txn:
        terms = select(CtcaeTerm.version, CtcaeTerm.code, CtcaeTerm.name, CtcaeTerm.published).order_by(CtcaeTerm.id)
        loads = select(CtcaeLoad.version, CtcaeLoad.source, CtcaeLoad.added, CtcaeLoad.changed)
        audited = select(AuditEvent.verb, AuditEvent.field, AuditEvent.new).where(AuditEvent.verb.like("ctcae.%"))
        return tuple(txn.session.execute(one).all() for one in (terms, loads, audited.order_by(AuditEvent.id)))


def test_ncis_text_stands_beside_ours_and_doing_it_twice_changes_nothing(
    db: Database, told: Told, client: Any, tmp_path: Path
) -> None:
    who = people.monitor(db).headers | {"Accept-Language": "en"}
    path = workbook(tmp_path, FEVER, CHILLS)
    assert client.get(f"{API}/10008531", headers=who).json["published"] is None
    before = kept(db)

    tried = told(path, "--dry-run")
    untouched = kept(db)
    done = told(path)
    after = kept(db)
    again = told(path)

    assert tried.output.endswith(
        f"CTCAE 5.0, sheet {SHEET}: 2 terms, 0 would be new, the text of 2 would be taken over\n"
    )
    assert untouched == before
    assert done.stdout == f"CTCAE 5.0, sheet {SHEET}: 2 terms, 0 new, the text of 2 taken over\n"
    assert again.stdout == f"CTCAE 5.0, sheet {SHEET}: 2 terms, nothing changed\n"
    assert kept(db) == after
    assert after[1][-1] == ("5.0", "workbook", 0, 2)
    assert ("ctcae.imported", "version", "5.0") in after[2]
    assert "made-up" not in str(after[2])
    chills = client.get(f"{API}/10008531", headers=who).json
    assert chills["published"] == {
        "grades": {"1": "cold", "2": "very cold", "3": "so cold"},
        "definition": None,
        "note": None,
    }
    assert chills["criteria"]["1"].startswith("Feels cold")


def test_a_new_version_stands_beside_the_old_and_the_study_can_be_loaded_again(
    db: Database, told: Told, client: Any, tmp_path: Path
) -> None:
    who = people.coordinator(db).headers
    six = workbook(tmp_path, other(FEVER, g5="-"), NEW, sheet=SIX)

    done = told(six)
    with db.transaction(TEST) as txn:
        steps = load_study(txn)

    assert done.stdout == f"CTCAE 6.0, sheet {SIX}: 2 terms, 2 new, the text of 0 taken over\n"
    assert [step.what for step in steps if step.is_new] == []
    with db.reading(TEST) as txn:
        assert versions(txn) == ["5.0", "6.0"]
        assert [grades_that_exist(txn, "10016558", version) for version in ("5.0", "6.0")] == [
            {1, 2, 3, 4, 5},
            {1, 2, 3, 4},
        ]
        new = term_of(txn, "10099999", "6.0")
        assert new is not None
        assert (new.specify, new.grades, term_of(txn, "10099999")) == (True, {1, 2}, None)
    found = client.get(f"{API}?q=发烧&version=6.0", headers=who).json["items"]
    assert [(one["name"], one["version"], one["criteria"]) for one in found] == [("Fever", "6.0", {})]
    assert found[0]["published"]["grades"]["4"] == "made-up words for fever 4"


@ON_SQLITE
@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        (other(FEVER, term="Feverishness"), "row 2: CTCAE Term: 10016558 is 'Fever' in CTCAE 5.0, not 'Feverishness'."),
        (other(FEVER, soc="Investigations"), "row 2: MedDRA SOC: Fever belongs to 'General disorders"),
        (other(FEVER, g5="-"), "row 2: Grade 5: exists for Fever in CTCAE 5.0."),
        (other(CHILLS, g4="died"), "row 2: Grade 4: does not exist for Chills in CTCAE 5.0."),
        (NEW, "row 2: MedDRA Code: CTCAE 5.0 has no term 10099999."),
    ],
)
def test_what_is_not_of_that_version_is_refused_by_row_and_column(
    db: Database, told: Told, tmp_path: Path, row: tuple[Any, ...], complaint: str
) -> None:
    before = kept(db)

    refused = told(workbook(tmp_path, row))

    assert (refused.exit_code, f"{SHEET}: {complaint}" in refused.stderr) == (1, True), refused.output
    assert kept(db) == before


@ON_SQLITE
def test_which_version_it_is_is_said_recognised_or_asked(db: Database, told: Told, tmp_path: Path) -> None:
    silent = workbook(tmp_path, FEVER, sheet="Terms")
    unlike = workbook(tmp_path, other(FEVER, g5="-"), sheet="Terms", name="other.xlsx")
    six = workbook(tmp_path, FEVER, sheet=SIX, name="six.xlsx")

    assert told(silent, "--dry-run").stdout.startswith("CTCAE 5.0, sheet Terms: 1 terms, 0 would be new")
    assert "does not say which version of CTCAE it is; say it with --version" in told(unlike).stderr
    assert told(unlike, "--version", "6.0", "--dry-run").stdout.startswith("CTCAE 6.0, sheet Terms: 1 terms, 1 would")
    assert f"{SIX}: says that it is CTCAE 6.0, not 5.0" in told(six, "--version", "5.0").stderr
    assert told(six, "--version", "six").exit_code == 2
    assert told(tmp_path / "none.xlsx").exit_code == 2


@ON_SQLITE
def test_a_file_that_is_not_understood_leaves_nothing(db: Database, told: Told, tmp_path: Path) -> None:
    before = kept(db)
    text_file = tmp_path / "notes.xlsx"
    text_file.write_text("notes", encoding="utf-8")
    lacking = workbook(tmp_path, FEVER, headings=HEADINGS[:5])

    answers = [told(path) for path in (text_file, lacking, workbook(tmp_path, other(FEVER, g1=1), name="n.xlsx"))]

    assert [answer.exit_code for answer in answers] == [1, 1, 1]
    assert "there is no column Grade 3, Grade 4, Grade 5" in answers[1].stderr
    assert f"n.xlsx: {SHEET}: row 2: Grade 1: is no text." in answers[2].stderr
    assert not any("Traceback" in answer.output for answer in answers)
    assert kept(db) == before


def test_what_was_loaded_is_never_unsaid(db: Database) -> None:
    for statement in ("UPDATE ctcae_load SET terms = 1", "DELETE FROM ctcae_load"):
        with pytest.raises(IntegrityError, match="append-only"), db.transaction(TEST) as txn:
            txn.session.execute(text(statement))
