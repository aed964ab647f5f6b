"""Answers and grades lie in a file; nobody else on the machine may read it."""

import os
from pathlib import Path

import pytest

from tests.processes import done, environment_for


@pytest.mark.skipif(os.name == "nt", reason="modes of files are POSIX's")
def test_what_the_command_makes_is_for_its_own_account_alone(tmp_path: Path) -> None:
    home = tmp_path / "home"
    environment = environment_for(f"sqlite:///{home / 'followup.sqlite'}", home)

    upgraded = done(environment, "db", "upgrade")

    assert upgraded.returncode == 0, upgraded.stderr
    made = [home, *home.iterdir()]
    assert len(made) > 1
    assert {path.name: oct(path.stat().st_mode & 0o077) for path in made} == {path.name: "0o0" for path in made}
