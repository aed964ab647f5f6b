"""What whoever is at the machine can do for members of staff."""

import pytest
from click.testing import CliRunner

from backend.cli import commands
from backend.db import system
from backend.errors import InvalidInput
from backend.staff.sign_in import sign_in
from backend.terms import SecondFactor
from tests.authenticator import in_force
from tests.people import PASSWORD, administrator
from tests.processes import settings_for


@pytest.fixture
def followup(monkeypatch, settings):
    """The command line, on the test's database."""
    for name, value in settings_for(settings.database_url, settings.home).items():
        monkeypatch.setenv(name, value)
    return lambda *words: CliRunner().invoke(commands, words)


def test_the_only_administrator_who_lost_the_phone_gets_in_again(db, followup):
    person = administrator(db)
    in_force(db, person)

    answered = followup("staff", "reset-totp", "--email", person.email)

    assert (answered.exit_code, "new authenticator" in answered.output) == (0, True)
    with db.transaction(system("test")) as txn:
        entered = sign_in(txn, person.email, PASSWORD, second_factor_required=True)
        assert entered.second_factor == SecondFactor.TO_BE_SET_UP


def test_a_lock_out_is_lifted_from_the_command_line(db, followup):
    person = administrator(db)
    for _ in range(6):
        with pytest.raises(Exception, match="Too many|do not match"), db.transaction(system("test")) as txn:
            sign_in(txn, person.email, "not it")

    answered = followup("staff", "unlock", "--email", person.email)

    assert (answered.exit_code, "may try again" in answered.output) == (0, True)
    with db.transaction(system("test")) as txn:
        assert sign_in(txn, person.email, PASSWORD).access_token


@pytest.mark.parametrize("command", ["unlock", "reset-totp"])
def test_an_address_of_nobody_is_named(db, followup, command):
    answered = followup("staff", command, "--email", "nobody@example.org")

    assert isinstance(answered.exception, InvalidInput)
    assert answered.exception.fields.keys() == {"email"}
