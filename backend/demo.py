"""What `followup demo` says and sets: the environment its web process reads, and the screen of whoever started it."""

import json
import os
import socket
import threading
import time
import webbrowser
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

import click

from backend import clock
from backend.config import Mode, Settings, SmsGateway, read_settings
from seeds.demo.home import DESCRIPTION, Demo, describe

ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}
PATIENCE_SECONDS = 60.0
EARLIEST_YEAR, LATEST_YEAR = 2010, 2100
SECONDS_BETWEEN_TRIES = 0.1


def read_moment(_context: click.Context, _option: click.Parameter, said: str | None) -> datetime | None:
    """``--now`` as an instant. Without an offset nobody could know which instant is meant."""
    if said is None:
        return None
    try:
        moment = datetime.fromisoformat(said)
    except ValueError as wrong:
        raise click.BadParameter("write it as 2027-03-01T08:00:00+08:00") from wrong
    if moment.tzinfo is None:
        raise click.BadParameter("say in which zone: 2027-03-01T08:00:00+08:00")
    if not EARLIEST_YEAR <= moment.year <= LATEST_YEAR:
        raise click.BadParameter(f"a year from {EARLIEST_YEAR} to {LATEST_YEAR}")
    return moment


def settle(home: Path, host: str, port: int) -> Settings:
    """Put the demo's settings into the environment, and read what follows from them."""
    refuse_taken_port(host, port)
    refuse_running_demo(home)
    os.environ |= {
        "FOLLOWUP_MODE": Mode.DEMO.value,
        "FOLLOWUP_HOME": str(home.expanduser().resolve()),
        "FOLLOWUP_PUBLIC_URL": address_of(host, port),
        # Whatever this machine is set up for, nobody real is ever written to from a demo.
        "FOLLOWUP_SMS_GATEWAY": SmsGateway.SIMULATOR.value,
    }
    return read_settings()


def address_of(host: str, port: int) -> str:
    """How a browser on this machine reaches the demo."""
    host = ANYWHERE.get(host, host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def refuse_taken_port(host: str, port: int) -> None:
    """Say so before seconds of building, not after."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as taken:
            raise click.ClickException(
                f"cannot listen on {host} port {port} ({taken.strerror}); choose another with --port."
            ) from taken


def refuse_running_demo(home: Path) -> None:
    """A demo that still runs from this folder would go on serving a database that is no longer there."""
    try:
        address = json.loads((home.expanduser() / DESCRIPTION).read_text(encoding="utf-8"))["base_url"]
        with urlopen(f"{address}/healthz", timeout=2):
            pass
    except (OSError, ValueError, KeyError):
        return
    raise click.ClickException(f"a demo is running from {home} at {address}; stop it, or choose another --home.")


def announce_when_up(demo: Demo, *, with_browser: bool) -> None:
    """As soon as the server answers: write ``demo.json``, say what there is, and open the page."""
    threading.Thread(target=_announce, args=[demo, with_browser], daemon=True).start()


def _announce(demo: Demo, with_browser: bool) -> None:
    url = demo.settings.public_url
    if not _answers(url):
        click.echo(f"The server does not answer at {url}; what it says above tells why.", err=True)
        return
    place = describe(demo)
    click.echo(welcome(demo, place))
    if with_browser:
        webbrowser.open(f"{url}/demo")


def _answers(url: str) -> bool:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        time.sleep(SECONDS_BETWEEN_TRIES)
        try:
            with urlopen(f"{url}/healthz", timeout=5):
                return True
        except HTTPError:
            # Whatever it says, it speaks.
            return True
        except (URLError, OSError):
            continue
    return False


def welcome(demo: Demo, place: Path) -> str:
    """The screen: where everything is, who may sign in, three things to try."""
    site_zone = demo.patients[0].zone
    now = clock.local(clock.now(), site_zone)
    return "\n".join(
        [
            "",
            f"The demo is running, and it is {now:%A %d %B %Y, %H:%M} in {site_zone}. Everybody in it is invented.",
            "",
            *_addresses(demo),
            "",
            *_sign_ins(demo),
            "",
            *_patients(demo),
            "",
            *_three_things(demo),
            "",
            f"The same for programs: {place}",
            "Ctrl-C stops it. The next start makes everything anew.",
            "",
        ]
    )


def _addresses(demo: Demo) -> Iterator[str]:
    url = demo.settings.public_url
    yield f"  {url + '/':40} start here"
    yield f"  {url + '/demo':40} the patients' telephones, and a clock to move"
    yield f"  {url + '/demo/outcomes':40} what the trial has found so far"
    yield f"  {url + '/api/docs':40} every route of the API"


def _sign_ins(demo: Demo) -> Iterator[str]:
    yield f"Staff sign in with the password  {demo.staff.members[0].password}"
    for one in demo.staff.members:
        yield f"  {one.email:28} {one.role.value.replace('_', ' '):23} {one.site.replace('*', 'every site')}"


def _patients(demo: Demo) -> Iterator[str]:
    yield "A code and the year of birth sign in one phone, once"
    for one in demo.patients:
        says = one.says
        if "story" not in says:
            continue
        facts = f"{one.subject_number}  {says['site']}  {says['arm']:7}  {says['phone']}"
        signs_in = f"code {one.activation_code}" if one.activation_code else "no code any more"
        yield f"  {facts}  {signs_in}  born {says['birth_year']}"
        yield f"           {says['story']}"
    further = sum("story" not in one.says for one in demo.patients)
    if further:
        yield f"  {further} more have a past that was drawn, not written; their codes stand on the page"


def _three_things(demo: Demo) -> Iterator[str]:
    url, coordinator = demo.settings.public_url, demo.staff.members[0]
    by_text = next(one for one in demo.patients if list(one.says["channels"]) == ["sms"])
    as_json = "-H 'Content-Type: application/json'"
    who = f'{{"email": "{coordinator.email}", "password": "{coordinator.password}"}}'
    token = "python3 -c 'import json, sys; print(json.load(sys.stdin)[\"access_token\"])'"
    phone = f"{url}/demo/phones/{by_text.says['phone']}"
    yield "Three things to try"
    yield f"  1. A fever after the cells, reported minutes ago, waits for {coordinator.email}:"
    yield f"     TOKEN=$(curl -s {url}/api/v1/auth/staff {as_json} -d '{who}' | {token})"
    yield f"     curl -s '{url}/api/v1/candidate-events?tier=T1' -H \"Authorization: Bearer $TOKEN\""
    yield f"  2. {by_text.subject_number} has no app. Ask for what is due by text, and answer for him:"
    yield f'     curl -s {phone} {as_json} -d \'{{"text": "问卷"}}\''
    yield f"     curl -s {phone}"
    yield "  3. Let a day pass, and watch the reminders arrive:"
    yield f'     curl -s {url}/demo/clock {as_json} -d \'{{"by": "1d"}}\''
