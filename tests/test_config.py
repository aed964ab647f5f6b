"""Settings: typed, complete or refused, and every complaint at once."""

import stat
from pathlib import Path

import pytest

from backend.config import Mode, read_settings
from backend.errors import BadSettings

LONG = "x" * 32


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing of the machine's own settings, and a home of the test's."""
    for name in (
        "MODE",
        "DATABASE_URL",
        "PUBLIC_URL",
        "SECRET_KEY",
        "DATA_KEYS",
        "INDEX_KEY",
        "THREADS",
        "METRICS_TOKEN",
    ):
        monkeypatch.delenv(f"FOLLOWUP_{name}", raising=False)
    monkeypatch.setenv("FOLLOWUP_HOME", str(tmp_path / "home"))


def test_production_without_anything_names_everything_that_is_missing() -> None:
    with pytest.raises(BadSettings) as refused:
        read_settings()

    assert set(refused.value.fields) == {
        "FOLLOWUP_SECRET_KEY",
        "FOLLOWUP_DATA_KEYS",
        "FOLLOWUP_INDEX_KEY",
        "FOLLOWUP_PUBLIC_URL",
        "FOLLOWUP_SMS_GATEWAY",
    }


def test_every_wrong_value_is_named_in_one_go(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = {"MODE": "fun", "THREADS": "many", "TICK_SECONDS": "0", "DATABASE_URL": "mysql://x", "PUBLIC_URL": "x"}
    for name, value in wrong.items():
        monkeypatch.setenv(f"FOLLOWUP_{name}", value)

    with pytest.raises(BadSettings) as refused:
        read_settings()

    assert {f"FOLLOWUP_{name}" for name in wrong} <= set(refused.value.fields)


def test_a_short_secret_is_refused_in_production(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOLLOWUP_DATA_KEYS", f"{LONG},short")

    with pytest.raises(BadSettings) as refused:
        read_settings()

    assert refused.value.fields["FOLLOWUP_DATA_KEYS"] == ["Must have at least 32 characters."]


def test_a_short_token_for_the_numbers_is_refused_in_production(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOLLOWUP_METRICS_TOKEN", "short")

    with pytest.raises(BadSettings) as refused:
        read_settings()

    assert "at least 32 characters" in refused.value.fields["FOLLOWUP_METRICS_TOKEN"][0]


def test_a_home_that_holds_a_demo_is_refused_in_production(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "demo.json").write_text("{}")

    with pytest.raises(BadSettings) as refused:
        read_settings()

    assert "FOLLOWUP_HOME" in refused.value.fields


def test_a_demo_makes_its_secrets_once_for_its_owner_only(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FOLLOWUP_MODE", "demo")

    first, second = read_settings(), read_settings()

    assert first == second
    assert first.mode is Mode.DEMO
    assert stat.S_IMODE((tmp_path / "home" / "secrets.json").stat().st_mode) == 0o600


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_postgresql_may_be_written_in_any_of_its_ways(monkeypatch: pytest.MonkeyPatch, scheme: str) -> None:
    monkeypatch.setenv("FOLLOWUP_MODE", "test")
    monkeypatch.setenv("FOLLOWUP_DATABASE_URL", f"{scheme}://me@127.0.0.1/study")

    assert read_settings().database_url == "postgresql+psycopg://me@127.0.0.1/study"


@pytest.mark.parametrize(
    ("secret", "complaint"),
    [("x" * 40, "Can be guessed"), ("the same for two things 32 characters", "something else too")],
)
def test_a_secret_that_protects_nothing_is_refused_in_production(
    monkeypatch: pytest.MonkeyPatch, secret: str, complaint: str
) -> None:
    monkeypatch.setenv("FOLLOWUP_SECRET_KEY", secret)
    monkeypatch.setenv("FOLLOWUP_INDEX_KEY", "the same for two things 32 characters")

    with pytest.raises(BadSettings) as refused:
        read_settings()

    assert complaint in refused.value.fields["FOLLOWUP_SECRET_KEY"][0]


def test_the_secrets_that_a_demo_made_are_refused_in_production(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("FOLLOWUP_MODE", "demo")
    made = read_settings()
    monkeypatch.setenv("FOLLOWUP_MODE", "production")
    monkeypatch.setenv("FOLLOWUP_SECRET_KEY", made.secret_key)

    with pytest.raises(BadSettings) as refused:
        read_settings()

    assert "demo or a test made" in refused.value.fields["FOLLOWUP_SECRET_KEY"][0]


def test_a_heartbeats_address_is_one_that_can_be_called(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOLLOWUP_MODE", "test")
    monkeypatch.setenv("FOLLOWUP_HEARTBEAT_URL", "ftp://somewhere")

    with pytest.raises(BadSettings) as refused:
        read_settings()

    assert "FOLLOWUP_HEARTBEAT_URL" in refused.value.fields
