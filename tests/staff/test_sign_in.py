"""Staff: passwords, sessions, and refusals that tell nothing."""

import pytest
from sqlalchemy import select

from backend.audit import AuditEvent
from backend.db import Database, RoleAtSite, system
from backend.errors import AlreadyExists, InvalidInput, SignInRefused
from backend.staff.members import create_member, update_member
from backend.staff.models import StaffMember
from backend.staff.sessions import SignedIn, actor_for, keep_awake, sign_out
from backend.staff.sign_in import sign_in
from backend.terms import Role
from tests.people import PASSWORD, administrator, coordinator, site_row
from tests.stored import everything_stored


def signed_in(db: Database, email: str, password: str = PASSWORD) -> SignedIn:
    with db.transaction(system("test")) as txn:
        return sign_in(txn, email, password)


def is_signed_in(db: Database, token: str) -> bool:
    with db.reading(system("test")) as txn:
        return actor_for(txn, token) is not None


def test_a_coordinator_signs_in_as_what_they_are_at_their_site(db):
    person = coordinator(db)

    token = signed_in(db, person.email.upper()).access_token

    with db.reading(system("test")) as txn:
        assert actor_for(txn, token) == person.actor


def test_an_unknown_address_and_a_wrong_password_are_refused_alike_and_leave_a_trace(db):
    person = coordinator(db)

    refusals = []
    for email, password in ((person.email, "not the password"), ("nobody@example.org", PASSWORD)):
        with pytest.raises(SignInRefused) as refused:
            signed_in(db, email, password)
        refusals.append((refused.value.code, refused.value.detail))

    with db.reading(system("test")) as txn:
        wanted = select(AuditEvent.record_id).where(AuditEvent.verb == "staff_member.sign_in_refused")
        traces = txn.session.scalars(wanted.order_by(AuditEvent.id)).all()
    assert refusals[0] == refusals[1]
    assert traces == [str(person.id), "00000000-0000-0000-0000-000000000000"]


def test_what_changes_in_a_member_of_staff_is_on_the_trail_and_the_password_only_as_an_act(db):
    person, chief = coordinator(db), administrator(db)
    changes = {"name": "Zhang Wei", "phone": "+8613800138077", "language": "en", "active": False}

    with db.transaction(chief.actor) as txn:
        update_member(txn, txn.session.get_one(StaffMember, person.id), changes | {"password": PASSWORD + "!"})

    with db.reading(system("test")) as txn:
        trail = select(AuditEvent.verb, AuditEvent.field, AuditEvent.new).where(
            AuditEvent.record_id == str(person.id), AuditEvent.actor_id == chief.id
        )
        left = txn.session.execute(trail).all()
    assert {(verb, field) for verb, field, _ in left} == {
        ("staff_member.changed", "name_sealed"),
        ("staff_member.changed", "phone_sealed"),
        ("staff_member.changed", "language"),
        ("staff_member.changed", "deactivated_at"),
        ("staff_member.password_changed", None),
    }
    assert not [new for *_, new in left if new and ("Zhang" in new or "138077" in new)]


def test_a_change_of_nothing_leaves_no_entry(db):
    person = coordinator(db)

    with db.transaction(system("nobody")) as txn:
        update_member(txn, txn.session.get_one(StaffMember, person.id), {"language": "zh-CN", "active": True})

    with db.reading(system("test")) as txn:
        assert txn.session.scalars(select(AuditEvent).where(AuditEvent.verb == "staff_member.changed")).all() == []


def test_a_session_ends_when_it_is_idle(db, clock):
    token = signed_in(db, coordinator(db).email).access_token
    clock.move_to("2027-03-01T08:29:00+08:00")
    with db.transaction(system("test")) as txn:
        keep_awake(txn, token)

    clock.move_to("2027-03-01T08:58:00+08:00")
    awake = is_signed_in(db, token)
    clock.move_to("2027-03-01T08:59:00+08:00")

    assert awake
    assert not is_signed_in(db, token)


def test_a_session_ends_after_a_working_day_however_busy(db, clock):
    token = signed_in(db, coordinator(db).email).access_token
    for minute in range(0, 12 * 60, 20):
        clock.move_to(f"2027-03-01T{8 + minute // 60:02}:{minute % 60:02}:00+08:00")
        with db.transaction(system("test")) as txn:
            keep_awake(txn, token)

    clock.move_to("2027-03-01T20:00:00+08:00")

    assert not is_signed_in(db, token)


def test_the_demos_clock_ends_no_session(db, clock):
    token = signed_in(db, coordinator(db).email).access_token

    clock.move_trial_time_to("2027-06-01T08:00:00+08:00")

    assert is_signed_in(db, token)


def test_signing_out_ends_this_session_and_no_other(db):
    person = coordinator(db)
    here, there = signed_in(db, person.email).access_token, signed_in(db, person.email).access_token

    with db.transaction(system("test")) as txn:
        sign_out(txn, here)

    assert (is_signed_in(db, here), is_signed_in(db, there)) == (False, True)


@pytest.mark.parametrize(
    "change",
    [{"password": "another long password"}, {"active": False}, {"roles": None}],
    ids=lambda one: next(iter(one)),
)
def test_a_new_password_other_roles_and_leaving_end_every_session(db, change):
    person = coordinator(db)
    token = signed_in(db, person.email).access_token

    with db.transaction(administrator(db).actor) as txn:
        if "roles" in change:
            change = {"roles": [RoleAtSite(Role.INVESTIGATOR, site_row(txn, "site-02").id)]}
        update_member(txn, txn.session.get_one(StaffMember, person.id), change)

    assert not is_signed_in(db, token)


def test_who_has_left_cannot_sign_in(db):
    person = coordinator(db)
    with db.transaction(system("test")) as txn:
        update_member(txn, txn.session.get_one(StaffMember, person.id), {"active": False})

    with pytest.raises(SignInRefused):
        signed_in(db, person.email)


def test_one_address_belongs_to_one_person(db):
    person = coordinator(db)

    held = RoleAtSite(Role.MONITOR, None)

    with pytest.raises(AlreadyExists), db.transaction(system("test")) as txn:
        create_member(txn, email=f" {person.email.title()}", name="Another", password=PASSWORD, roles=[held])


def test_who_changes_patients_records_is_somewhere(db):
    held = RoleAtSite(Role.COORDINATOR, None)

    with pytest.raises(InvalidInput) as refused, db.transaction(system("test")) as txn:
        create_member(txn, email="c@example.org", name="C", password="short", roles=[held])

    assert refused.value.fields.keys() == {"roles.0.site", "password"}


def test_neither_token_nor_name_nor_address_is_readable_in_the_database(db):
    person = coordinator(db)
    token = signed_in(db, person.email).access_token

    stored = everything_stored(db)

    for secret in (token, person.email, "coordinator of", PASSWORD):
        assert secret not in stored


def test_no_password_hash_is_in_the_audit_trail(db):
    coordinator(db)

    with db.reading(system("test")) as txn:
        assert not any("argon2" in (new or "") for new in txn.session.scalars(select(AuditEvent.new)))
