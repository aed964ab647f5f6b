"""The file a backup is: a zip with one member of JSON lines a table, and a manifest that vouches for each.

The manifest carries rows and SHA-256 of every member, and is itself signed with a key of the server's, so that
a damaged, shortened or altered backup is refused before anything is written. The rows are as the database holds
them: identifiers stay sealed, and the keys are not in it.
"""

import hashlib
import hmac
import io
import json
import os
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from backend import clock
from backend.db import canonical_json
from backend.errors import BadBackup
from backend.sealing import Keyring

FORMAT = 1
MANIFEST, SIGNATURE = "manifest.json", "manifest.signature"
PURPOSE = "backup manifest"
BLOCK = 1 << 20


class Writer:
    """Writes members one after another, never holding more than a block of any."""

    def __init__(self, file: zipfile.ZipFile) -> None:
        """``file`` is open for writing."""
        self._file = file
        self._members: dict[str, dict[str, Any]] = {}

    def add_lines(self, name: str, lines: Iterable[str]) -> None:
        """One member of text lines; none of them holds a line break."""
        digest, count = hashlib.sha256(), 0
        with self._file.open(name, "w", force_zip64=True) as member:
            for line in lines:
                raw = f"{line}\n".encode()
                digest.update(raw)
                member.write(raw)
                count += 1
        self._members[name] = {"lines": count, "sha256": digest.hexdigest()}

    def close_with(self, said: Mapping[str, Any], keyring: Keyring) -> dict[str, Any]:
        """The manifest: what is ``said`` of the whole, and of each member. Gives it back."""
        manifest = {**said, "format": FORMAT, "members": self._members}
        text = canonical_json(manifest)
        self._file.writestr(MANIFEST, text)
        self._file.writestr(SIGNATURE, keyring.fingerprint(PURPOSE, text))
        return manifest


@contextmanager
def appearing_whole(place: Path) -> Iterator[Writer]:
    """A new archive that bears its name only once it is complete and on the disk; for its owner's eyes only."""
    draft = place.with_name(f".{place.name}.{os.getpid()}.partial")
    # A name that is taken is never written over: the old backup may be the better one.
    if place.exists():
        raise BadBackup(f"{place} exists already; choose another name.")
    try:
        with os.fdopen(os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "w+b") as raw:
            with zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as file:
                yield Writer(file)
            raw.flush()
            os.fsync(raw.fileno())
        os.link(draft, place)
    finally:
        draft.unlink(missing_ok=True)
    keep_folder(place.parent)


def stamp() -> str:
    """This moment in a file's name, so that names sort as they were made."""
    return f"{clock.wall():%Y%m%dT%H%M%SZ}"


def keep_folder(folder: Path) -> None:
    """Make the names in a folder survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class Archive:
    """A backup that has been checked: its manifest is ours, and every member is what the manifest says."""

    def __init__(self, file: zipfile.ZipFile, manifest: dict[str, Any]) -> None:
        """Made by ``opened``."""
        self._file = file
        self.manifest = manifest

    def lines(self, name: str) -> Iterator[str]:
        """A member's lines; none when there is no such member."""
        if name not in self.manifest["members"]:
            return
        with self._file.open(name) as member:
            for line in io.TextIOWrapper(member, encoding="utf-8", newline="\n"):
                yield line.rstrip("\n")


@contextmanager
def opened(place: Path, keyring: Keyring) -> Iterator[Archive]:
    """The backup at ``place``. Raises ``BadBackup`` when it is not one, is damaged, or was made with other keys."""
    try:
        with zipfile.ZipFile(place) as file:
            manifest = _manifest(file, keyring)
            for name, said in manifest["members"].items():
                _check(file, name, said["sha256"])
            yield Archive(file, manifest)
    except (zipfile.BadZipFile, KeyError, EOFError, NotImplementedError) as wrong:
        raise BadBackup(f"{place.name} is damaged or is no backup.") from wrong


def _manifest(file: zipfile.ZipFile, keyring: Keyring) -> dict[str, Any]:
    text, signature = file.read(MANIFEST), file.read(SIGNATURE)
    if not hmac.compare_digest(keyring.fingerprint(PURPOSE, text.decode(errors="replace")).encode(), signature):
        raise BadBackup("It was altered, or made with another FOLLOWUP_SECRET_KEY.")
    manifest = cast(dict[str, Any], json.loads(text))
    if manifest["format"] != FORMAT:
        raise BadBackup("A newer version of this program made it; restore it with that version.")
    return manifest


def _check(file: zipfile.ZipFile, name: str, expected: str) -> None:
    digest = hashlib.sha256()
    # A flipped bit shows as wrong data, or as a stream that cannot be unpacked.
    try:
        with file.open(name) as member:
            while block := member.read(BLOCK):
                digest.update(block)
    except (zipfile.BadZipFile, OSError, ValueError, zlib.error) as damaged:
        raise BadBackup(f"{name} in it is damaged.") from damaged
    if digest.hexdigest() != expected:
        raise BadBackup(f"{name} in it is not what it was.")
