"""Further patients of a demo, who live by the simulation's rules beside those of the script."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from backend import clock as the_clock
from backend import demo_clock
from backend.audit_checkpoints import FILE_NAME
from backend.audit_seals import Sealer
from backend.cli.serving import EVERYBODY, SCRIPTED
from backend.db import Database, Transaction
from backend.fsck import check, invariants
from backend.jobs import work_of
from backend.migrations import upgrade
from backend.opening import open_database
from backend.patients.models import Patient
from backend.patients.sign_in import activate
from backend.patients.symptom_report import SymptomReport
from backend.simulation.company import Company
from backend.staff import roster
from backend.staff.models import Site
from backend.staff.sign_in import sign_in
from backend.terms import NO_LONGER_FOLLOWED, MessageStatus
from notifications.models import Message
from seeds.demo import home as the_home
from seeds.demo.past import Past
from seeds.demo.people import Staff
from seeds.demo.script import Invented, read_further, read_patients, read_staff, scripted_numbers
from tests.demo.conftest import NOW, settings_in

# Of those of the script only the youngest past: the others are lived through in test_the_past.py.
AT_MOST_DAYS, FURTHER, DAYS = 20, 2, 30


@dataclass(frozen=True)
class Made:
    """A small demo with company."""

    db: Database
    staff: Staff
    patients: list[Invented]
    findings: list[str]
    told: list[float]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    """One of the script, and two further patients who lived beside them for some weeks."""
    settings = settings_in(tmp_path_factory.mktemp("company"))
    db = open_database(settings)
    upgrade(db)
    told: list[float] = []
    zones = dict.fromkeys(("site-01", "site-02", "site-03"), "Asia/Shanghai")
    the_home._mark(db)
    young = [one for one in read_patients(NOW, zones) if (NOW.date() - one.randomised_on).days <= AT_MOST_DAYS]
    past = Past(work_of(db, settings), NOW, Company(FURTHER, NOW, days=DAYS))
    staff, patients = past.build(lambda done, of: told.append(done / of), young)
    Sealer(db).seal_waiting()
    findings = [one.invariant.name for one in check(db, invariants(settings.home / FILE_NAME)) if not one.holds]
    yield Made(db, staff, patients, findings, told)
    the_clock.stand_at(None)
    the_clock.set_ahead(timedelta(0))
    db.close()


def test_those_of_the_script_keep_the_first_numbers_whoever_came_before_them(made: Made) -> None:
    scripted, *_, elsewhere, here = made.patients

    assert [one.subject_number for one in (scripted, elsewhere, here)] == ["02-0001", "01-0001", "02-0002"]
    assert here.randomised_on < scripted.randomised_on
    assert ["story" in one.says for one in (scripted, here)] == [True, False]


def test_months_lived_in_company_leave_nothing_broken_and_the_trail_whole(made: Made) -> None:
    assert made.findings == []
    assert made.told == sorted(made.told)
    assert made.told[-1] == 1


def test_the_present_is_that_of_a_trial_that_goes_on(made: Made) -> None:
    the_clock.move_to(NOW)
    with made.db.reading(demo_clock.DEMO) as txn:
        lived = [one.id for one in made.patients[-FURTHER:]]
        states = dict(txn.session.execute(select(Message.status, func.count()).group_by(Message.status)).all())
        latest = txn.session.scalar(select(func.max(Message.settled_at)))
        reports = select(func.count()).select_from(SymptomReport).where(SymptomReport.patient_id.in_(lived))
        gaps = [roster.gaps(txn, site.id, NOW - timedelta(days=DAYS), NOW + timedelta(days=730)) for site in sites(txn)]

        assert states[MessageStatus.QUEUED] > 10
        assert states[MessageStatus.DELIVERED] > 20
        assert latest is not None
        assert latest <= NOW + timedelta(minutes=1)
        assert txn.session.scalar(reports) > 0
        assert gaps == [[], [], []]


def test_all_staff_sign_in_as_shown_and_every_code_signs_its_own_patient_in(made: Made) -> None:
    for who in (made.staff.members[0], made.staff.members[-1]):
        with made.db.transaction(demo_clock.DEMO) as txn:
            assert sign_in(txn, who.email, who.password).access_token
    for one in made.patients:
        with made.db.transaction(demo_clock.DEMO) as txn:
            is_gone = txn.session.get_one(Patient, one.id).status in NO_LONGER_FOLLOWED
            assert is_gone == (one.activation_code is None)
            if one.activation_code:
                assert activate(txn, one.activation_code, one.says["birth_year"]).patient.id == one.id


def test_no_telephone_of_the_demo_has_two_owners() -> None:
    further = [one[name] for one in read_further() for name in ("phone", "caregivers_phone")]
    staff = [one["phone"] for one in read_staff()["members"] if one["phone"]]

    assert len(read_further()) == EVERYBODY - SCRIPTED
    assert len({*further, *staff, *scripted_numbers()}) == len(further) + len(staff) + len(scripted_numbers())


def sites(txn: Transaction) -> list[Site]:
    """All three."""
    return list(txn.session.scalars(select(Site).order_by(Site.code)))
