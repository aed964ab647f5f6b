"""The set-up's own decisions; what it installs is tried by every run of the tests."""

import subprocess
import sys
from pathlib import Path

import pytest

import do

A_HOSPITAL_MIRROR = """\
:env:.index-url='https://mirror.example/simple'
global.cert='/etc/ssl/hospital.pem'
global.extra-index-url='https://one.example/simple https://two.example/simple'
global.index-url='https://old.example/simple'
install.find-links='/srv/wheels /srv/more'
list.format='columns'
"""


@pytest.mark.parametrize(("major", "minor"), [(2, 7), (3, 8), (3, 10)])
def test_an_old_python_is_refused_in_one_sentence_that_names_both_versions(major: int, minor: int) -> None:
    refusal = do.refuse_old_python(major, minor)

    assert "3.11" in refusal
    assert f"{major}.{minor}" in refusal
    assert "\n" not in refusal


@pytest.mark.parametrize(("major", "minor"), [(3, 11), (3, 14), (4, 0)])
def test_a_new_enough_python_is_not_refused(major: int, minor: int) -> None:
    assert do.refuse_old_python(major, minor) == ""


def test_uv_hears_of_the_mirror_and_certificate_that_pip_was_told_of() -> None:
    environment = do.uv_environment({}, do.read_pip_settings(A_HOSPITAL_MIRROR))

    assert environment["UV_DEFAULT_INDEX"] == "https://mirror.example/simple"
    assert environment["UV_INDEX"] == "https://one.example/simple https://two.example/simple"
    assert environment["UV_FIND_LINKS"] == "/srv/wheels,/srv/more"
    assert environment["SSL_CERT_FILE"] == "/etc/ssl/hospital.pem"


def test_what_uv_was_told_directly_outranks_what_pip_was_told() -> None:
    inherited = {"UV_DEFAULT_INDEX": "https://chosen.example/simple", "SSL_CERT_FILE": "/chosen.pem", "PATH": "/bin"}

    environment = do.uv_environment(inherited, do.read_pip_settings(A_HOSPITAL_MIRROR))

    assert environment.items() >= inherited.items()


def test_without_any_pip_settings_uv_keeps_its_own_index() -> None:
    environment = do.uv_environment({}, do.read_pip_settings(""))

    assert not {"UV_DEFAULT_INDEX", "UV_INDEX", "UV_FIND_LINKS", "UV_NO_INDEX", "SSL_CERT_FILE"} & environment.keys()


def test_extra_indexes_do_not_decide_which_hashes_are_locked() -> None:
    environment = do.lock_environment({}, do.read_pip_settings(A_HOSPITAL_MIRROR))

    assert environment["UV_DEFAULT_INDEX"] == "https://mirror.example/simple"
    assert not {"UV_INDEX", "UV_FIND_LINKS"} & environment.keys()


@pytest.mark.parametrize("changed", ["pyproject.toml", do.BUILD_LOCK, do.TEST_LOCK])
def test_a_change_of_any_pinned_thing_asks_for_a_new_installation(tmp_path: Path, changed: str) -> None:
    for name in ("pyproject.toml", do.BUILD_LOCK, do.RUN_LOCK, do.TEST_LOCK):
        (tmp_path / name).write_text("one")
    before = do.fingerprint(tmp_path, do.TEST_LOCK)

    (tmp_path / changed).write_text("another")

    assert do.fingerprint(tmp_path, do.TEST_LOCK) != before


def test_the_same_locks_ask_for_nothing(tmp_path: Path) -> None:
    for name in ("pyproject.toml", do.BUILD_LOCK, do.RUN_LOCK):
        (tmp_path / name).write_text("one")

    assert do.fingerprint(tmp_path, do.RUN_LOCK) == do.fingerprint(tmp_path, do.RUN_LOCK)


@pytest.mark.parametrize(
    "line", ["--index-url x", "-f wheels", "x @ file:///srv/x.whl", "# https://mirror.example", "/srv"]
)
def test_a_line_that_would_carry_one_machine_to_another_is_seen(line: str) -> None:
    assert do.foreign_lines(f"flask==3.1.3\n{line}\n") == [line]


@pytest.mark.parametrize("name", sorted(do.LOCKS))
def test_the_locks_pin_everything_by_hash_and_name_no_place(name: str) -> None:
    text = (do.ROOT / name).read_text(encoding="utf-8")
    requirements = [line for line in text.splitlines() if line and line[0].isalnum()]

    assert do.foreign_lines(text) == []
    assert requirements
    assert all("==" in line and line.endswith("\\") for line in requirements)


def test_the_tests_run_with_the_very_versions_that_patients_are_served_with() -> None:
    served = {line for line in (do.ROOT / do.RUN_LOCK).read_text().splitlines() if "==" in line}
    tested = {line for line in (do.ROOT / do.TEST_LOCK).read_text().splitlines() if "==" in line}

    assert served <= tested


@pytest.mark.parametrize("arguments", [["-n0"], ["-n", "4"], ["--pdb"], ["--numprocesses=3"]])
def test_the_caller_may_choose_the_number_of_processes(arguments: list[str]) -> None:
    assert do.workers(arguments) == []


def test_otherwise_the_tests_use_more_than_one_process_where_there_is_more_than_one_core() -> None:
    assert do.workers(["-k", "stop"])[0] == "-n"


def test_the_tests_keep_what_python_compiled_also_where_that_is_forbidden() -> None:
    inherited = {"PYTHONDONTWRITEBYTECODE": "1", "PATH": "/bin"}

    assert do.remembering(inherited) == {"PATH": "/bin"}
    assert inherited["PYTHONDONTWRITEBYTECODE"] == "1"


def test_our_modules_are_compiled_each_time_and_the_installed_ones_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "backend").mkdir()
    (tmp_path / "backend" / "ours.py").write_text("ONE = 1\n")
    commands: list[list[str]] = []
    monkeypatch.setattr(do, "ROOT", tmp_path)
    monkeypatch.setattr(do, "STAMP", tmp_path / "stamp.json")
    monkeypatch.setattr(do, "ROOMS", ("backend",))
    monkeypatch.setattr(do, "run_here", lambda command: commands.append(command))

    do.compile_python()
    (tmp_path / "backend" / "theirs.py").write_text("TWO = 2\n")
    do.compile_python()

    assert {path.name.partition(".")[0] for path in (tmp_path / "backend").rglob("*.pyc")} == {"ours", "theirs"}
    assert ["compileall" in command for command in commands] == [True]


def test_help_names_every_command_from_any_folder(tmp_path: Path) -> None:
    answer = subprocess.run(
        [sys.executable, do.ROOT / "do.py", "--help"], cwd=tmp_path, capture_output=True, text=True, check=True
    )

    assert all(f"\n  {name} " in answer.stdout for name in do.COMMANDS)


def test_an_environment_that_is_only_linked_here_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "kept").touch()
    link = tmp_path / ".venv"
    link.symlink_to(elsewhere)
    made: list[object] = []
    monkeypatch.setattr(do, "VENV", link)
    monkeypatch.setattr(do, "must", lambda command, _wrong: made.append(command[-1]))

    do.make_venv()

    assert made == [link]
    assert not link.is_symlink()
    assert (elsewhere / "kept").exists()
