"""Hospitals that are lived through in processes of their own: what becomes of them when something ends early."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from multiprocessing import active_children
from multiprocessing.util import get_temp_dir
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from backend.audit_checkpoints import FILE_NAME
from backend.simulation.assumptions import SITES
from backend.simulation.hospitals import HospitalLost, live_apart
from backend.simulation.lives import Scenario, in_silence
from tests.processes import COMMAND, bare_environment

SCENARIO = Scenario(patients=9, years=0.3, seed=3)
SECONDS_TO_BEGIN, SECONDS_TO_END = 120, 30


@pytest.fixture
def thrown_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where that is kept which nobody keeps."""
    # The socket of the processes' own stays where it is: below a long path it would not be let in.
    get_temp_dir()
    place = tmp_path / "thrown away"
    place.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(place))
    return place


def test_a_hospital_that_cannot_begin_is_missed_and_no_other_goes_on(tmp_path: Path) -> None:
    (tmp_path / "site-02").touch()

    with pytest.raises(HospitalLost, match="site-02"):
        live_apart(SCENARIO, tmp_path, in_silence)

    assert active_children() == []


def test_a_hospital_that_is_killed_is_missed_and_nothing_stays_of_any(thrown_away: Path) -> None:
    def kill_one(_done: int, _of: int) -> None:
        next(one for one in active_children() if one.name == "site-01").kill()

    with pytest.raises(HospitalLost, match="site-01"):
        live_apart(SCENARIO, None, kill_one)

    assert active_children() == []
    assert list(thrown_away.glob("followup-*")) == []


def test_what_is_kept_is_whole_and_nothing_of_the_last_time_is_held_against_it(tmp_path: Path) -> None:
    (tmp_path / "site-03").mkdir()
    (tmp_path / "site-03" / FILE_NAME).write_text("{}\n")

    account = live_apart(Scenario(patients=1, years=0.08, seed=3), tmp_path, in_silence)

    assert account.broken == {}
    assert [str(one.relative_to(tmp_path)) for one in tmp_path.rglob("*.sqlite*")] == ["site-03/simulation.sqlite"]


@pytest.fixture
def temporary() -> Iterator[Path]:
    """A folder for what is temporary, with a short name: a socket lies below it."""
    with TemporaryDirectory() as folder:
        yield Path(folder)


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Who is started in the background of a shell ignores Ctrl-C, and so would whoever is started from there."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def begun(where: Path) -> bool:
    """Whether the program is being read."""
    return any(where.glob("followup-*"))


def all_live(where: Path) -> bool:
    """Whether every hospital has its database."""
    return len(list(where.glob("followup-*/site-*/simulation.sqlite"))) == len(SITES)


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("when", [begun, all_live])
@pytest.mark.parametrize("told", [signal.SIGINT, signal.SIGTERM])
def test_whoever_asks_for_it_to_end_is_obeyed_by_all_told_no_more_than_that_and_left_nothing(
    temporary: Path, when: Callable[[Path], bool], told: signal.Signals
) -> None:
    words = [*COMMAND, "simulate", "--patients", "60", "--quiet"]
    where = bare_environment() | {"TMPDIR": str(temporary)}
    with subprocess.Popen(words, env=where, stderr=subprocess.PIPE, text=True, start_new_session=True) as simulation:
        deadline = time.monotonic() + SECONDS_TO_BEGIN
        while not when(temporary):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        if told is signal.SIGINT:
            # As a terminal does at Ctrl-C.
            os.killpg(simulation.pid, told)
        else:
            simulation.terminate()
        # Nobody says anything more, so none of them is left.
        _, said = simulation.communicate(timeout=SECONDS_TO_END)

    assert said.strip() == ""
    assert simulation.returncode == 128 + told
    assert not begun(temporary)
