#!/usr/bin/env python3
"""The two commands of this project, `demo` and `test`, and the few that serve them.

Only the standard library is used here, because nothing else is installed when this file first runs.
"""

import argparse
import ast
import compileall
import hashlib
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path


def refuse_old_python(major: int, minor: int) -> str:
    """One sentence for a person whose Python is too old, or nothing."""
    if (major, minor) >= (3, 11):
        return ""
    return f"This project needs Python 3.11 or newer, and this is Python {major}.{minor}: run do.py with a newer one."


# Asked before anything below is read: an old Python would stumble over the annotations and explain nothing.
if __name__ == "__main__" and refuse_old_python(*sys.version_info[:2]):
    sys.exit(refuse_old_python(*sys.version_info[:2]))

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
EXE = ".exe" if os.name == "nt" else ""
PIP_INSTALL = [str(BIN / f"python{EXE}"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
STAMP = VENV / "followup-installed.json"
BUILD_LOCK, RUN_LOCK, TEST_LOCK = "requirements-build.lock", "requirements.lock", "requirements-test.lock"
# What each lock is made from; the later ones are held to the versions the earlier ones chose.
LOCKS = {
    BUILD_LOCK: ["--group", "build"],
    RUN_LOCK: ["pyproject.toml"],
    TEST_LOCK: ["pyproject.toml", "--group", "test", "--constraints", RUN_LOCK],
}
ROOMS = ("backend", "notifications", "schemas", "seeds", "tests")
CHECKS = {
    "ruff check": ["ruff", "check", "."],
    "ruff format": ["ruff", "format", "--check", "."],
    "mypy --strict": ["mypy"],
    "lint-imports": ["lint-imports", "--no-logo"],
}
LOOK_FOR_POSTGRES = "import sys; from tests.postgres import find_binaries; sys.exit(find_binaries() is None)"


def main() -> int:
    options, rest = read_command_line(sys.argv[1:])
    try:
        return int(COMMANDS[options.command](rest))
    except StepFailed as failure:
        print(f"do.py: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def read_command_line(arguments: Sequence[str]) -> tuple[argparse.Namespace, list[str]]:
    """The command's name is ours; whatever follows it belongs to the command."""
    summaries = "\n".join(f"  {name:12} {command.__doc__}" for name, command in COMMANDS.items())
    parser = argparse.ArgumentParser(
        prog="do.py",
        description="Sets up what is missing in .venv, then runs one command.",
        epilog=f"commands:\n{summaries}\n\nWhat follows a command is passed on: do.py demo --help, do.py test -k stop",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("command", choices=COMMANDS, metavar="command", help="one of those below")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, help="passed on to it")
    options = parser.parse_args(arguments)
    return options, options.arguments


# The commands


def demo(arguments: Sequence[str]) -> int:
    """A study with invented patients and simulated phones, on this machine alone."""
    prepare(RUN_LOCK)
    return run_here([tool("followup"), "demo", *arguments])


def test(arguments: Sequence[str]) -> int:
    """The checks of `lint`, then the tests; arguments go to pytest."""
    if lint([]):
        return 1
    if run_here([tool("python"), "-c", LOOK_FOR_POSTGRES]):
        say("PostgreSQL is not to be had here, so the tests that need it are skipped (see tests/postgres.py).")
    # pytest's closing line must stay the last thing on the screen, so nothing is printed after this.
    return run_here([tool("pytest"), *workers(arguments), *arguments], remembering(os.environ))


def lint(_arguments: Sequence[str]) -> int:
    """Style, types and who may import whom; prints only what is wrong."""
    prepare(TEST_LOCK)
    running = {name: start_quietly([tool(words[0]), *words[1:]]) for name, words in CHECKS.items()}
    said = {name: (process.communicate()[0], process.returncode) for name, process in running.items()}
    wrong = [name for name, (_, code) in said.items() if code]
    for name in wrong:
        print(f"--- {name} ---\n{said[name][0].rstrip()}", flush=True)
    print(f"lint: {'wrong: ' + ', '.join(wrong) if wrong else 'nothing wrong'} ({', '.join(CHECKS)})", flush=True)
    return 1 if wrong else 0


# The long forms, each a module of the tests: its name, and what it is for.
LONG_FORMS = {
    "bench": ("tests.bench", "Speeds, measured on this machine: do.py bench audit."),
    "fuzz": ("tests.fuzz", "Thousands of made-up requests against a running server; takes minutes."),
    "ledger": (
        "tests.ledger",
        "Kill workers at random, then hold what the provider got against our rows; minutes.",
    ),
    "phrases": ("tests.free_text", "How well patients' own words are understood, over the labelled phrases."),
    "texts": ("tests.texts", "Thousands of made-up texts, read and kept: none may be lost; takes minutes."),
    "year-by-text": ("tests.stories.by_text", "A year by text message, three times the same though texts get lost."),
}


def long_form(module: str, summary: str) -> Callable[[Sequence[str]], int]:
    """The command that runs it; arguments go to the module."""

    def run(arguments: Sequence[str]) -> int:
        prepare(TEST_LOCK)
        return run_here([tool("python"), "-m", module, *arguments])

    run.__doc__ = summary
    return run


def lock(arguments: Sequence[str]) -> int:
    """Write requirements*.lock anew from pyproject.toml; --upgrade takes newer versions."""
    make_venv()
    if not tool("uv").exists():
        bootstrap()
    environment = lock_environment(os.environ, pip_settings())
    for name, sources in LOCKS.items():
        say(f"Locking {name} ...")
        options = ["--universal", "--generate-hashes", "--no-emit-index-url", "--no-emit-find-links", "--no-header"]
        command = [str(tool("uv")), "pip", "compile", "--quiet", *options, *sources, "-o", name, *arguments]
        must(command, f"{name} could not be made", environment)
        for line in foreign_lines((ROOT / name).read_text(encoding="utf-8")):
            raise StepFailed(f"{name} names an address or a path and must not be kept: {line}")
    return 0


COMMANDS: dict[str, Callable[[Sequence[str]], int]] = {
    "demo": demo,
    "test": test,
    "lint": lint,
    **{name: long_form(*about) for name, about in LONG_FORMS.items()},
    "lock": lock,
}


def workers(arguments: Sequence[str]) -> list[str]:
    """Tests run on every core (eight at most) and one process more, unless the caller says how many.

    Some tests wait, for processes they start or for a database; meanwhile another runs. Each process begins with a
    stretch of its own, so that what a module prepares for all of its tests is prepared once, and takes from the
    others' ends when it is done.
    """
    if any(word.startswith(("-n", "--numprocesses", "--pdb")) for word in arguments):
        return []
    return ["-n", str(min(os.cpu_count() or 1, 8) + 1), "--dist", "worksteal"]


def remembering(inherited: Mapping[str, str]) -> dict[str, str]:
    """Python may keep what it compiles of the tests: where it may not, each start reads all of them anew."""
    return {name: value for name, value in inherited.items() if name != "PYTHONDONTWRITEBYTECODE"}


def foreign_lines(text: str) -> list[str]:
    """Lines of a lock that would carry this machine's index or paths to another one."""
    return [line for line in text.splitlines() if re.search(r"file:|https?://|^\s*-(?!-hash=)|(^|\s)/\w", line)]


# Setting up


def prepare(lock_file: str) -> None:
    """Bring .venv to what the locks say, or see at a glance that it already is."""
    make_venv()
    wanted = fingerprint(ROOT, lock_file)
    stamped = read_stamp()
    # The test lock holds everything the run lock holds, so a demo after the tests has nothing to install.
    if wanted not in (stamped.get(lock_file), stamped.get(f"covers {lock_file}")):
        install(lock_file)
        stamped.pop("compiled", None)
        stamped |= {"root": str(ROOT), lock_file: wanted}
        if lock_file == TEST_LOCK:
            stamped[f"covers {RUN_LOCK}"] = fingerprint(ROOT, RUN_LOCK)
        write_stamp(stamped)
    compile_catalogues()
    compile_python()


def fingerprint(root: Path, lock_file: str) -> str:
    """Changes when what should be installed changes: a lock, the project's own declaration, the Python."""
    digest = hashlib.sha256(".".join(map(str, sys.version_info[:2])).encode())
    for name in ("pyproject.toml", BUILD_LOCK, lock_file):
        digest.update((root / name).read_bytes())
    return digest.hexdigest()


def read_stamp() -> dict[str, str]:
    try:
        return dict(json.loads(STAMP.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return {}


def write_stamp(stamped: Mapping[str, str]) -> None:
    STAMP.write_text(json.dumps(stamped, indent=2) + "\n", encoding="utf-8")


def make_venv() -> None:
    if usable(VENV):
        return
    if VENV.is_symlink():
        # It leads to somebody else's, which is not ours to clear away.
        VENV.unlink()
    say(f"Making .venv with Python {sys.version_info[0]}.{sys.version_info[1]} ...")
    remedy = "install what `venv` needs first (on Debian and Ubuntu: apt install python3-venv python3-pip)"
    # A .venv of an older Python, or of a folder since moved, has scripts that point nowhere.
    must([sys.executable, "-m", "venv", "--clear", VENV], f"`python -m venv` failed: {remedy}")


def usable(venv: Path) -> bool:
    """A .venv made here, whole, by this version of Python."""
    try:
        text = (venv / "pyvenv.cfg").read_text(encoding="utf-8")
    except OSError:
        return False
    made_by = re.search(r"^version\s*=\s*(\d+)\.(\d+)", text, re.MULTILINE)
    here = read_stamp().get("root", str(ROOT)) == str(ROOT)
    same = made_by is not None and made_by.groups() == tuple(map(str, sys.version_info[:2]))
    return here and same and tool("python").exists() and tool("pip").exists()


def install(lock_file: str) -> None:
    began = time.monotonic()
    settings = pip_settings()
    bootstrap()
    say(f"Installing {lock_file} (a minute or so the first time) ...")
    install_locked(lock_file, uv_environment(os.environ, settings))
    say("Installing the project itself ...")
    editable = ["--no-deps", "--no-build-isolation", "--editable", "."]
    must([*PIP_INSTALL, *editable], "the project could not be installed")
    say(f"Ready after {time.monotonic() - began:.0f} s.")


def bootstrap() -> None:
    """The installer and the builder come through pip, which knows this machine's mirrors and certificates."""
    say("Fetching the installer ...")
    must(
        [*PIP_INSTALL, "--require-hashes", "-r", BUILD_LOCK],
        f"pip could not install {BUILD_LOCK}: is a package index reachable from here?",
    )


def install_locked(lock_file: str, environment: Mapping[str, str]) -> None:
    locked = ["--require-hashes", "-r", lock_file]
    with_uv = [str(tool("uv")), "pip", "install", "--quiet", "--python", str(tool("python")), *locked]
    if run_here(with_uv, environment) == 0:
        return
    # Hospital mirrors may speak to pip alone (a client certificate, a keyring), so uv failing is not the end.
    say("uv could not; trying pip, which is slower ...")
    must([*PIP_INSTALL, *locked], f"neither uv nor pip could install {lock_file}")


def compile_catalogues() -> None:
    """The interface's words: compiled catalogues are not committed, and are made anew when older than their source."""
    locales = ROOT / "backend" / "web" / "locales"
    sources = list(locales.glob("*/LC_MESSAGES/*.po"))
    if any(stale(source, source.with_suffix(".mo")) for source in sources):
        say("Compiling the interface's languages ...")
        must([tool("pybabel"), "--quiet", "compile", "-d", locales], "a catalogue does not compile")


def compile_python() -> None:
    """Our own modules each time they have changed, the installed ones once.

    uv leaves that to the first import, and a container that forbids writing bytecode never comes to it: a process
    then takes three seconds to start instead of one, and the tests start more than a hundred.
    """
    for room in ROOMS:
        compileall.compile_dir(ROOT / room, quiet=2)
    stamped = read_stamp()
    if "compiled" not in stamped:
        library = VENV / ("Lib" if os.name == "nt" else "lib")
        # What does not compile is some library's template; whoever imports it says so.
        run_here([tool("python"), "-W", "ignore", "-m", "compileall", "-qq", "-j", "0", library])
        write_stamp(stamped | {"compiled": "yes"})


def stale(source: Path, made: Path) -> bool:
    return not made.exists() or made.stat().st_mtime < source.stat().st_mtime


# Package indexes: pip may be configured for a mirror, and uv does not read pip's files


def pip_settings() -> dict[str, str]:
    """What pip is told on this machine, by name without its section; the more particular section wins."""
    listed = subprocess.run(
        [tool("python"), "-m", "pip", "config", "list"], capture_output=True, text=True, check=False
    ).stdout
    return read_pip_settings(listed)


def read_pip_settings(listed: str) -> dict[str, str]:
    """`pip config list` prints section.name='value', the value as Python would write it."""
    precedence = {"global": 0, "install": 1, ":env:": 2}
    found = []
    for section, name, value in re.findall(r"^(\S+)\.([\w-]+)=(.+)$", listed, re.MULTILINE):
        if section in precedence:
            found.append((precedence[section], name, str(ast.literal_eval(value))))
    return {name: value for _, name, value in sorted(found)}


def uv_environment(inherited: Mapping[str, str], settings: Mapping[str, str]) -> dict[str, str]:
    """The same places and certificates for uv as pip has; what the caller already told uv stands."""
    handed_on = lock_environment({}, settings)
    if settings.get("extra-index-url"):
        handed_on["UV_INDEX"] = settings["extra-index-url"]
        # pip takes a package from whichever index has the locked version; hashes make that safe for uv too.
        handed_on["UV_INDEX_STRATEGY"] = "unsafe-best-match"
    if settings.get("find-links"):
        handed_on["UV_FIND_LINKS"] = ",".join(settings["find-links"].split())
    if settings.get("no-index", "").lower() in {"1", "true", "yes"}:
        handed_on["UV_NO_INDEX"] = "1"
    return {**handed_on, **inherited}


def lock_environment(inherited: Mapping[str, str], settings: Mapping[str, str]) -> dict[str, str]:
    """For locking only the main index counts: an extra one may hold a single build, and so too few hashes."""
    handed_on = {"UV_NO_PROGRESS": "1", "UV_LINK_MODE": "copy"}
    for name, variable in (("index-url", "UV_DEFAULT_INDEX"), ("cert", "SSL_CERT_FILE")):
        if settings.get(name):
            handed_on[variable] = settings[name]
    return {**handed_on, **inherited}


# Running things


def tool(name: str) -> Path:
    return BIN / f"{name}{EXE}"


class StepFailed(Exception):
    """A step of the set-up did not work; the message says which, in words for whoever ran it."""


def say(line: str) -> None:
    print(line, flush=True)


def must(command: Sequence[str | Path], otherwise: str, environment: Mapping[str, str] | None = None) -> None:
    if run_here(command, environment):
        raise StepFailed(otherwise)


def run_here(command: Sequence[str | Path], environment: Mapping[str, str] | None = None) -> int:
    """Run in the project's folder, whatever folder do.py was called from."""
    try:
        return subprocess.run([str(word) for word in command], cwd=ROOT, env=environment, check=False).returncode
    except FileNotFoundError:
        raise StepFailed(f"{command[0]} is missing: remove .venv and try again") from None


def start_quietly(command: Sequence[str | Path]) -> "subprocess.Popen[str]":
    words = [str(word) for word in command]
    return subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


if __name__ == "__main__":
    sys.exit(main())
