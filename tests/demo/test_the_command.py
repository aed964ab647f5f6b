"""`followup demo` as somebody starts it: a process, an address, a file, and nothing left when it ends."""

import json
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
from click.testing import CliRunner

from backend.cli.serving import demo
from tests.processes import COMMAND, bare_environment

SECONDS_TO_BUILD = 200
SECONDS_TO_END = 20

pytestmark = [
    pytest.mark.skipif(os.name == "nt", reason="ends processes by POSIX signals"),
    # Each builds a demo, which takes seconds on a quiet machine and more beside other tests.
    pytest.mark.timeout(300),
]


def command(*words: str) -> list[str]:
    return [*COMMAND, "demo", "--no-browser", *words]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Running:
    """A demo in a process of its own."""

    def __init__(self, home: Path) -> None:
        self.file = home / "demo.json"
        self.port = free_port()
        self.screen = (home.parent / "screen.txt").open("w+")
        words = command("--home", str(home), "--port", str(self.port), "--now", "2027-03-01T08:00:00+08:00")
        # Those of the script are enough to see it start and end.
        words += ["--patients", "6"]
        self.process = subprocess.Popen(words, env=bare_environment(), stdout=self.screen, stderr=subprocess.STDOUT)

    def wait(self) -> dict[str, Any]:
        """Until the file is there, which says that it can be used."""
        deadline = time.monotonic() + SECONDS_TO_BUILD
        while not self.file.exists():
            assert self.process.poll() is None, self.said()
            assert time.monotonic() < deadline, self.said()
            time.sleep(0.1)
        return dict(json.loads(self.file.read_text(encoding="utf-8")))

    def said(self) -> str:
        self.screen.seek(0)
        return self.screen.read()

    def is_silent(self) -> bool:
        """Whether nobody listens any more, within some seconds."""
        deadline = time.monotonic() + SECONDS_TO_END
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=5).close()
            except OSError:
                return True
            time.sleep(0.1)
        return False

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait(SECONDS_TO_END)
        self.screen.close()


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    started = Running(tmp_path / "demo")
    yield started
    started.end()


def call(url: str, body: dict[str, Any] | None = None, token: str = "") -> dict[str, Any]:
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    request = Request(url, data=json.dumps(body).encode() if body is not None else None, headers=headers)
    with urlopen(request, timeout=30) as answer:
        return dict(json.load(answer))


def test_the_demo_is_there_when_its_file_is_and_gone_when_it_is_told_to_end(running: Running) -> None:
    described = running.wait()
    api = described["base_url"] + "/api/v1"

    staff = next(one for one in described["staff"] if (one["role"], one["site"]) == ("coordinator", "site-01"))
    token = call(f"{api}/auth/staff", {"email": staff["email"], "password": staff["password"]})["access_token"]
    waiting = call(f"{api}/candidate-events?tier=T1", token=token)["items"]
    assert [one["status"] for one in waiting] == ["proposed"]

    patient = described["patients"][0]
    code = {"code": patient["activation_code"], "birth_year": patient["birth_year"]}
    phone = call(f"{api}/auth/activations", code)["access_token"]
    assert call(f"{api}/me", token=phone)["subject_number"] == patient["subject_number"]

    numbered = f"{described['base_url']}/demo/phones/{patient['phone']}"
    assert call(numbered)["messages"]

    running.process.send_signal(signal.SIGTERM)
    assert running.process.wait(SECONDS_TO_END) == 0
    assert running.is_silent()
    assert "Traceback" not in running.said()


def test_no_server_is_left_behind_when_the_command_is_killed(running: Running) -> None:
    running.wait()

    running.process.kill()
    running.process.wait(SECONDS_TO_END)

    assert running.is_silent()


def test_a_port_that_is_taken_is_said_before_anything_is_built(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        words = command("--home", str(tmp_path / "demo"), "--port", str(taken.getsockname()[1]))
        done = subprocess.run(words, env=bare_environment(), capture_output=True, text=True, timeout=60, check=False)

    assert done.returncode == 1
    assert "choose another with --port" in done.stderr
    assert not (tmp_path / "demo").exists()


class Healthy(BaseHTTPRequestHandler):
    """A server that is well, whatever it is asked."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()


def test_a_home_whose_demo_still_runs_is_left_alone(tmp_path: Path) -> None:
    with HTTPServer(("127.0.0.1", 0), Healthy) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        (tmp_path / "demo.json").write_text(json.dumps({"base_url": f"http://127.0.0.1:{running.server_port}"}))
        words = command("--home", str(tmp_path), "--port", str(free_port()))
        done = subprocess.run(words, env=bare_environment(), capture_output=True, text=True, timeout=60, check=False)
        running.shutdown()

    assert done.returncode == 1
    assert "a demo is running" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["demo.json"]


def test_a_home_with_somebody_elses_database_is_refused_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "followup.sqlite").write_text("the patients of a hospital " * 1_000)

    words = command("--home", str(tmp_path), "--port", str(free_port()))
    done = subprocess.run(words, env=bare_environment(), capture_output=True, text=True, timeout=60, check=False)

    assert done.returncode == 1
    assert "not a demo" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("now", ["yesterday", "2027-03-01T08:00:00", "0001-01-01T00:00:00+00:00"])
def test_a_time_that_is_no_instant_is_refused(tmp_path: Path, now: str) -> None:
    # What click refuses it refuses before anything of ours runs, so that no process is needed to see it.
    done = CliRunner().invoke(demo, ["--home", str(tmp_path / "demo"), "--port", str(free_port()), "--now", now])

    assert done.exit_code == 2
    assert "--now" in done.stderr
    assert not (tmp_path / "demo").exists()
