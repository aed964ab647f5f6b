"""A real server on a fresh demo's database, for as long as it is needed."""

import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import datetime
from pathlib import Path
from typing import IO
from urllib.error import URLError
from urllib.request import urlopen

from backend import demo_clock
from backend.config import read_settings
from backend.db import Database
from backend.opening import open_database
from seeds.demo.home import make_demo
from tests import postgres
from tests.processes import COMMAND

BEGINS = datetime.fromisoformat("2027-03-01T08:00:00+08:00")
SECONDS_TO_ANSWER = 60
SECONDS_TO_END = 20


@contextmanager
def a_served_demo(kind: str, log: IO[str] | int = subprocess.DEVNULL) -> Iterator[tuple[str, Database]]:
    """Its address, and its database for looking at what exists. Nothing is left of it afterwards."""
    with tempfile.TemporaryDirectory(prefix="followup-fuzz-", dir=_in_memory()) as folder, _maybe_postgres(kind) as url:
        _set_environment(Path(folder), url)
        # A demo has patients with a past, so reports, candidates, cycles, tasks, texts and a death are there.
        settings = make_demo(read_settings(), now=BEGINS, progress=lambda *_: None).settings
        db = open_database(settings)
        demo_clock.follow(db)
        port = _free_port()
        process = _start(port, log)
        try:
            _wait(f"http://127.0.0.1:{port}", process)
            yield f"http://127.0.0.1:{port}", db
        finally:
            db.close()
            _end(process)


def _in_memory() -> Path | None:
    """Where nothing waits for a disk, where there is such a place: what is asked here is not how safe a commit is."""
    place = Path("/dev/shm")
    return place if os.access(place, os.W_OK) else None


@contextmanager
def _maybe_postgres(kind: str) -> Iterator[str]:
    binaries = postgres.find_binaries() if kind == "postgres" else None
    if kind == "postgres" and binaries is None:
        raise SystemExit("There is no PostgreSQL to be had here; see tests/postgres.py.")
    with postgres.PostgresServer(binaries) if binaries else nullcontext() as server:
        if server is None:
            yield ""
            return
        server.create_database("fuzz")
        yield server.url("fuzz").replace("+psycopg", "")


def _set_environment(folder: Path, url: str) -> None:
    for name in [name for name in os.environ if name.startswith("FOLLOWUP_")]:
        del os.environ[name]
    os.environ |= {"FOLLOWUP_MODE": "demo", "FOLLOWUP_HOME": str(folder / "home")}
    if url:
        os.environ["FOLLOWUP_DATABASE_URL"] = url


def _start(port: int, log: IO[str] | int) -> "subprocess.Popen[bytes]":
    command = [*COMMAND, "serve", "--port", str(port)]
    # A group of its own: Ctrl-C reaches us alone, and we end it in order.
    return subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)


def _wait(address: str, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + SECONDS_TO_ANSWER
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urlopen(f"{address}/healthz", timeout=5):
                return
        except (URLError, OSError):
            time.sleep(0.2)
    raise SystemExit("The server did not answer.")


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(SECONDS_TO_END)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
