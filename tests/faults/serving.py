"""``followup serve`` as it really runs: a process on loopback, spoken to over HTTP."""

import json
import socket
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from backend import clock
from backend.db import Database, system
from backend.patients.models import Patient
from backend.patients.sign_in import issue_code
from tests import people
from tests.processes import COMMAND, environment_for

SECONDS_TO_START = 60
TEST = system("test")


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: dict[str, Any]
    seconds: float

    @property
    def is_busy(self) -> bool:
        """The one refusal that says: nothing was kept, send the same again."""
        return (self.status, self.body.get("code")) == (503, "database_busy") and "retry-after" in self.headers


class Serving:
    """One server on a port of its own, which stays the same when it is started again."""

    def __init__(self, url: str, home: Path, *, command: Sequence[str] = COMMAND, **environment: str) -> None:
        self.url = url
        self.port = free_port()
        self.log = home / f"serve-{self.port}.log"
        self._command = [*command, "serve", "--port", str(self.port)]
        self._environment = environment_for(url, home, **environment)
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "Serving":
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.kill()

    def start(self) -> "Serving":
        """Start, and come back when it answers."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(self._command, env=self._environment, stdout=log, stderr=log)
        deadline = time.monotonic() + SECONDS_TO_START
        while not self._answers():
            assert self._process.poll() is None, self.said()
            assert time.monotonic() < deadline, self.said()
            time.sleep(0.02)
        return self

    def kill(self) -> None:
        """By SIGKILL, which nothing can prepare for."""
        if self._process is None:
            return
        self._process.kill()
        self._process.wait()
        self._process = None

    @property
    def pid(self) -> int:
        """The process that answers."""
        assert self._process
        return self._process.pid

    def is_running(self) -> bool:
        """Whether the process that was started is there still."""
        return self._process is not None and self._process.poll() is None

    def said(self) -> str:
        """What it wrote to its log."""
        return self.log.read_text(errors="replace")[-6000:]

    def call(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None, *, timeout: float = 20
    ) -> Answer:
        """One request on a connection of its own. Raises ``OSError`` or ``HTTPException`` when nothing came back."""
        began = time.monotonic()
        connection = HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        sent = {**(headers or {}), **({"Content-Type": "application/json"} if body is not None else {})}
        try:
            connection.request(method, path, None if body is None else json.dumps(body), sent)
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
        named = {name.lower(): value for name, value in answer.getheaders()}
        body = json.loads(text) if text and "json" in named.get("content-type", "") else {}
        return Answer(answer.status, named, body, time.monotonic() - began)

    def _answers(self) -> bool:
        try:
            return self.call("GET", "/healthz", timeout=5).status == 200
        except (OSError, HTTPException):
            return False


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def a_patient(db: Database, number: int = 0) -> Patient:
    """Somebody enrolled some weeks ago, by the real clock that a real server follows."""
    today = clock.local_day(clock.now(), "Asia/Shanghai")
    began = {"consented_on": today - timedelta(days=30), "randomised_on": today - timedelta(days=25)}
    return people.enrolled(db, replace(people.ANN, phone=f"+86138001380{number:02}", **began))


def a_code(db: Database, patient: Patient) -> str:
    """An activation code for the patient's next phone."""
    with db.transaction(TEST) as txn:
        return issue_code(txn, txn.session.get_one(Patient, patient.id)).code


def report(report_id: UUID | None = None, **changes: Any) -> dict[str, Any]:
    """Black stools, told by a phone a minute ago: a report that opens a candidate and so writes many rows."""
    now = clock.now().replace(microsecond=0)
    body = {
        "id": str(report_id or uuid4()),
        "instrument": "ad_hoc",
        "instrument_version": 1,
        "language": "en",
        "respondent": "patient",
        "mode": "app",
        "started_at": (now - timedelta(minutes=2)).isoformat(),
        "completed_at": (now - timedelta(minutes=1)).isoformat(),
        "answers": [{"item": "checklist.black_or_bloody_stool", "value": 1}],
    }
    return body | changes
