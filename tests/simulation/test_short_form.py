"""A few invented patients live through some weeks by the real code; the long form is ``followup simulate``."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from backend import clock as the_clock
from backend.db import Database, Transaction, system
from backend.patients.acts import Withdrawal
from backend.patients.models import Patient
from backend.simulation.counting import sent_after_death, sent_after_withdrawal, unanswered_checks
from backend.simulation.curves import compare, true_course
from backend.simulation.diary import Entry
from backend.simulation.fate import draw_fates
from backend.simulation.hospitals import live_apart
from backend.simulation.ledger import Ledger, draw_up
from backend.simulation.lives import BEGINS, Scenario, live_through
from backend.simulation.stage import at
from backend.simulation.telephones import Telephones, Unseen
from backend.simulation.trial import _one_of_each
from backend.survival.models import DeathReport
from notifications.channels import Envelope
from notifications.models import Attempt, SimulatedText
from tests.databases import KEYRING, Databases, settings_of

SCENARIO = Scenario(patients=3, years=0.08, seed=3)
TEST = system("test")
AN_HOUR = timedelta(hours=1)


@pytest.fixture(scope="module")
def lived(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Database, Ledger]]:
    """A trial that has been lived through, and its ledger."""
    url = databases.fresh_url("sqlite")
    db = Database(url, KEYRING)
    settings = settings_of(url, Path(tmp_path_factory.mktemp("simulation")))
    yield db, draw_up(live_through(db, settings, SCENARIO))
    db.close()
    databases.drop(url)


@pytest.fixture
def planting(lived: tuple[Database, Ledger]) -> Iterator[Transaction]:
    """A transaction in which anything may be planted: none of it is kept."""
    txn = lived[0].open(TEST)
    yield txn
    txn.finish(keep=False)


def test_a_trial_lived_through_leaves_nothing_that_must_not_be(lived: tuple[Database, Ledger]) -> None:
    _, ledger = lived

    figures = {line.name: line.figure for line in ledger.lines}
    assert ledger.verdict == "clean"
    assert figures["fsck findings"] == "0"
    assert int(figures["messages delivered"]) > 10
    assert int(figures["reports by standing on_time"]) > 3


def test_hospitals_apart_come_to_what_they_come_to_together(lived: tuple[Database, Ledger]) -> None:
    _, together = lived
    heard: list[tuple[int, int]] = []

    apart = draw_up(live_apart(SCENARIO, None, lambda done, of: heard.append((done, of))))

    # Each moves its own clock from one due moment to the next.
    assert [str(line) for line in apart.lines if line.name != "steps"] == [
        str(line) for line in together.lines if line.name != "steps"
    ]
    assert heard == sorted(heard)
    assert heard[-1][0] == heard[-1][1]


def test_what_was_sent_after_a_death_or_a_withdrawal_is_noticed(planting: Transaction) -> None:
    attempt = planting.session.scalars(select(Attempt).where(Attempt.patient_id.is_not(None)).limit(1)).one()
    patient = planting.session.get_one(Patient, attempt.patient_id)
    before, owner = attempt.started_at - AN_HOUR, {"patient_id": patient.id, "site_id": patient.site_id}
    planting.session.add(DeathReport(**owner, status="approved", died_on="2027", reported_at=before))
    planting.session.add(
        Withdrawal(**owner, scope="study", on=date(2027, 1, 5), recorded_at=before, recorded_by=uuid4())
    )
    planting.session.flush()

    assert sent_after_death(planting) > 0
    assert sent_after_withdrawal(planting) > 0


def test_a_text_to_a_number_after_its_stop_is_noticed_but_not_the_answer_to_it() -> None:
    telephones = Telephones(Unseen())
    answer, reminder = (Envelope("+8613800000001", "", "en", name, {}) for name in ("stop_reply", "report_reminder"))

    telephones.send(reminder, uuid4())
    telephones.stopped.add(reminder.address)
    telephones.send(answer, uuid4())
    assert telephones.sent_after_stop == 0
    telephones.send(reminder, uuid4())
    assert telephones.sent_after_stop == 1


def test_nothing_lies_on_telephones_at_which_nobody_looks(lived: tuple[Database, Ledger]) -> None:
    with lived[0].reading(TEST) as txn:
        assert txn.session.scalar(select(func.count()).select_from(SimulatedText)) == 0


def test_of_texts_that_one_hand_writes_at_one_moment_each_has_its_turn() -> None:
    entries = [Entry(BEGINS, place, number, "writes", {}) for place, number in enumerate((1, 2, 1, 1))]

    assert [[one.place for one in turn] for turn in _one_of_each(entries)] == [[0, 1], [2], [3]]


def test_survival_checks_that_nobody_was_asked_to_see_to_are_noticed(lived: tuple[Database, Ledger]) -> None:
    db, _ = lived
    a_year_on = BEGINS + timedelta(days=400)

    the_clock.stand_at(a_year_on)
    with db.reading(TEST) as txn:
        missing = unanswered_checks(txn, a_year_on)
    the_clock.stand_at(None)

    assert any(one.endswith("survival.m3") for one in missing)


def test_the_same_seed_draws_the_same_lives_and_another_seed_draws_others() -> None:
    first, again, other = (draw_fates(seed, 50, date(2027, 1, 4), 5) for seed in (1, 1, 2))

    drawn = [[(one.enrolled_on, one.dies_on, one.way, one.turns) for one in fates] for fates in (first, again, other)]
    assert drawn[0] == drawn[1]
    assert drawn[0] != drawn[2]


def test_a_death_that_nobody_was_told_of_parts_the_known_curve_from_the_true_one() -> None:
    fates = draw_fates(1, 200, date(2027, 1, 4), 5)
    ends_on = fates[-1].enrolled_on + timedelta(days=3 * 365)
    untold = [one for one in fates if one.number % 4]

    true = [true_course(one, ends_on) for one in fates]
    assert compare(true, true).apart == 0
    assert compare([true_course(one, ends_on) for one in untold], true).apart > 0
    # Exponential or nearly so, with medians of twelve and fourteen months.
    median = compare(true, true).true.median
    assert median is not None
    assert 300 < median < 500
    assert fates[0].lives_at(at(fates[0].dies_on, the_clock.local(BEGINS, "Asia/Shanghai").time()))
