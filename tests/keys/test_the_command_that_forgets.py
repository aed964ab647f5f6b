"""`followup patients forget` at a terminal: asks again, refuses what is too early, and says what it did."""

from pathlib import Path
from typing import Any

import pytest

from backend.db import Database
from backend.jobs import Work
from backend.patients.identifiers import identifiers_of
from backend.terms import CandidateStatus
from backend.triage.models import CandidateEvent
from tests import people
from tests.canaries import refuse_leaks
from tests.keys import life
from tests.keys.life import TEST
from tests.processes import done, environment_for

BECAUSE = ("--because", "authority_ordered")

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def name_of(db: Database, qiu: life.Told) -> str | None:
    with db.reading(TEST) as txn:
        return identifiers_of(txn, life.row_of(txn, qiu)).name


def test_a_patient_is_forgotten_once_the_number_was_typed_again(
    db: Database, client: Any, work: Work, tmp_path: Path
) -> None:
    qiu = life.told(db, client, work)
    life.died(client, qiu)
    command, environment = ("patients", "forget", qiu.subject_number, *BECAUSE), environment_for(db.url, tmp_path)

    mistyped = done(environment, *command, typed="01-9999\n")
    assert (mistyped.returncode, name_of(db, qiu)) == (1, life.NAME)

    waits = done(environment, *command, "--yes")
    assert "A candidate event of this patient waits" in waits.stderr
    with db.transaction(TEST) as txn:
        txn.session.query(CandidateEvent).update({"status": CandidateStatus.DISMISSED})

    forgotten = done(environment, *command, typed=f"{qiu.subject_number}\n")
    assert forgotten.returncode == 0, forgotten.stderr
    assert f"{qiu.subject_number} is forgotten" in forgotten.stdout
    assert name_of(db, qiu) is None
    refuse_leaks(forgotten.stdout + forgotten.stderr)

    listed = done(environment, "keys", "list", "--forgotten")
    assert listed.stdout.startswith(f"{qiu.subject_number}  since ")


def test_who_is_followed_or_unknown_is_refused_in_one_sentence(db: Database, tmp_path: Path) -> None:
    ann, environment = people.ann(db), environment_for(db.url, tmp_path)

    followed = done(environment, "patients", "forget", ann.subject_number, "--yes", *BECAUSE)
    unknown = done(environment, "patients", "forget", "01-9999", "--yes", *BECAUSE)

    assert [one.returncode for one in (followed, unknown)] == [1, 1]
    assert followed.stderr == f"followup: Patient {ann.subject_number} is on_study: neither dead nor withdrawn.\n"
    assert unknown.stderr == "followup: There is no patient 01-9999.\n"
