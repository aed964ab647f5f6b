"""Is this server fit to follow patients? Every check says what it saw and, where it is not well, what to do.

It works on a machine where nothing works yet: without settings or a database it says so and checks the rest.
No secret and no identifier is ever printed.
"""

import os
import shutil
import stat
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from sqlalchemy import Select, func, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from backend import clock, demo_clock
from backend.audit import AuditEvent
from backend.audit_seals import AuditSeal
from backend.backups.trace import BACKED_UP
from backend.config import Settings, read_settings
from backend.conversation_terms import TextSurveys
from backend.conversations.form_letters import may_be_sent_to
from backend.db import Database, Transaction, system
from backend.doctor_outside import outside
from backend.errors import BadSettings, FollowupError
from backend.opening import open_database, refuse_unfit
from backend.patients.models import Patient
from backend.protocol.load import current_protocol
from backend.sealing import unseal
from backend.staff import roster
from backend.staff.models import Site, StaffAuthenticator, StaffMember, StaffRole
from backend.symptoms import Examination, Health, Symptom, failed
from backend.terminology.terms import versions
from backend.terms import Role
from notifications import breakers
from notifications.scheduler import SILENT_AFTER, last_heartbeat
from notifications.templates import load_templates

DOCTOR = system("doctor")
CLOCKS_MAY_DIFFER = timedelta(seconds=5)
BACKUP_MAY_BE = timedelta(hours=25)
LITTLE_SPACE = 1_000_000_000
ROSTER_MUST_REACH = timedelta(days=14)
MOST_SHIFTS_LOOKED_AT = 1_000
THE_NUMBER_OF_THE_SEEDS = "120"


def examine() -> Examination:
    """Every check there is, each by itself: what one stumbles over does not keep the others from looking."""
    try:
        settings = read_settings()
    except BadSettings as wrong:
        for name, complaints in sorted(wrong.fields.items()):
            yield Symptom(name, Health.FAILED, " ".join(complaints), "Set it (README, Running it for real).")
        return
    yield Symptom("settings", Health.OK, f"complete, for {settings.mode}")
    yield from _home(settings)
    yield from _privacy(settings)
    yield from _proxies(settings)
    yield from outside(settings)
    yield from _templates()
    db = open_database(settings)
    try:
        yield from _database(db, settings)
    finally:
        db.close()


def _home(settings: Settings) -> Examination:
    home = settings.home
    if not home.is_dir() or not os.access(home, os.W_OK):
        yield failed("home", f"{home} is not a folder that can be written to", "Make it, for the account we run as.")
        return
    free = shutil.disk_usage(home).free
    if free < LITTLE_SPACE:
        yield Symptom(
            "home", Health.WARNING, f"{free // 1_000_000} MB are left", "Make room before writes are refused."
        )
        return
    yield Symptom("home", Health.OK, f"can be written to, {free // 1_000_000_000} GB are left")


def _privacy(settings: Settings) -> Examination:
    """Names are ciphertext in the database, but who reads it knows who reported what and when."""
    file = make_url(settings.database_url).database if settings.is_sqlite else None
    places = {settings.home: "700", **({Path(file): "600"} if file else {})}
    is_open = [(place, mode) for place, mode in places.items() if place.exists() and _others_may(place)]
    for place, mode in is_open:
        yield Symptom("privacy", Health.WARNING, f"other accounts may read {place}", f"chmod {mode} {place}")
    if not is_open:
        yield Symptom("privacy", Health.OK, "only our account reads the home folder and what is in it")


def _others_may(place: Path) -> bool:
    return bool(place.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO))


def _proxies(settings: Settings) -> Examination:
    """We speak no https ourselves, so an https address means that a proxy stands before us."""
    if urlsplit(settings.public_url).scheme == "https" and settings.trusted_proxies == 0:
        saw = "the address is https and no proxy is trusted: all patients count as one caller against the limits"
        advice = "FOLLOWUP_TRUSTED_PROXIES=1, or however many proxies stand in a row."
        yield Symptom("proxies", Health.WARNING, saw, advice)
        return
    yield Symptom("proxies", Health.OK, f"{settings.trusted_proxies} stand between the callers and us")


def _templates() -> Examination:
    try:
        yield Symptom("templates", Health.OK, f"{len(load_templates())} messages have their texts")
    except FollowupError as wrong:
        yield failed("templates", wrong.detail, "Correct the text; nothing starts without it.")


def _database(db: Database, settings: Settings) -> Examination:
    kind = "SQLite" if db.is_sqlite else "PostgreSQL"
    file = settings.database_url.removeprefix("sqlite:///")
    if db.is_sqlite and not os.path.exists(file):
        yield failed("database", "there is none", "followup db upgrade, then followup seed.")
        return
    try:
        with db.reading(DOCTOR) as txn:
            txn.session.execute(text("SELECT 1"))
    except SQLAlchemyError:
        # Its own words may hold the address with the password in it.
        yield failed("database", f"{kind} does not answer", "Is it running, and are address and password right?")
        return
    yield Symptom("database", Health.OK, f"{kind} answers")
    try:
        refuse_unfit(db, settings)
    except FollowupError as unfit:
        yield failed("schema and keys", unfit.detail, "Nothing starts on it like this.")
        return
    yield Symptom("schema and keys", Health.OK, "the schema is ours, and the keys open it")
    if settings.is_demo:
        demo_clock.follow(db)
    for look in CHECKS:
        yield from _seen(db, look)


def _seen(db: Database, look: "Check") -> Examination:
    try:
        with db.reading(DOCTOR) as txn:
            yield from look(txn)
    except SQLAlchemyError as failure:
        name = look.__name__.strip("_").replace("_", " ")
        yield failed(name, f"could not be looked at ({type(failure).__name__})", "followup fsck may say more.")


def _settings_of_the_database(txn: Transaction) -> Examination:
    """What durability rests on, read back from the connection that we use."""
    bind = txn.session.connection()
    if bind.dialect.name == "sqlite":
        wanted = {"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1"}
        found = {name: str(bind.exec_driver_sql(f"PRAGMA {name}").scalar()) for name in wanted}
    else:
        limits = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
        found = {name: str(bind.exec_driver_sql(f"SHOW {name}").scalar()) for name in ("TimeZone", "fsync", *limits)}
        wanted = {**found, "TimeZone": "UTC", "fsync": "on"}
        wanted |= {name: "a limit" for name in limits if found[name] == "0"}
    wrong = {name: value for name, value in found.items() if value != wanted[name]}
    if wrong:
        said = ", ".join(f"{name} is {value}, not {wanted[name]}" for name, value in wrong.items())
        yield failed("durability", said, "What was answered might be lost with the power; set it back.")
        return
    yield Symptom("durability", Health.OK, ", ".join(f"{name} {value}" for name, value in found.items()))


def _clock(txn: Transaction) -> Examination:
    """This machine's clock against the database's, and against what was stored before."""
    here, bind = clock.wall(), txn.session.connection()
    if bind.dialect.name == "postgresql":
        there: datetime = bind.exec_driver_sql("SELECT clock_timestamp()").scalar_one()
        if abs(there - here) > CLOCKS_MAY_DIFFER:
            apart = round(abs(there - here).total_seconds())
            yield failed("clock", f"the database's clock is {apart} s from this machine's", "Set both by NTP.")
            return
    newest = max(
        filter(None, (last_heartbeat(txn), txn.session.scalar(select(func.max(AuditSeal.sealed_at))))), default=None
    )
    if newest and newest > here + CLOCKS_MAY_DIFFER:
        yield failed("clock", f"it is behind what was stored at {newest.isoformat()}", "Set it by NTP before starting.")
        return
    yield Symptom("clock", Health.OK, here.isoformat(timespec="seconds"))


def _study(txn: Transaction) -> Examination:
    try:
        protocol = current_protocol(txn)
    except FollowupError as missing:
        yield failed("study", missing.detail, "followup seed")
        return
    if not versions(txn):
        # So it is after an upgrade from a program that knew no adverse events.
        yield failed("study", "no CTCAE terms are loaded, so no event can be coded", "followup seed")
        return
    yield Symptom("study", Health.OK, f"{protocol.study} is loaded")
    sites = txn.session.execute(select(Site.code, Site.emergency_phone).order_by(Site.code)).all()
    unnamed = [code for code, number in sites if number == THE_NUMBER_OF_THE_SEEDS]
    if unnamed:
        advice = "PATCH /api/v1/sites/… before the first patient."
        yield Symptom("numbers", Health.WARNING, f"{', '.join(unnamed)}: patients would be told to call 120", advice)
    else:
        yield Symptom("numbers", Health.OK, f"{len(sites)} sites have numbers of their own")


def _links_by_text(txn: Transaction) -> Examination:
    """Carriers in mainland China stop texts with a link: whoever is sent nothing else would be asked nothing."""
    sites = txn.session.scalars(select(Site).where(Site.text_surveys == TextSurveys.LINK_ONLY).order_by(Site.code))
    stopped = [site.code for site in sites if site.phone_region == "CN" or _has_numbers_without_links(txn, site)]
    if stopped:
        advice = 'PATCH /api/v1/sites/… {"text_surveys": "full"} or "short": questions go where links do not.'
        yield failed("links", f"{', '.join(stopped)}: questionnaires by link only, and telephones of +86", advice)
    else:
        yield Symptom("links", Health.OK, "no telephone of +86 is to be sent a link")


def _has_numbers_without_links(txn: Transaction, site: Site) -> bool:
    with_a_phone = select(Patient).where(Patient.site_id == site.id, Patient.phone_sealed.is_not(None))
    numbers = (unseal(txn, patient, "phone_sealed") for patient in txn.session.scalars(with_a_phone))
    return any(number is not None and not may_be_sent_to(number) for number in numbers)


def _administrator(txn: Transaction) -> Examination:
    administrators = (
        select(StaffMember.id)
        .join(StaffRole, StaffRole.staff_id == StaffMember.id)
        .where(StaffRole.role == Role.ADMINISTRATOR, StaffRole.ended_at.is_(None), StaffMember.deactivated_at.is_(None))
    )
    if txn.session.scalar(administrators.limit(1)) is None:
        yield failed("administrator", "there is none", "followup staff create --role administrator --site '*'")
        return
    second = StaffAuthenticator
    with_second = administrators.join(second, second.staff_id == StaffMember.id).where(
        second.confirmed_at.is_not(None), second.ended_at.is_(None)
    )
    if txn.session.scalar(with_second.limit(1)) is None:
        advice = "Sign in and set one up; until then the first who guesses the password does."
        yield Symptom("administrator", Health.WARNING, "none has a second factor", advice)
        return
    yield Symptom("administrator", Health.OK, "there is one, with a second factor")


def _rosters(txn: Transaction) -> Examination:
    """Who would be paged for an emergency, everywhere where patients are."""
    until, is_well = txn.now + ROSTER_MUST_REACH, True
    for site in txn.session.scalars(_sites_with_patients()):
        gaps = roster.gaps(txn, site.id, txn.now, until)
        speechless = sum(member.phone_sealed is None for member in _on_the_roster(txn, site, until))
        is_well = is_well and not gaps and not speechless
        if gaps:
            saw = f"nobody is on call at {site.code} from {gaps[0][0].isoformat(timespec='minutes')}"
            yield failed(
                "roster", saw, f"PUT /api/v1/sites/{site.code}/on-call: an emergency would wake the whole site."
            )
        if speechless:
            saw = f"{speechless} of those on call at {site.code} have no telephone"
            yield Symptom("roster", Health.WARNING, saw, "PATCH /api/v1/staff/…: a page goes by text message.")
    if is_well:
        yield Symptom("roster", Health.OK, f"somebody is on call for the next {ROSTER_MUST_REACH.days} days")


def _sites_with_patients() -> Select[Site]:
    return select(Site).where(Site.id.in_(select(Patient.site_id))).order_by(Site.code)


def _on_the_roster(txn: Transaction, site: Site, until: datetime) -> set[StaffMember]:
    page = roster.shifts_between(txn, site.id, txn.now, until, limit=MOST_SHIFTS_LOOKED_AT)
    members = {member.id: member for _, member in page.items}
    return set(roster.care_team(txn, site.id, members.keys()).values())


def _worker(txn: Transaction) -> Examination:
    beat = last_heartbeat(txn)
    if beat is None or clock.wall() - beat > SILENT_AFTER:
        saw = f"silent since {beat.isoformat(timespec='seconds')}" if beat else "none has ever run"
        yield Symptom("worker", Health.WARNING, saw, "Nothing is sent without one: followup work")
        return
    yield Symptom("worker", Health.OK, "ticks")


def _ways(txn: Transaction) -> Examination:
    shut = breakers.standing_open(txn)
    for breaker in shut:
        saw = f"{breaker.channel} refuses everything with {breaker.code} since {breaker.opened_at:%Y-%m-%d %H:%M} UTC"
        yield failed("sending", saw, "Mend its settings or the account; it is tried again every half hour or sooner.")
    if not shut:
        yield Symptom("sending", Health.OK, "no gateway stands still")


def _backup(txn: Transaction) -> Examination:
    last = txn.session.scalar(select(func.max(AuditEvent.at)).where(AuditEvent.verb == BACKED_UP))
    if last is None or clock.now() - last > BACKUP_MAY_BE:
        saw = f"the last one is of {last.isoformat(timespec='seconds')}" if last else "none was ever made"
        yield Symptom("backup", Health.WARNING, saw, "followup backup, every night, to another machine.")
        return
    yield Symptom("backup", Health.OK, f"of {last.isoformat(timespec='seconds')}")


Check = Callable[[Transaction], Examination]
CHECKS: tuple[Check, ...] = (
    _settings_of_the_database,
    _clock,
    _study,
    _links_by_text,
    _administrator,
    _rosters,
    _worker,
    _ways,
    _backup,
)
