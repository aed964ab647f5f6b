"""Starts the product's commands without importing them each time: the suite has seconds, the command has minutes.

``python -m tests.ledger.nursery`` imports the command line once; for each line it reads it forks a process that runs
one command as ``followup`` would, with an environment of its own. What runs and is killed is the real thing.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


class Nursery:
    """Holds the process that forks; everything it started ends with it."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.ledger.nursery"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def start(self, environment: Mapping[str, str], log: Any, *words: str) -> "Child":
        """As ``tests.ledger.workers.start``; what the commands say is not kept."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps({"environment": dict(environment), "words": words}) + "\n")
        self._process.stdin.flush()
        return Child(int(self._process.stdout.readline()))

    def close(self) -> None:
        """No more children."""
        self._process.communicate(timeout=20)


class Child:
    """A process that is not ours, with what the ledger asks of one."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode = "no word"

    def poll(self) -> str | None:
        """None as long as it lives."""
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return self.returncode
        return None

    def send_signal(self, number: int) -> None:
        with suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def wait(self, timeout: float = 20) -> None:
        """Raises ``subprocess.TimeoutExpired`` when it lives longer."""
        deadline = time.monotonic() + timeout
        while self.poll() is None:
            if time.monotonic() > deadline:
                raise subprocess.TimeoutExpired("followup", timeout)
            time.sleep(0.005)


def main() -> None:
    """Fork one command a line, until the lines end."""
    from backend.cli import main as followup

    # Nobody waits for the children, so they leave nothing behind.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        asked = json.loads(line)
        child = os.fork()
        if child == 0:
            _become(asked["environment"], asked["words"])
            followup()
            os._exit(0)
        sys.stdout.write(f"{child}\n")
        sys.stdout.flush()


def _become(environment: Mapping[str, str], words: list[str]) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in range(3):
        os.dup2(nowhere, stream)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["followup", *words]


if __name__ == "__main__":
    main()
