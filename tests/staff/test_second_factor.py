"""The second factor of staff: asked for, good once, replaced only by who knows the password."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from sqlalchemy import MetaData, Table, select

from backend.audit import AuditEvent
from backend.db import Database, system
from backend.errors import FollowupError, InvalidInput, NoLongerPossible, SamePersonMayNot, SignInRefused
from backend.staff import second_factor
from backend.staff.members import update_member
from backend.staff.models import StaffMember
from backend.staff.sessions import SignedIn, actor_for
from backend.staff.sign_in import sign_in
from backend.terms import SecondFactor
from tests.authenticator import Authenticator, in_force
from tests.databases import KEYRING
from tests.people import PASSWORD, Person, administrator, coordinator
from tests.stored import everything_stored


def enter(db: Database, person: Person, totp: str | None = None, **options: bool) -> SignedIn:
    with db.transaction(system("test")) as txn:
        return sign_in(txn, person.email, PASSWORD, totp, **options)


def outcome(db: Database, person: Person, totp: str) -> str:
    """How signing in ends: whose session it is, or the code of the refusal."""
    try:
        return enter(db, person, totp).second_factor
    except FollowupError as refused:
        return refused.code


def at_once(db: Database, person: Person, totp: str, times: int = 4) -> list[str]:
    """So many sign-ins with the same code, at the same moment."""
    gate = threading.Barrier(times)

    def knock(_: int) -> str:
        gate.wait()
        return outcome(db, person, totp)

    with ThreadPoolExecutor(times) as pool:
        return sorted(pool.map(knock, range(times)))


@pytest.fixture
def person(db) -> Person:
    return coordinator(db)


@pytest.fixture
def authenticator(db, person) -> Authenticator:
    return in_force(db, person)


def test_a_code_signs_in_once(db, person, authenticator):
    code = authenticator.code()

    assert [outcome(db, person, code), outcome(db, person, code)] == ["in_force", "sign_in_refused"]


def test_of_several_at_once_with_one_code_one_gets_in(db, person, authenticator):
    assert at_once(db, person, authenticator.code()) == ["in_force"] + ["sign_in_refused"] * 3


def test_of_several_at_once_with_one_recovery_code_one_gets_in(db, person, authenticator):
    assert at_once(db, person, authenticator.recovery_codes[0]) == ["in_force"] + ["sign_in_refused"] * 3


def test_the_code_after_a_used_one_works_and_the_one_before_it_does_not(db, person, authenticator):
    assert outcome(db, person, authenticator.code()) == "in_force"
    assert outcome(db, person, authenticator.code(-1)) == "sign_in_refused"
    assert outcome(db, person, authenticator.code(+1)) == "in_force"


def test_a_recovery_code_signs_in_once_and_is_on_the_trail(db, person, authenticator):
    code = authenticator.recovery_codes[3]

    outcomes = [outcome(db, person, code.lower().replace("-", " ")), outcome(db, person, code)]

    with db.reading(system("test")) as txn:
        used = txn.session.scalars(select(AuditEvent.actor_id).where(AuditEvent.verb == "recovery_code.used")).all()
    assert outcomes == ["in_force", "sign_in_refused"]
    assert used == [person.id]


def test_anothers_codes_open_nothing(db, person, authenticator):
    other = in_force(db, coordinator(db))

    assert outcome(db, person, other.code()) == "sign_in_refused"
    assert outcome(db, person, other.recovery_codes[0]) == "sign_in_refused"


def test_without_a_password_no_code_is_used_up(db, person, authenticator):
    with pytest.raises(SignInRefused), db.transaction(system("test")) as txn:
        sign_in(txn, person.email, "not the password", authenticator.code())

    assert outcome(db, person, authenticator.code()) == "in_force"


def test_who_has_none_is_told_whether_one_is_needed(db, person):
    assert enter(db, person).second_factor == SecondFactor.OPTIONAL
    assert enter(db, person, second_factor_required=True).second_factor == SecondFactor.TO_BE_SET_UP


def test_who_has_one_uses_it_even_where_it_is_optional(db, person, authenticator):
    with pytest.raises(SignInRefused):
        enter(db, person, second_factor_required=False)


def test_a_new_authenticator_ends_the_former_one_and_its_codes(db, person, authenticator):
    new = renewed(db, person, authenticator)

    assert outcome(db, person, authenticator.code(-1)) == "sign_in_refused"
    assert outcome(db, person, authenticator.recovery_codes[1]) == "sign_in_refused"
    assert outcome(db, person, new.recovery_codes[0]) == "in_force"


def renewed(db: Database, person: Person, authenticator: Authenticator) -> Authenticator:
    token = enter(db, person, authenticator.code()).access_token
    with db.transaction(person.actor) as txn:
        secret = second_factor.begin(txn, token, PASSWORD).secret
    with db.transaction(person.actor) as txn:
        shown = Authenticator(secret, ()).code()
        return Authenticator(secret, tuple(second_factor.confirm(txn, token, shown)))


def test_a_stolen_session_replaces_no_authenticator_and_makes_no_codes(db, person, authenticator):
    token = enter(db, person, authenticator.code()).access_token

    with pytest.raises(InvalidInput), db.transaction(person.actor) as txn:
        second_factor.begin(txn, token)
    with pytest.raises(SignInRefused), db.transaction(person.actor) as txn:
        second_factor.begin(txn, token, "not the password")
    with pytest.raises(SignInRefused), db.transaction(person.actor) as txn:
        second_factor.renew_recovery_codes(txn, token, "not the password")

    assert outcome(db, person, authenticator.recovery_codes[0]) == "in_force"


def test_new_recovery_codes_make_the_old_ones_void(db, person, authenticator):
    token = enter(db, person, authenticator.code()).access_token

    with db.transaction(person.actor) as txn:
        new = second_factor.renew_recovery_codes(txn, token, PASSWORD)

    assert len(new) == 10
    assert outcome(db, person, authenticator.recovery_codes[0]) == "sign_in_refused"
    assert outcome(db, person, new[0]) == "in_force"


def test_what_was_begun_and_never_confirmed_changes_nothing_and_ends(db, person, authenticator, clock):
    token = enter(db, person, authenticator.code()).access_token
    with db.transaction(person.actor) as txn:
        begun = Authenticator(second_factor.begin(txn, token, PASSWORD).secret, ())

    assert outcome(db, person, begun.code()) == "sign_in_refused"
    assert outcome(db, person, authenticator.code(+1)) == "in_force"
    clock.move_to("2027-03-01T08:29:00+08:00")
    with db.transaction(person.actor) as txn:
        second_factor.own_session(txn, token).last_seen_at = txn.now
    clock.move_to("2027-03-01T08:31:00+08:00")
    with pytest.raises(NoLongerPossible), db.transaction(person.actor) as txn:
        second_factor.confirm(txn, token, begun.code())


def test_taking_it_away_ends_every_session_and_is_not_for_oneself(db, person, authenticator):
    chief = administrator(db)
    token = enter(db, person, authenticator.code()).access_token

    with db.transaction(chief.actor) as txn:
        second_factor.take_away(txn, txn.session.get_one(StaffMember, person.id))

    with db.reading(system("test")) as txn:
        assert actor_for(txn, token) is None
    assert enter(db, person, second_factor_required=True).second_factor == SecondFactor.TO_BE_SET_UP
    for who, actor in ((person, chief.actor), (chief, chief.actor)):
        expected = NoLongerPossible if who is person else SamePersonMayNot
        with pytest.raises(expected), db.transaction(actor) as txn:
            second_factor.take_away(txn, txn.session.get_one(StaffMember, who.id))


def test_neither_secret_nor_code_is_readable_in_the_database(db, person, authenticator):
    stored = everything_stored(db)

    for secret in (authenticator.secret, *authenticator.recovery_codes):
        assert secret not in stored
        assert secret.replace("-", "") not in stored


def test_the_trail_tells_the_life_of_an_authenticator_without_its_secret(db, person, authenticator):
    renewed(db, person, authenticator)

    wanted = select(AuditEvent.verb, AuditEvent.field).where(AuditEvent.record_type == "staff_authenticator")
    with db.reading(system("test")) as txn:
        told = {tuple(row) for row in txn.session.execute(wanted)}
    assert {"begun", "confirmed", "ended"} == {verb.rpartition(".")[2] for verb, _ in told}
    assert not {"secret_sealed", "last_step"} & {field for _, field in told}


def test_a_session_of_the_version_before_opens_everything(db, person):
    as_stored = Table("staff_session", MetaData(), autoload_with=db.engine)
    fingerprint = KEYRING.fingerprint("staff session", "a token of the version before")
    with db.transaction(system("test")) as txn:
        row = txn.session.execute(select(as_stored)).mappings().first()
        older = {name: value for name, value in row.items() if name != "purpose"}
        older |= {"id": uuid4().hex if db.is_sqlite else uuid4(), "fingerprint": fingerprint}
        txn.session.execute(as_stored.insert().values(older))

    with db.reading(system("test")) as txn:
        actor = actor_for(txn, "a token of the version before")

    assert actor == person.actor


@pytest.mark.parametrize(
    "change", [{"password": "another long password"}, {"active": False}], ids=lambda one: next(iter(one))
)
def test_no_session_slips_out_while_the_password_changes_or_the_person_leaves(db, person, change):
    chief = administrator(db)

    with ThreadPoolExecutor(1) as pool:
        with db.transaction(chief.actor) as txn:
            update_member(txn, txn.session.get_one(StaffMember, person.id), change)
            entering = pool.submit(lambda: enter(db, person))
            # Long enough for the other to read what the password was, and to check it.
            time.sleep(0.5)
        with pytest.raises(SignInRefused):
            entering.result()
