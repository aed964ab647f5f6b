"""Every setting, typed, read once from the environment; refuses to start without a secret.

The names are those of the API contract with the prefix ``FOLLOWUP_``. All complaints are reported at once,
because a deployer who must fix five settings should not have to start five times.
"""

import contextlib
import json
import os
import re
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, cast
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from environs import Env, EnvValidationError, validate

from backend.errors import BadSettings
from backend.template_account import TEMPLATE_SETTINGS, TemplateAccount, template_account, wrong_with_template
from backend.twilio_account import TWILIO_SETTINGS, TwilioAccount, twilio_account, wrong_with_twilio

PREFIX = "FOLLOWUP_"
SHORTEST_SECRET = 32
LEAST_DIFFERENT = 8
KEPT_SECRETS = "secrets.json"
SECRETS = ("SECRET_KEY", "DATA_KEYS", "INDEX_KEY")
LOCAL_URL = "http://127.0.0.1:8000"
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
# Nothing in it could end a header, a command or the address itself.
MAIL_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")
CONTROL = re.compile(r"[\x00-\x1f\x7f]")
MAIL_PORTS = {"smtp": 587, "smtps": 465}
POSTGRES_SCHEMES = ("postgres://", "postgresql://", "postgresql+psycopg://")


class Mode(StrEnum):
    """What this process is for. Only ``demo`` shows simulated phones and lets the clock be moved."""

    DEMO = "demo"
    TEST = "test"
    PRODUCTION = "production"


class SmsGateway(StrEnum):
    """Who carries text messages. The simulator keeps them in the database."""

    SIMULATOR = "simulator"
    TWILIO = "twilio"
    TEMPLATE = "template"


class Encryption(StrEnum):
    """How a connection to the mail server is protected."""

    FROM_THE_START = "tls"
    BY_STARTTLS = "starttls"
    NONE = "none"


@dataclass(frozen=True)
class MailServer:
    """Who carries e-mail for us, as ``SMTP_URL`` names it. ``region`` is a country code, empty when it says none."""

    host: str
    port: int
    encryption: Encryption
    user: str
    password: str = field(repr=False)
    sender: str
    region: str

    @property
    def is_here(self) -> bool:
        """Whether it stands on this machine."""
        return self.host in LOOPBACK


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
    smtp_url: MailServer | None = field(repr=False)
    tick_seconds: float
    lease_seconds: float
    threads: int
    trusted_proxies: int
    metrics_token: str
    heartbeat_url: str
    look_seconds: float = 60.0
    # Several settings make one account; nothing when another gateway carries the texts.
    twilio: TwilioAccount | None = field(default=None, repr=False, metadata={"settings": TWILIO_SETTINGS})
    template: TemplateAccount | None = field(default=None, repr=False, metadata={"settings": TEMPLATE_SETTINGS})

    @property
    def is_sqlite(self) -> bool:
        """Whether the database is one file on this machine."""
        return self.database_url.startswith("sqlite")

    @property
    def is_demo(self) -> bool:
        """Whether visitors may see phones and move the clock."""
        return self.mode is Mode.DEMO


def read_settings() -> Settings:
    """Read and check the environment.

    Raises ``BadSettings`` with one complaint a setting in ``fields``. Outside production a missing secret is
    made once and kept in the home folder, so that a demo or a test starts with nothing configured.
    """
    said, complaints = _read()
    for name, complaint in _contradictions(said):
        complaints.setdefault(PREFIX + name, []).append(complaint)
    if complaints:
        listed = "; ".join(f"{name}: {' '.join(why)}" for name, why in sorted(complaints.items()))
        raise BadSettings(f"The settings are not complete. {listed}", fields=complaints)
    home = Path(said["HOME"]).expanduser().resolve()
    keys = {name: said[name] for name in SECRETS}
    if not all(keys.values()):
        keys = {**_kept_secrets(home), **{name: value for name, value in keys.items() if value}}
    return Settings(
        mode=said["MODE"],
        home=home,
        database_url=_database_url(said["DATABASE_URL"], home),
        public_url=(said["PUBLIC_URL"] or LOCAL_URL).rstrip("/"),
        secret_key=keys["SECRET_KEY"],
        data_keys=tuple(key for key in keys["DATA_KEYS"].split(",") if key),
        index_key=keys["INDEX_KEY"],
        sms_gateway=said["SMS_GATEWAY"],
        smtp_url=_mail_server(said["SMTP_URL"], said["PUBLIC_URL"] or LOCAL_URL),
        tick_seconds=said["TICK_SECONDS"],
        lease_seconds=said["LEASE_SECONDS"],
        threads=said["THREADS"],
        trusted_proxies=said["TRUSTED_PROXIES"],
        metrics_token=said["METRICS_TOKEN"],
        heartbeat_url=said["HEARTBEAT_URL"],
        look_seconds=said["LOOK_SECONDS"],
        twilio=twilio_account(said) if said["SMS_GATEWAY"] is SmsGateway.TWILIO else None,
        template=template_account(said) if said["SMS_GATEWAY"] is SmsGateway.TEMPLATE else None,
    )


def _read() -> tuple[dict[str, Any], dict[str, list[str]]]:
    """Each setting by itself, and what is wrong with it."""
    env = Env(eager=False, prefix=PREFIX)
    said = {
        "MODE": env.enum("MODE", Mode.PRODUCTION, enum=Mode, by_value=True),
        "HOME": env.str("HOME", "followup-home"),
        "DATABASE_URL": env.str("DATABASE_URL", ""),
        "PUBLIC_URL": env.str("PUBLIC_URL", ""),
        **{name: env.str(name, "") for name in SECRETS},
        "SMS_GATEWAY": env.enum("SMS_GATEWAY", SmsGateway.SIMULATOR, enum=SmsGateway, by_value=True),
        "SMTP_URL": env.str("SMTP_URL", ""),
        "TICK_SECONDS": env.float("TICK_SECONDS", 2.0, validate=validate.Range(min=0.05)),
        "LEASE_SECONDS": env.float("LEASE_SECONDS", 90.0, validate=validate.Range(min=0.5, max=1800)),
        "THREADS": env.int("THREADS", 4, validate=validate.Range(min=1)),
        "TRUSTED_PROXIES": env.int("TRUSTED_PROXIES", 0, validate=validate.Range(min=0, max=10)),
        "METRICS_TOKEN": env.str("METRICS_TOKEN", ""),
        "HEARTBEAT_URL": env.str("HEARTBEAT_URL", ""),
        "LOOK_SECONDS": env.float("LOOK_SECONDS", 60.0, validate=validate.Range(min=0.05)),
        **{name: env.str(name, "").strip() for name in (*TWILIO_SETTINGS, *TEMPLATE_SETTINGS)},
    }
    try:
        env.seal()
    except EnvValidationError as wrong:
        by_name = cast(Mapping[str, list[str]], wrong.error_messages)
        return said, {name: list(why) for name, why in by_name.items()}
    return said, {}


def _contradictions(said: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What no setting shows by itself. A mode that cannot be read is taken for production, the strictest."""
    is_production = said["MODE"] not in (Mode.DEMO, Mode.TEST)
    if said["DATABASE_URL"] and not said["DATABASE_URL"].startswith(("sqlite:///", *POSTGRES_SCHEMES)):
        yield "DATABASE_URL", "Must start with sqlite:/// or postgresql://."
    parts = urlsplit(said["PUBLIC_URL"] or ("" if is_production else LOCAL_URL))
    if parts.scheme not in ({"https"} if is_production else {"http", "https"}) or not parts.netloc:
        yield "PUBLIC_URL", "Must be the https address under which patients reach this server."
    beat = urlsplit(said["HEARTBEAT_URL"])
    if said["HEARTBEAT_URL"] and (beat.scheme not in {"http", "https"} or not beat.netloc):
        yield "HEARTBEAT_URL", "Must be an http or https address."
    if said["SMTP_URL"]:
        yield from (("SMTP_URL", complaint) for complaint in _wrong_with_mail(said["SMTP_URL"], said["MODE"]))
    yield from wrong_with_twilio(
        said, is_used=said["SMS_GATEWAY"] is SmsGateway.TWILIO, is_demo=said["MODE"] is Mode.DEMO
    )
    yield from wrong_with_template(
        said, is_used=said["SMS_GATEWAY"] is SmsGateway.TEMPLATE, is_demo=said["MODE"] is Mode.DEMO
    )
    if is_production:
        yield from _unsafe_in_production(said)


def _wrong_with_mail(address: str, mode: object) -> Iterator[str]:
    """Never repeats what was said: there is a password in it."""
    try:
        parts = urlsplit(address)
        is_named = parts.scheme in MAIL_PORTS and bool(parts.hostname) and parts.port != 0
        unknown = dict(parse_qsl(parts.query, strict_parsing=True)) if parts.query else {}
    except ValueError:
        is_named = False
    if not is_named or parts.path.strip("/") or parts.fragment or CONTROL.search(unquote(address)) or " " in address:
        yield "Must look like smtp://user:password@host:587?from=followup@hospital.example, or smtps://…:465."
        return
    if bool(parts.username) != bool(parts.password):
        yield "Names a user without a password, or a password without a user."
    sender, region = unknown.pop("from", ""), unknown.pop("region", "")
    if sender and not MAIL_ADDRESS.fullmatch(sender):
        yield "Has a from that is no e-mail address."
    if region and not re.fullmatch("[A-Z]{2}", region):
        yield "Has a region that is no country code like CN."
    if unknown:
        yield "May say from and region after the question mark, and nothing else."
    if mode is Mode.DEMO and parts.hostname not in LOOPBACK:
        yield "Leads away from this machine, and a demo's addresses are invented."


def _mail_server(address: str, public_url: str) -> MailServer | None:
    """What ``SMTP_URL`` says, once nothing is wrong with it. Plain text is spoken on this machine only."""
    if not address:
        return None
    parts = urlsplit(address)
    more = dict(parse_qsl(parts.query))
    return MailServer(
        host=parts.hostname or "",
        port=parts.port or MAIL_PORTS[parts.scheme],
        encryption=_encryption(parts),
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        sender=more.get("from") or _usual_sender(unquote(parts.username or ""), public_url),
        region=more.get("region", ""),
    )


def _encryption(parts: SplitResult) -> Encryption:
    if parts.scheme == "smtps":
        return Encryption.FROM_THE_START
    return Encryption.NONE if parts.hostname in LOOPBACK else Encryption.BY_STARTTLS


def _usual_sender(user: str, public_url: str) -> str:
    """Who signs in to a mail server usually has an address there; else we write as the place patients reach."""
    if MAIL_ADDRESS.fullmatch(user):
        return user
    host = urlsplit(public_url).hostname or "localhost"
    return f"followup@{'localhost' if host in LOOPBACK else host}"


def _unsafe_in_production(said: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name in SECRETS:
        complaint = _weakness(said, name)
        if complaint:
            yield name, complaint
    if said["METRICS_TOKEN"] and len(said["METRICS_TOKEN"]) < SHORTEST_SECRET:
        yield "METRICS_TOKEN", f"Must have at least {SHORTEST_SECRET} characters; without any, /metrics is closed."
    if said["SMS_GATEWAY"] is SmsGateway.SIMULATOR:
        yield "SMS_GATEWAY", "Is the simulator, which reaches no real phone; production needs a gateway."
    if (Path(said["HOME"]).expanduser() / "demo.json").exists():
        yield "HOME", "Holds a demo; production must start from an empty folder."


def _weakness(said: Mapping[str, Any], name: str) -> str | None:
    """Why a secret protects nothing; None when it does."""
    parts = [part for part in said[name].split(",") if part]
    if not parts:
        return "Is missing; make one with: openssl rand -base64 48"
    if any(len(part) < SHORTEST_SECRET for part in parts):
        return f"Must have at least {SHORTEST_SECRET} characters."
    if any(len(set(part)) < LEAST_DIFFERENT for part in parts):
        return "Can be guessed; make one with: openssl rand -base64 48"
    if not _kept_by_a_demo(said).isdisjoint(parts):
        return "Is one that a demo or a test made for itself; make a new one."
    if any(said[name] == said[other] for other in SECRETS if other != name):
        return "Is used for something else too; make one for each."
    return None


def _kept_by_a_demo(said: Mapping[str, Any]) -> frozenset[str]:
    kept = Path(said["HOME"]).expanduser() / KEPT_SECRETS
    return frozenset(json.loads(kept.read_text()).values()) if kept.exists() else frozenset()


def _database_url(said: str, home: Path) -> str:
    """With the driver we use, whichever way the address was written."""
    if not said:
        return f"sqlite:///{home / 'followup.sqlite'}"
    return "postgresql+psycopg://" + said.split("://", 1)[1] if said.startswith(POSTGRES_SCHEMES) else said


def _kept_secrets(home: Path) -> dict[str, str]:
    """Secrets of a demo or a test: made once, readable by the owner only."""
    kept = home / KEPT_SECRETS
    if not kept.exists():
        home.mkdir(parents=True, exist_ok=True)
        made = {name: secrets.token_urlsafe(48) for name in SECRETS}
        draft = home / f"secrets.json.{os.getpid()}"
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump(made, file)
        # Linking fails when another process was first; then its secrets are the ones.
        with contextlib.suppress(FileExistsError):
            os.link(draft, kept)
        draft.unlink()
    return dict(json.loads(kept.read_text()))
