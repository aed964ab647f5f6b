"""With another key nothing starts, nothing is shown, and each says in one sentence which key it is about."""

from pathlib import Path
from typing import Any

import pytest

from backend.app import create_app
from backend.config import Settings
from backend.db import Database
from backend.errors import WrongDataKey, WrongIndexKey, WrongSecretKey
from backend.opening import open_database, refuse_unfit
from backend.sealing import Keyring
from tests import people
from tests.canaries import refuse_leaks
from tests.databases import INDEX_KEY, KEYRING, MASTER_KEY, SECRET_KEY
from tests.keys.life import API
from tests.processes import done, environment_for

OTHER = "another key that is long enough as well"
EVERY_COMMAND = {
    "serve": ["serve", "--port", "1"],
    "work": ["work"],
    "seed": ["seed"],
    "staff create": ["staff", "create", "--email", "a@b.org", "--name", "A", "--role", "monitor", "--site", "*"],
}
CODES = {"DATA_KEYS": WrongDataKey, "INDEX_KEY": WrongIndexKey, "SECRET_KEY": WrongSecretKey}


def keyring(*, data: str = MASTER_KEY, index: str = INDEX_KEY, secret: str = SECRET_KEY) -> Keyring:
    return Keyring((data,), index, secret)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("command", EVERY_COMMAND)
def test_no_process_starts_with_another_master_key(db: Database, tmp_path: Path, command: str) -> None:
    people.ann(db)
    environment = environment_for(db.url, tmp_path, DATA_KEYS=OTHER) | {"FOLLOWUP_STAFF_PASSWORD": people.PASSWORD}

    ended = done(environment, *EVERY_COMMAND[command])

    assert ended.returncode == 1
    assert ended.stderr.startswith("followup: FOLLOWUP_DATA_KEYS lacks the master key ")
    assert len(ended.stderr.splitlines()) == 1
    refuse_leaks(ended.stdout + ended.stderr)


@pytest.mark.parametrize("setting", CODES)
def test_no_application_starts_with_another_key(settings: Settings, db: Database, setting: str) -> None:
    strangers = {
        "DATA_KEYS": keyring(data=OTHER),
        "INDEX_KEY": keyring(index=OTHER),
        "SECRET_KEY": keyring(secret=OTHER),
    }
    stranger = Database(db.url, strangers[setting])

    with pytest.raises(CODES[setting]):
        create_app(settings, stranger)

    stranger.close()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(("setting", "says"), [("INDEX_KEY", "FOLLOWUP_INDEX_KEY"), ("SECRET_KEY", "accept-secret")])
def test_a_command_says_which_other_key_is_wrong(db: Database, tmp_path: Path, setting: str, says: str) -> None:
    ended = done(environment_for(db.url, tmp_path, **{setting: OTHER}), "seed", "--check")

    assert ended.returncode == 1
    assert says in ended.stderr


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_secret_key_changed_on_purpose_is_accepted_once_and_signs_everybody_out(db: Database, tmp_path: Path) -> None:
    environment = environment_for(db.url, tmp_path, SECRET_KEY=OTHER)

    accepted = done(environment, "keys", "accept-secret")

    assert (accepted.returncode, accepted.stdout) == (0, "accepted; everybody signs in anew\n")
    assert done(environment, "seed", "--check").returncode == 0
    assert done(environment_for(db.url, tmp_path), "seed", "--check").returncode == 1


def test_a_request_that_meets_a_key_nobody_can_open_is_503_and_shows_nothing(client: Any, db: Database) -> None:
    stranger = Database(db.url, keyring(data=OTHER))
    ann = people.ann(stranger)
    coordinator = people.coordinator(db)
    stranger.close()

    read = client.get(f"{API}/patients/{ann.id}", headers=coordinator.headers)
    changed = client.post(
        f"{API}/patients/{ann.id}/caregivers",
        json={"name": "Somebody New", "phone": "+8613911122255", "relation": "cousin"},
        headers=coordinator.headers,
    )

    assert [(one.status_code, one.json["code"]) for one in (read, changed)] == [(503, "wrong_data_key")] * 2
    assert client.get(f"{API}/patients", headers=coordinator.headers).status_code == 200


def test_the_right_keys_start(settings: Settings, database_url: str) -> None:
    db = open_database(settings)

    refuse_unfit(db)

    assert isinstance(db.keyring, Keyring)
    assert db.keyring.checks() == KEYRING.checks()
    db.close()
