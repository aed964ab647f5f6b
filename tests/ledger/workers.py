"""The product's own processes, as a deployer starts them: workers that may be killed or halted, and one server."""

import signal
import socket
import subprocess
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

from tests.processes import COMMAND

SECONDS_TO_ANSWER, SECONDS_TO_END = 60, 20
OPENER = build_opener(ProxyHandler({}))
# Of ``subprocess.Popen``, or what the suite starts in its stead (``tests.ledger.nursery``).
Starter = Callable[..., Any]


class Workers:
    """So many ``followup work`` at once, the longest running first."""

    def __init__(self, start_one: Callable[[], Any], count: int) -> None:
        self._start_one = start_one
        self._running = deque(start_one() for _ in range(count))
        self._halted: list[tuple[float, Any]] = []
        self.killed = self.halted = 0

    def kill_one(self) -> None:
        """The one that has worked longest is killed, and another begins."""
        process = self._running.popleft()
        process.kill()
        process.wait()
        self.killed += 1
        self._running.append(self._start_one())

    def halt_one(self, seconds: float) -> None:
        """The one that has worked longest stands still for so long, in the middle of whatever it does."""
        process = self._running.popleft()
        process.send_signal(signal.SIGSTOP)
        self.halted += 1
        self._halted.append((time.monotonic() + seconds, process))
        self._running.append(process)

    @property
    def standing_still(self) -> int:
        """How many do at this moment."""
        return len(self._halted)

    def wake(self) -> None:
        """Those who have stood still long enough go on."""
        for until, process in list(self._halted):
            if until <= time.monotonic():
                process.send_signal(signal.SIGCONT)
                self._halted.remove((until, process))

    def refuse_the_dead(self) -> None:
        """A worker that ended by itself is a defect, not a kill of ours."""
        for process in self._running:
            if process.poll() is not None:
                raise SystemExit(f"A worker ended by itself with {process.returncode}; --log FILE keeps what it said.")

    def end(self) -> None:
        """Nothing is under way any more, and if it were: this is how they end here."""
        for process in self._running:
            process.kill()
        for process in self._running:
            process.wait()


@contextmanager
def serving(process: Any, port: int) -> Iterator[None]:
    """A ``followup serve`` that was started on that port."""
    try:
        _wait_for(f"http://127.0.0.1:{port}/healthz", process)
        yield
    finally:
        process.terminate()
        end(process)


def start(environment: Mapping[str, str], log: Any, *words: str) -> "subprocess.Popen[bytes]":
    """``followup`` with these words, in a group of its own: Ctrl-C reaches us alone, and we end it in order."""
    return subprocess.Popen([*COMMAND, *words], env=dict(environment), stdout=log, stderr=log, start_new_session=True)


def end(process: Any) -> None:
    """It was asked to end; after a while it is not asked any more."""
    with suppress(subprocess.TimeoutExpired):
        process.wait(SECONDS_TO_END)
        return
    process.kill()
    process.wait()


def free_port() -> int:
    """One that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(address: str, process: Any) -> None:
    deadline = time.monotonic() + SECONDS_TO_ANSWER
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with OPENER.open(address, timeout=5):
                return
        except (URLError, OSError):
            time.sleep(0.1)
    raise SystemExit("The server did not answer; --log FILE keeps what it said.")
