"""Commands about keys: which are in use, a new one in the place of an old one, and who was forgotten."""

import click

from backend import key_rotation
from backend.cli.operator import OPERATOR, fit_database, progress_bar
from backend.db import Transaction
from backend.migrations import refuse_other_schema
from backend.patients.forgetting import forgotten_since
from backend.sealing import accept_secret_key, keyring_of, master_keys_in_use


@click.group()
def keys() -> None:
    """The keys that seal identifiers, and the secret that signs people in."""


@keys.command("rotate")
def rotate_keys() -> None:
    """Wrap every data key with the newest master key; no sealed value is touched.

    In this order: (1) put the new key in front of the old one in FOLLOWUP_DATA_KEYS ("new,old") of every process,
    here too; (2) restart them; (3) run this, at any time of day, as often as you like; (4) when it says so, take the
    old key out, and restart once more. Keep the old key as long as you keep backups from its time.
    """
    with fit_database() as db, progress_bar("Wrapping data keys anew") as progress:
        rotated = key_rotation.rotate(db, progress)
    _say(_told(rotated))
    if rotated.still_needed:
        raise click.exceptions.Exit(1)


@keys.command("list")
@click.option("--forgotten", is_flag=True, help="Who was forgotten, and since when (UTC).")
def list_keys(forgotten: bool) -> None:
    """Show how many data keys each master key wraps. Names of keys are short fingerprints and reveal nothing."""
    with fit_database(refuse=refuse_other_schema) as db, db.reading(OPERATOR) as txn:
        lines = _forgotten(txn) if forgotten else _in_use(txn)
    _say(lines)


@keys.command("accept-secret")
def accept_secret() -> None:
    """Go on with the FOLLOWUP_SECRET_KEY configured now, in place of the one this database was used with.

    Everybody signs in anew, and codes given out and not used yet are dead. A report that a phone sends a second
    time across the change is refused (report_id_taken): it is kept already.
    """
    with fit_database(refuse=refuse_other_schema) as db, db.transaction(OPERATOR) as txn:
        is_new = accept_secret_key(txn)
    _say(["accepted; everybody signs in anew" if is_new else "this secret key was accepted before"])


def _told(rotated: key_rotation.Rotated) -> list[str]:
    counts = f"wrapped anew {rotated.rewrapped}  already {rotated.already}  forgotten {rotated.forgotten}"
    lines = [f"{counts}  newest key {rotated.newest}"]
    if rotated.unopened:
        lines.append(f"{rotated.unopened} could not be opened with the key they name; treat that as tampering")
    for name, number in rotated.still_needed.items():
        lines.append(f"the key {name} is still needed by {number}; run this again")
    if not rotated.still_needed:
        lines.append("every other key may be taken out of FOLLOWUP_DATA_KEYS now")
    return lines


def _in_use(txn: Transaction) -> list[str]:
    keyring, in_use = keyring_of(txn), master_keys_in_use(txn)
    lines = []
    for name in dict.fromkeys((*keyring.names, *in_use)):
        standing = "newest" if name == keyring.newest else "configured" if name in keyring.names else "MISSING"
        lines.append(f"{name}  {standing}  wraps {in_use.get(name, 0)}")
    return lines


def _forgotten(txn: Transaction) -> list[str]:
    return [f"{number}  since {at.isoformat(timespec='seconds')}" for number, at in forgotten_since(txn)]


def _say(lines: list[str]) -> None:
    for line in lines:
        click.echo(line)
