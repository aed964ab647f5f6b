"""The doctor names what is not well and what to do, on a machine where nothing works as on one where all does."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, text, update

from backend import clock as clocks
from backend import demo_clock
from backend.config import Mode, Settings, SmsGateway
from backend.db import Database, system
from backend.doctor import examine
from backend.errors import BadSettings
from backend.opening import refuse_unfit
from backend.providers import PROVIDERS
from backend.staff.members import update_member
from backend.staff.models import Site, StaffMember
from backend.staff.roster import replace_roster
from backend.staff.shifts import Shift
from backend.symptoms import Health, Symptom
from backend.terminology.models import CtcaeTerm
from notifications.models import WorkerHeartbeat
from tests import people
from tests.fakes.twilio_process import a_fake_twilio
from tests.notifications.mail_server import Mailbox, mail_server
from tests.processes import bare_environment, done

TEST = system("test")


@pytest.fixture
def told(
    settings: Settings, environment: Callable[[Settings], dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> Callable[[Settings], dict[str, Symptom]]:
    """What the doctor says of a server with these settings, by the name of what was looked at."""

    def examined(said: Settings) -> dict[str, Symptom]:
        told = {"FOLLOWUP_PUBLIC_URL": said.public_url, "FOLLOWUP_TRUSTED_PROXIES": str(said.trusted_proxies)}
        for name, value in (environment(said) | told).items():
            if name.startswith("FOLLOWUP_"):
                monkeypatch.setenv(name, value)
        return {symptom.name: symptom for symptom in examine()}

    return examined


def test_a_server_that_is_set_up_has_nothing_that_fails(db: Database, settings: Settings, told: Callable) -> None:
    people.administrator(db)

    found = told(settings)

    # The tests' PostgreSQL forgets at a power cut, and its clock is not the one that stands still for a test.
    known = [] if db.is_sqlite else ["durability", "clock"]
    assert [one.name for one in found.values() if one.health is Health.FAILED] == known
    assert {"durability", "clock", "study", "worker", "backup", "home", "templates", "abroad"} <= found.keys()
    assert found["numbers"].health is Health.WARNING
    assert "site-01, site-02, site-03" in found["numbers"].saw


def test_without_a_database_it_says_so_and_still_looks_at_the_rest(
    settings: Settings, told: Callable, tmp_path, clock
) -> None:
    nowhere = ("sqlite:///" + str(tmp_path / "none.sqlite"), "postgresql://x:s3cret@127.0.0.1:1/none")

    for url in nowhere:
        found = told(replace(settings, database_url=url))

        assert found["database"].health is Health.FAILED
        assert found["templates"].health is Health.OK
        assert "s3cret" not in repr(found)
    assert not (tmp_path / "none.sqlite").exists()


def test_other_keys_and_an_older_schema_are_named(db: Database, settings: Settings, told: Callable) -> None:
    other = told(replace(settings, index_key="another index key, which finds nothing"))
    with db.transaction(TEST) as txn:
        txn.session.execute(text("UPDATE alembic_version SET version_num = '0005'"))

    older = told(settings)

    assert (other["schema and keys"].health, older["schema and keys"].health) == (Health.FAILED, Health.FAILED)
    assert "0005" in older["schema and keys"].saw


def test_a_clock_behind_what_was_stored_is_a_failure(db: Database, settings: Settings, told: Callable) -> None:
    with db.transaction(TEST) as txn:
        ahead = clocks.wall().replace(year=2028)
        txn.session.add(WorkerHeartbeat(started_at=ahead, beat_at=ahead))

    assert told(settings)["clock"].health is Health.FAILED


def test_no_administrator_is_a_failure_and_numbers_of_their_own_are_well(
    db: Database, settings: Settings, told: Callable
) -> None:
    with db.transaction(TEST) as txn:
        txn.session.execute(update(Site).values(emergency_phone="+86 10 6693 1000"))

    found = told(settings)

    assert found["administrator"].health is Health.FAILED
    assert found["numbers"].health is Health.OK


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_study_without_terms_is_a_failure_since_no_event_could_be_coded(
    db: Database, settings: Settings, told: Callable
) -> None:
    with db.transaction(TEST) as txn:
        txn.session.execute(delete(CtcaeTerm))

    study = told(settings)["study"]

    assert (study.health, study.advice) == (Health.FAILED, "followup seed")


def test_a_demos_database_is_refused_in_production(db: Database, settings: Settings) -> None:
    with db.transaction(TEST) as txn:
        demo_clock.keep(txn)

    refuse_unfit(db, settings)
    with pytest.raises(BadSettings) as refused:
        refuse_unfit(db, replace(settings, mode=Mode.PRODUCTION))

    assert "FOLLOWUP_DATABASE_URL" in refused.value.fields


def test_every_gateway_is_declared_with_what_it_receives() -> None:
    assert PROVIDERS.keys() == set(SmsGateway)
    assert all(provider.receives for provider in PROVIDERS.values())


def test_the_command_fails_without_settings_and_prints_no_secret(tmp_path) -> None:
    environment = bare_environment() | {"FOLLOWUP_HOME": str(tmp_path), "FOLLOWUP_SECRET_KEY": "s3cret"}

    ran = done(environment, "doctor", "--json")

    assert ran.returncode == 1
    assert {one["name"] for one in json.loads(ran.stdout)} >= {"FOLLOWUP_SECRET_KEY", "FOLLOWUP_SMS_GATEWAY"}
    assert "s3cret" not in ran.stdout + ran.stderr


def test_a_proxy_that_is_not_trusted_is_a_warning_behind_https(settings: Settings, told: Callable) -> None:
    secure = {"public_url": "https://followup.example.org"}

    unsaid = told(replace(settings, **secure))
    said = told(replace(settings, **secure, trusted_proxies=1))

    assert (unsaid["proxies"].health, said["proxies"].health) == (Health.WARNING, Health.OK)
    assert "FOLLOWUP_TRUSTED_PROXIES" in unsaid["proxies"].advice
    assert told(settings)["proxies"].health is Health.OK


def test_a_home_and_a_database_that_others_may_read_are_named(settings: Settings, told: Callable) -> None:
    places = {settings.home: 0o700}
    if settings.is_sqlite:
        places[Path(settings.database_url.removeprefix("sqlite:///"))] = 0o600
    for place, ours in places.items():
        place.chmod(ours)
    closed = told(settings)["privacy"]

    for place, ours in places.items():
        place.chmod(ours | 0o040)
        opened = told(settings)["privacy"]
        place.chmod(ours)

        assert (opened.health, str(place) in opened.saw) == (Health.WARNING, True)
    assert closed.health is Health.OK


def enter_roster(db: Database, who: people.Person, days: int) -> None:
    with db.transaction(TEST) as txn:
        update_member(txn, txn.session.get_one(StaffMember, who.id), {"phone": "+8613800138077"})
        until = txn.now + timedelta(days=days)
        replace_roster(txn, people.site_row(txn, "site-01"), [Shift(who.id, txn.now, until)])


def test_a_site_with_patients_and_nobody_on_call_some_day_is_a_failure(
    db: Database, settings: Settings, told: Callable
) -> None:
    li = people.coordinator(db)
    before_the_first_patient = told(settings)["roster"]
    people.ann(db)

    without = told(settings)["roster"]
    enter_roster(db, li, days=13)
    too_short = told(settings)["roster"]
    enter_roster(db, li, days=15)
    enough = told(settings)["roster"]

    assert [one.health for one in (before_the_first_patient, without, too_short, enough)] == [
        Health.OK,
        Health.FAILED,
        Health.FAILED,
        Health.OK,
    ]
    assert without.saw == "nobody is on call at site-01 from 2027-03-01T00:00+00:00"
    assert too_short.saw == "nobody is on call at site-01 from 2027-03-14T00:00+00:00"
    assert "site-01/on-call" in too_short.advice


def test_somebody_on_call_who_lost_the_telephone_is_a_warning_and_who_left_a_failure(
    db: Database, settings: Settings, told: Callable
) -> None:
    li, _ = people.coordinator(db), people.ann(db)
    enter_roster(db, li, days=15)

    found = []
    for change in ({"phone": None}, {"active": False}):
        with db.transaction(TEST) as txn:
            update_member(txn, txn.session.get_one(StaffMember, li.id), change)
        found.append(told(settings)["roster"])

    assert [one.health for one in found] == [Health.WARNING, Health.FAILED]
    assert "no telephone" in found[0].saw


def test_a_mail_server_is_asked_and_named_when_it_is_not_well(
    settings: Settings, told: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    unsaid, mailbox = told(settings)["mail"], Mailbox()
    with mail_server(mailbox) as port:
        monkeypatch.setenv("FOLLOWUP_SMTP_URL", f"smtp://127.0.0.1:{port}")
        well = told(settings)["mail"]
        monkeypatch.setenv("FOLLOWUP_SMTP_URL", f"smtp://followup:s3cret@127.0.0.1:{port}?region=CN")
        locked_out = told(settings)["mail"]
    gone = told(settings)["mail"]

    assert [one.health for one in (unsaid, well, locked_out, gone)] == [
        Health.WARNING,
        Health.OK,
        Health.FAILED,
        Health.FAILED,
    ]
    assert "ConnectionRefusedError" in gone.saw
    assert "s3cret" not in repr(locked_out)
    assert mailbox.recipients == []


def test_twilio_is_asked_whether_it_believes_us_and_is_said_to_stand_abroad(
    settings: Settings, told: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    with a_fake_twilio() as fake:
        for name, value in fake.settings().items():
            monkeypatch.setenv(f"FOLLOWUP_{name}", value)
        believed = told(settings)
        fake.switch(is_trial=True)
        monkeypatch.setenv("FOLLOWUP_HEARTBEAT_URL", "https://alarms.example/beat/s3cret")
        on_trial = told(settings)
        monkeypatch.setenv("FOLLOWUP_TWILIO_AUTH_TOKEN", "a-token-that-nobody-gave-out")
        disbelieved = told(settings)
        sent = fake.books()
    silent = told(settings)

    assert (believed["gateway"].health, "plays Twilio" in believed["gateway"].saw) == (Health.WARNING, True)
    assert "US" in believed["abroad"].saw
    assert "trial" not in believed
    assert on_trial["trial"].health is Health.WARNING
    assert "alarms.example is told" in on_trial["heartbeat"].saw
    assert "s3cret" not in repr(on_trial)
    assert "+86" in believed["conversations"].saw
    assert (disbelieved["gateway"].health, disbelieved["gateway"].saw) == (Health.FAILED, "Twilio: 20003")
    assert silent["gateway"].health is Health.FAILED
    assert "a-token-that-nobody-gave-out" not in repr((disbelieved, silent))
    assert not sent["accepted"]


def test_links_where_telephones_get_none_are_a_failure(db: Database, settings: Settings, told: Callable) -> None:
    """Also in another country, once one patient there has a number of +86."""
    seen = []
    for region, phone in (("CN", None), ("GB", None), ("GB", people.ANNS_PHONE)):
        with db.transaction(TEST) as txn:
            of_the_site = update(Site).where(Site.code == "site-01")
            txn.session.execute(of_the_site.values(text_surveys="link_only", phone_region=region))
        if phone:
            people.ann(db, phone=phone)
        seen.append(told(settings)["links"].health)

    assert seen == [Health.FAILED, Health.OK, Health.FAILED]
