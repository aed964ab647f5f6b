"""Hospitals that are lived through in processes of their own: what becomes of them when something ends early."""

import os
import signal
import subprocess
import time
from multiprocessing import active_children
from pathlib import Path

import pytest

from backend.audit_checkpoints import FILE_NAME
from backend.simulation.assumptions import SITES
from backend.simulation.hospitals import HospitalLost, live_apart
from backend.simulation.lives import Scenario, in_silence
from tests.processes import COMMAND, bare_environment

SCENARIO = Scenario(patients=9, years=0.3, seed=3)
SECONDS_TO_BEGIN, SECONDS_TO_END = 120, 30
INTERRUPTED = 128 + signal.SIGINT


@pytest.fixture
def thrown_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where that is kept which nobody keeps."""
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


def test_whoever_asks_for_it_to_end_is_obeyed_by_all_and_told_no_more_than_that(tmp_path: Path) -> None:
    words = [*COMMAND, "simulate", "--patients", "60", "--quiet", "--keep", str(tmp_path)]
    with subprocess.Popen(
        words, env=bare_environment(), stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as simulation:
        _wait_for([tmp_path / site / "simulation.sqlite" for site in SITES])
        # As a terminal does at Ctrl-C.
        os.killpg(simulation.pid, signal.SIGINT)
        # Nobody says anything more, so none of them is left.
        _, said = simulation.communicate(timeout=SECONDS_TO_END)

    assert said.strip() == ""
    assert simulation.returncode == INTERRUPTED


def _wait_for(files: list[Path]) -> None:
    deadline = time.monotonic() + SECONDS_TO_BEGIN
    while not all(file.exists() for file in files):
        assert time.monotonic() < deadline
        time.sleep(0.05)
