"""Every setting, typed, read once from the environment; refuses to start without a secret.

The names are those of the API contract with the prefix ``FOLLOWUP_``. All complaints are reported at once,
because a deployer who must fix five settings should not have to start five times.
"""

import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from backend.errors import BadSettings

PREFIX = "FOLLOWUP_"
SHORTEST_SECRET = 32
SECRETS = ("SECRET_KEY", "DATA_KEYS", "INDEX_KEY")

Word = TypeVar("Word", bound=StrEnum)


class Mode(StrEnum):
    """What this process is for. Only ``demo`` shows simulated phones and lets the clock be moved."""

    DEMO = "demo"
    TEST = "test"
    PRODUCTION = "production"


class SmsGateway(StrEnum):
    """Who carries text messages. The simulator keeps them in the database."""

    SIMULATOR = "simulator"


@dataclass(frozen=True)
class Settings:
    """What the environment said, checked."""

    mode: Mode
    home: Path
    database_url: str
    public_url: str
    secret_key: str
    data_keys: tuple[str, ...]
    index_key: str
    sms_gateway: SmsGateway
    tick_seconds: float
    lease_seconds: float
    send_timeout_seconds: float
    threads: int

    @property
    def is_sqlite(self) -> bool:
        """Whether the database is one file on this machine."""
        return self.database_url.startswith("sqlite")

    @property
    def is_demo(self) -> bool:
        """Whether visitors may see phones and move the clock."""
        return self.mode is Mode.DEMO


def read_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """Read and check the environment.

    Raises ``BadSettings`` with one complaint a setting in ``fields``. Outside production a missing secret is
    made once and kept in the home folder, so that a demo or a test starts with nothing configured.
    """
    return _Reader(os.environ if environment is None else environment).read()


class _Reader:
    """Collects complaints instead of stopping at the first."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.environment = environment
        self.complaints: dict[str, list[str]] = {}

    def read(self) -> Settings:
        mode = self._one_of("MODE", Mode, Mode.PRODUCTION)
        home = Path(self._text("HOME", "followup-home")).expanduser().resolve()
        secrets_ = self._secrets(mode, home)
        settings = Settings(
            mode=mode,
            home=home,
            database_url=self._database_url(home),
            public_url=self._url("PUBLIC_URL", "http://127.0.0.1:8000", production=mode is Mode.PRODUCTION),
            secret_key=secrets_["SECRET_KEY"],
            data_keys=tuple(key for key in secrets_["DATA_KEYS"].split(",") if key),
            index_key=secrets_["INDEX_KEY"],
            sms_gateway=self._one_of("SMS_GATEWAY", SmsGateway, SmsGateway.SIMULATOR),
            tick_seconds=self._number("TICK_SECONDS", 2.0, at_least=0.05),
            lease_seconds=self._number("LEASE_SECONDS", 90.0, at_least=0.5),
            send_timeout_seconds=self._number("SEND_TIMEOUT_SECONDS", 35.0, at_least=0.1),
            threads=int(self._number("THREADS", 4, at_least=1)),
        )
        self._refuse_what_production_must_not_be(settings)
        if self.complaints:
            listed = "; ".join(f"{name}: {' '.join(said)}" for name, said in sorted(self.complaints.items()))
            raise BadSettings(f"The settings are not complete. {listed}", fields=self.complaints)
        return settings

    def _complain(self, name: str, complaint: str) -> None:
        self.complaints.setdefault(PREFIX + name, []).append(complaint)

    def _text(self, name: str, default: str) -> str:
        return self.environment.get(PREFIX + name, "").strip() or default

    def _one_of(self, name: str, words: type[Word], default: Word) -> Word:
        said = self._text(name, default.value)
        if said in {word.value for word in words}:
            return words(said)
        self._complain(name, f"is {said!r}; it must be one of {', '.join(words)}.")
        return default

    def _number(self, name: str, default: float, *, at_least: float) -> float:
        said = self._text(name, str(default))
        try:
            number = float(said)
        except ValueError:
            number = float("nan")
        if number >= at_least:
            return number
        self._complain(name, f"is {said!r}; it must be a number of at least {at_least:g}.")
        return default

    def _url(self, name: str, default: str, *, production: bool) -> str:
        said = self._text(name, "" if production else default).rstrip("/")
        parts = urlsplit(said)
        if not (parts.scheme in {"http", "https"} and parts.netloc):
            self._complain(name, "must be the https address under which patients reach this server.")
        elif production and parts.scheme != "https":
            self._complain(name, "must start with https:// in production.")
        return said

    def _database_url(self, home: Path) -> str:
        said = self._text("DATABASE_URL", f"sqlite:///{home / 'followup.sqlite'}")
        if said.startswith("postgresql://") or said.startswith("postgres://"):
            return "postgresql+psycopg://" + said.split("://", 1)[1]
        if said.startswith(("sqlite:///", "postgresql+psycopg://")):
            return said
        self._complain("DATABASE_URL", "must start with sqlite:/// or postgresql://.")
        return "sqlite://"

    def _secrets(self, mode: Mode, home: Path) -> dict[str, str]:
        given = {name: self._text(name, "") for name in SECRETS}
        if mode is not Mode.PRODUCTION:
            return given if all(given.values()) else {**_kept_secrets(home), **{k: v for k, v in given.items() if v}}
        for name, value in given.items():
            if not value:
                self._complain(name, "is missing; make one with: openssl rand -base64 48")
            elif any(len(part) < SHORTEST_SECRET for part in value.split(",") if part):
                self._complain(name, f"must have at least {SHORTEST_SECRET} characters.")
        return given

    def _refuse_what_production_must_not_be(self, settings: Settings) -> None:
        if settings.mode is not Mode.PRODUCTION:
            return
        if settings.sms_gateway is SmsGateway.SIMULATOR:
            self._complain("SMS_GATEWAY", "is the simulator, which reaches no real phone; production needs a gateway.")
        if (settings.home / "demo.json").exists():
            self._complain("HOME", "holds a demo; production must start from an empty folder.")


def _kept_secrets(home: Path) -> dict[str, str]:
    """Secrets of a demo or a test: made once, readable by the owner only."""
    kept = home / "secrets.json"
    if not kept.exists():
        home.mkdir(parents=True, exist_ok=True)
        made = {name: secrets.token_urlsafe(48) for name in SECRETS}
        draft = home / f"secrets.json.{os.getpid()}"
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump(made, file)
        try:
            # Linking fails when another process was first; then its secrets are the ones.
            os.link(draft, kept)
        except FileExistsError:
            pass
        draft.unlink()
    return dict(json.loads(kept.read_text()))
