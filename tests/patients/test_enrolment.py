"""Enrolling: all of it or none of it, and every complaint at once."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import func, select

from backend.agenda.history import course_of
from backend.audit import AuditEvent
from backend.db import Database, system
from backend.errors import InvalidInput
from backend.patients.enrolment import enrol
from backend.patients.identifiers import identifiers_of
from backend.patients.models import Caregiver, Deviation, Enrolment, Patient
from backend.sealing import unseal
from tests.people import ANN, BEN, ann, coordinator, eligible, enrolled, principal_investigator, site_row


def complaints(db: Database, form: object) -> dict[str, list[str]]:
    with pytest.raises(InvalidInput) as refused:
        enrolled(db, form)
    return refused.value.fields


def test_a_patient_is_numbered_within_the_site(db):
    first, second, elsewhere = ann(db), ann(db), ann(db, site="site-02")

    numbers = [first.subject_number, second.subject_number, elsewhere.subject_number]

    assert numbers == ["01-0001", "01-0002", "02-0001"]


def test_patients_enrolled_at_the_same_moment_get_numbers_of_their_own(db):
    ann(db)

    with ThreadPoolExecutor(4) as coordinators:
        numbers = set(coordinators.map(lambda _: ann(db).subject_number, range(8)))

    assert numbers == {f"01-{number:04d}" for number in range(2, 10)}


def test_a_refused_enrolment_uses_up_no_number(db):
    complaints(db, replace(ANN, eligibility=eligible(alt_u_l=500)))

    assert ann(db).subject_number == "01-0001"


def test_names_and_numbers_are_sealed_and_open_for_who_asks(db):
    patient = ann(db, phone="138 0013 8000", email="ann@example.org")

    with db.reading(system("test")) as txn:
        row = txn.session.get_one(Patient, patient.id)
        opened = identifiers_of(txn, row)
        stored = str(txn.session.execute(select(Patient.__table__)).all())

    assert (opened.name, opened.phone, opened.email) == ("Ann Zhang", "+8613800138000", "ann@example.org")
    assert "Ann" not in stored
    assert "13800138000" not in stored


def test_the_audit_trail_holds_the_name_as_ciphertext_and_no_look_up_index(db):
    patient = ann(db)

    with db.reading(system("test")) as txn:
        events = txn.session.scalars(select(AuditEvent).where(AuditEvent.patient_id == patient.id)).all()
        sealed = next(event.new for event in events if event.field == "name_sealed")
        fields = {event.field for event in events}

    assert sealed == patient.name_sealed
    assert "phone_index" not in fields
    assert {"arm", "randomised_on", "eligibility"} <= fields


def test_consent_and_randomisation_are_evidence_of_life(db):
    patient = ann(db)

    with db.reading(system("test")) as txn:
        known = course_of(txn, txn.session.get_one(Patient, patient.id)).alive_as_of

    assert known == (date(2027, 2, 20), date(2027, 2, 25))


def test_a_caregiver_is_kept_sealed_with_what_they_may_do(db):
    patient = enrolled(db, BEN)

    with db.reading(system("test")) as txn:
        sister = txn.session.scalars(select(Caregiver).where(Caregiver.patient_id == patient.id)).one()
        name, may = unseal(txn, sister, "name_sealed"), (sister.may_report, sister.may_confirm_survival)

    assert name == "Wu Mei"
    assert may == (True, True)


def test_every_complaint_comes_at_once_with_the_path_of_its_field(db):
    form = replace(
        ANN,
        arm="placebo",
        targeted_drug="aspirin",
        phone="12",
        consented_on=date(2027, 3, 5),
        randomised_on=date(2027, 3, 2),
        eligibility=eligible(alt_u_l=200, ecog="one", bclc_c=None, shoe_size=43)
        | {"exclusions": {**eligible()["exclusions"], "coinfection": True}},
    )

    assert complaints(db, form).keys() == {
        "arm",
        "targeted_drug",
        "phone",
        "consented_on",
        "randomised_on",
        "eligibility.alt_u_l",
        "eligibility.ecog",
        "eligibility.bclc_c",
        "eligibility.shoe_size",
        "eligibility.exclusions.coinfection",
    }


@pytest.mark.parametrize(
    ("criterion", "just_inside", "just_outside"),
    [
        ("child_pugh_score", 9, 10),
        ("child_pugh_score", 5, 4),
        ("ecog", 1, 2),
        ("alt_u_l", 199.9, 200),
        ("ast_u_l", 199.9, 200),
        ("total_bilirubin_umol_l", 50.9, 51),
        ("creatinine_clearance_ml_min", 60, 59.9),
        ("platelets_e9_l", 40, 39.9),
        ("wbc_e9_l", 2, 1.9),
        ("haemoglobin_g_l", 80.1, 80),
    ],
)
def test_a_bound_is_where_the_protocol_puts_it(db, criterion, just_inside, just_outside):
    enrolled(db, replace(ANN, eligibility=eligible(**{criterion: just_inside})))

    refused = complaints(db, replace(ANN, eligibility=eligible(**{criterion: just_outside})))

    assert refused.keys() == {f"eligibility.{criterion}"}


def test_a_donor_is_needed_in_the_arm_with_cells_only(db):
    without = eligible()
    del without["donor_available"]

    enrolled(db, replace(BEN, eligibility=without))

    assert complaints(db, replace(ANN, eligibility=without)).keys() == {"eligibility.donor_available"}


def test_a_coordinators_reason_overrides_nothing(db):
    form = replace(ANN, eligibility=eligible(alt_u_l=210, override_reason="Falling fast."))

    with pytest.raises(InvalidInput) as refused, db.transaction(coordinator(db).actor) as txn:
        enrol(txn, site_row(txn, "site-01"), form)

    assert refused.value.fields.keys() == {"eligibility.alt_u_l", "eligibility.override_reason"}


def test_a_principal_investigators_reason_admits_and_is_kept_as_an_important_deviation(db):
    form = replace(ANN, eligibility=eligible(alt_u_l=210, override_reason="Falling fast."))

    with db.transaction(principal_investigator(db).actor) as txn:
        patient_id = enrol(txn, site_row(txn, "site-01"), form).id

    with db.reading(system("test")) as txn:
        deviation = txn.session.scalars(select(Deviation).where(Deviation.patient_id == patient_id)).one()
        kept = (deviation.subject, deviation.important, unseal(txn, deviation, "reason_sealed"))
        attested = txn.session.scalars(select(Enrolment).where(Enrolment.patient_id == patient_id)).one().eligibility
    assert kept == ("eligibility.alt_u_l", True, "Falling fast.")
    assert attested["alt_u_l"] == 210
    assert "override_reason" not in attested


def test_nobody_overrides_a_missing_consent(db):
    form = replace(ANN, eligibility=eligible(consent_signed=False, override_reason="Tomorrow."))

    with pytest.raises(InvalidInput) as refused, db.transaction(principal_investigator(db).actor) as txn:
        enrol(txn, site_row(txn, "site-01"), form)

    assert refused.value.fields.keys() == {"eligibility.consent_signed"}


def test_todays_date_is_the_sites(db, clock):
    clock.move_to("2027-02-25T17:00:00+00:00")

    assert ann(db, randomised_on=date(2027, 2, 26)).randomised_on == date(2027, 2, 26)
    assert complaints(db, replace(ANN, randomised_on=date(2027, 2, 27))).keys() == {"randomised_on"}


def test_a_refused_enrolment_leaves_nothing(db):
    complaints(db, replace(ANN, eligibility=eligible(ecog=3)))

    with db.reading(system("test")) as txn:
        assert txn.session.scalar(select(func.count()).select_from(Patient)) == 0
