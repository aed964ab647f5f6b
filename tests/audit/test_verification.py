"""Whoever can write to the database is found out: the first bad entry is named, and what was done to it."""

from datetime import timedelta
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import func, select

from backend import demo_clock
from backend.audit import AuditEvent
from backend.audit_checkpoints import FILE_NAME, write_checkpoints
from backend.audit_defects import Wrong
from backend.audit_seals import AuditSeal
from backend.audit_text import SEALED_COLUMNS, link
from backend.audit_verification import verify
from backend.cli import commands
from backend.db import system
from tests.audit.trail import CHAIN, Vandal, entry_at, length, only_defect, rendered, sealed

OTHER = {"at": "2026-01-01 00:00:00.000000", "actor_id": "f" * 32, "site_id": "f" * 32, "patient_id": "f" * 32}


@pytest.fixture
def vandal(db) -> Vandal:
    sealed(db)
    return Vandal(db)


def test_a_whole_trail_is_found_whole_by_one_process_and_by_several(db, tmp_path):
    assert sealed(db) > 60
    write_checkpoints(db, tmp_path)
    steps: list[Any] = []

    verdict = verify(db, checkpoints=tmp_path / FILE_NAME, processes=2, progress=lambda *step: steps.append(step))

    assert verdict.is_sound
    assert (verdict.chains, verdict.unsealed, steps[-1]) == (4, 0, (verdict.entries, verdict.entries))
    assert verify(db).is_sound


def test_one_character_changed_in_any_column_is_found_and_named(db, vandal):
    seqs = dict(zip([name for name in SEALED_COLUMNS if name != "id"], range(3, 20), strict=False))
    for name, seq in seqs.items():
        entry_id = entry_at(db, seq)
        of_it = f"FROM audit_event WHERE id = {entry_id}"
        before = vandal.read(f"SELECT {name} {of_it}")
        changed = OTHER.get(name) or ("x" if before is None else f"{before[:-1]}\t")
        vandal.run(f"UPDATE audit_event SET {name} = :v WHERE id = :i", v=changed, i=entry_id)

        defect = only_defect(db)
        vandal.run(f"UPDATE audit_event SET {name} = :v WHERE id = :i", v=before, i=entry_id)

        assert (name, defect.chain, defect.seq, defect.entry_id) == (name, CHAIN, seq, entry_id)
        assert defect.wrong is Wrong.ALTERED
    assert verify(db).is_sound


def test_a_value_taken_away_is_not_the_same_as_an_empty_one(db, vandal):
    entry_id = entry_at(db, 7)
    emptied = "" if vandal.read("SELECT old FROM audit_event WHERE id = :i", i=entry_id) is None else None

    vandal.run("UPDATE audit_event SET old = :v WHERE id = :i", v=emptied, i=entry_id)

    assert (only_defect(db).seq, only_defect(db).wrong) == (7, Wrong.ALTERED)


def test_a_changed_number_of_an_entry_leaves_its_place_empty(db, vandal):
    entry_id = entry_at(db, 7)

    vandal.run("UPDATE audit_event SET id = id + 100000 WHERE id = :i", i=entry_id)

    assert (only_defect(db).entry_id, only_defect(db).wrong) == (entry_id, Wrong.MISSING)


@pytest.mark.parametrize("seq", [1, 9, 0], ids=["first", "middle", "last"])
def test_a_changed_hash_is_told_from_a_changed_entry(db, vandal, seq):
    seq = seq or length(db)

    vandal.run("UPDATE audit_seal SET hash = :h WHERE chain = :c AND seq = :s", h="0" * 63 + "1", c=CHAIN, s=seq)

    assert (only_defect(db).seq, only_defect(db).entry_id) == (seq, entry_at(db, seq))
    assert "hash was changed" in str(only_defect(db))


def test_a_seal_dated_otherwise_is_found(db, vandal):
    vandal.run("UPDATE audit_seal SET sealed_at = '2026-01-01 00:00:00.000000' WHERE chain = 'study' AND seq = 5")

    assert only_defect(db).seq == 5


def test_a_deleted_entry_is_named(db, vandal):
    gone = entry_at(db, 12)

    vandal.run("DELETE FROM audit_event WHERE id = :i", i=gone)

    assert (only_defect(db).seq, only_defect(db).entry_id, only_defect(db).wrong) == (12, gone, Wrong.MISSING)


def test_an_entry_deleted_with_its_seal_leaves_a_hole_between_two_named_entries(db, vandal):
    before, gone, after = (entry_at(db, seq) for seq in (11, 12, 13))

    vandal.run("DELETE FROM audit_event WHERE id = :i", i=gone)
    vandal.run("DELETE FROM audit_seal WHERE entry_id = :i", i=gone)

    defect = only_defect(db)
    assert (defect.seq, defect.wrong) == (12, Wrong.MISSING)
    assert f"after entry {before} and before entry {after}" in str(defect)


def test_closing_the_numbers_up_after_a_deletion_does_not_hide_it(db, vandal):
    gone = entry_at(db, 12)
    vandal.run("DELETE FROM audit_event WHERE id = :i", i=gone)
    vandal.run("DELETE FROM audit_seal WHERE entry_id = :i", i=gone)

    vandal.renumber(12, by=-1)
    vandal.reset_head()

    defect = only_defect(db)
    assert (defect.seq, defect.wrong, defect.words[:40]) == (
        12,
        Wrong.MISSING,
        "of the sealed entries before this one, 1",
    )


@pytest.mark.parametrize("other", [11, 25], ids=["neighbours", "far apart"])
def test_the_content_of_two_entries_exchanged_is_found(db, vandal, other):
    one, two = entry_at(db, 10), entry_at(db, other)

    for name in SEALED_COLUMNS:
        if name != "id":
            vandal.swap("audit_event", name, one, two, key="id")

    defect = only_defect(db)
    assert (defect.seq, defect.entry_id, defect.wrong) == (10, one, Wrong.OUT_OF_ORDER)
    assert f"entry {two} at seq {other}" in str(defect)


@pytest.mark.parametrize("other", [11, 25], ids=["neighbours", "far apart"])
def test_the_places_of_two_seals_exchanged_are_found(db, vandal, other):
    move = "UPDATE audit_seal SET seq = :to WHERE chain = 'study' AND seq = :of"

    for of, to in ((10, 999), (other, 10), (999, other)):
        vandal.run(move, of=of, to=to)

    assert (only_defect(db).seq, only_defect(db).wrong) == (10, Wrong.OUT_OF_ORDER)


def test_the_entries_of_two_seals_exchanged_are_found(db, vandal):
    one, two = entry_at(db, 10), entry_at(db, 25)
    point = "UPDATE audit_seal SET entry_id = :to WHERE entry_id = :of"

    for of, to in ((one, -1), (two, one), (-1, two)):
        vandal.run(point, of=of, to=to)

    assert (only_defect(db).seq, only_defect(db).wrong) == (10, Wrong.OUT_OF_ORDER)


@pytest.mark.parametrize("proper", [True, False], ids=["with a fitting seal", "with any seal"])
def test_an_entry_put_in_with_a_seal_of_its_own_is_named(db, vandal, proper):
    forged = put_in(vandal, after=20, proper=proper)

    defect = only_defect(db)

    assert (defect.seq, defect.entry_id, defect.wrong) == (21, forged, Wrong.INSERTED)


def test_a_seal_before_the_first_place_is_found(db, vandal):
    vandal.run("UPDATE audit_event SET id = 900000 WHERE id = :i", i=entry_at(db, 1))
    vandal.run("UPDATE audit_seal SET seq = -3 WHERE chain = 'study' AND seq = 1")

    assert (only_defect(db).seq, only_defect(db).wrong) == (-3, Wrong.INSERTED)


def test_a_tail_cut_off_is_shown_by_the_head_that_was_left(db, vandal):
    cut_after(vandal, 40)

    assert (only_defect(db).seq, only_defect(db).wrong) == (41, Wrong.CUT)


def test_a_tail_cut_off_with_the_head_put_back_is_shown_by_the_checkpoints_alone(db, vandal, tmp_path):
    write_checkpoints(db, tmp_path)
    cut_after(vandal, 40)
    vandal.reset_head()

    defect = only_defect(db, tmp_path)

    assert verify(db).is_sound
    assert (defect.seq, defect.wrong) == (41, Wrong.CUT)
    assert "cut after seq 40: the checkpoint of 2027-03-01" in str(defect)


def test_a_chain_that_is_gone_altogether_is_shown_by_the_checkpoints(db, vandal, tmp_path):
    write_checkpoints(db, tmp_path)
    cut_after(vandal, 0)
    vandal.run("DELETE FROM audit_chain WHERE chain = 'study'")

    assert (only_defect(db, tmp_path).chain, only_defect(db, tmp_path).wrong) == (CHAIN, Wrong.CUT)


def test_a_chain_written_anew_is_shown_by_the_checkpoints_alone(db, vandal, tmp_path):
    write_checkpoints(db, tmp_path)
    vandal.run("UPDATE audit_event SET verb = 'nothing.happened' WHERE id = :i", i=entry_at(db, 30))
    cut_after(vandal, 0, entries=False)
    vandal.run("UPDATE audit_chain SET seq = 0, hash = :h WHERE chain = 'study'", h="0" * 64)
    sealed(db)

    defect = only_defect(db, tmp_path)

    assert verify(db).is_sound
    assert (defect.chain, defect.wrong) == (CHAIN, Wrong.REWRITTEN)
    assert "since the checkpoint of 2027-03-01" in str(defect)


def test_a_forged_line_among_the_checkpoints_is_named(db, vandal, tmp_path):
    write_checkpoints(db, tmp_path)
    file = tmp_path / FILE_NAME
    first, second, *rest = file.read_text().splitlines(keepends=True)
    file.write_text("".join([first, second.replace('"seq":', '"seq":1'), *rest]))

    defect = only_defect(db, tmp_path)

    assert (defect.wrong, "line 2" in str(defect)) == (Wrong.FORGED, True)


def test_a_head_that_was_changed_is_found(db, vandal):
    vandal.run("UPDATE audit_chain SET hash = :h WHERE chain = 'study'", h="1" * 64)
    assert only_defect(db).wrong is Wrong.ALTERED

    vandal.run("UPDATE audit_chain SET seq = seq - 1 WHERE chain = 'study'")
    assert only_defect(db).wrong is Wrong.INSERTED


def test_what_is_no_text_any_more_is_an_altered_entry_and_not_a_crash(db, vandal):
    if not db.is_sqlite:
        pytest.skip("PostgreSQL keeps only text in a text")
    for seq, harm in ((8, "CAST(verb AS BLOB)"), (6, "CAST(x'ff41' AS TEXT)"), (4, "verb || char(0) || 'x'")):
        vandal.run(f"UPDATE audit_event SET verb = {harm} WHERE id = {entry_at(db, seq)}")

        assert (only_defect(db).seq, only_defect(db).wrong) == (seq, Wrong.ALTERED)


ROW = {"verb": "x.y", "originator": "system", "actor_name": "", "record_type": "x", "record_id": "x", "request_id": ""}


@pytest.mark.parametrize("minutes", [15, 16])
def test_an_entry_put_into_the_past_and_sealed_in_good_faith_is_named(db, vandal, environment, minutes):
    with db.transaction(system("test")) as txn:
        txn.session.add(AuditEvent(at=txn.now, **ROW))
    sealed(db)
    with db.transaction(system("vandal")) as txn:
        forged = AuditEvent(at=txn.now - timedelta(minutes=minutes), **ROW)
        txn.session.add(forged)
        txn.session.flush()
        named = [forged.id] if minutes > 15 else []
    sealed(db)

    verdict = verify(db)
    said = CliRunner().invoke(commands, ["audit", "verify"], env=environment)

    assert (list(verdict.backdated), verdict.defects, verdict.is_sound) == (named, (), not named)
    assert said.exit_code == len(named)
    assert "the trail is whole" in said.stdout or f"sealed earlier: {named[0]} (put in later" in said.stdout


def test_an_entry_put_into_a_gap_of_the_numbers_is_named_too(db, vandal):
    gap = 10_000
    with db.transaction(system("test")) as txn:
        txn.session.add(AuditEvent(id=gap + 1, at=txn.now, **ROW))
    sealed(db)
    with db.transaction(system("vandal")) as txn:
        txn.session.add(AuditEvent(id=gap, at=txn.now - timedelta(hours=1), **ROW))
    sealed(db)

    assert verify(db).backdated == (gap,)


def test_a_time_that_is_no_time_hides_nothing_after_it(db, vandal):
    if not db.is_sqlite:
        pytest.skip("PostgreSQL keeps only times in a time")
    with db.transaction(system("vandal")) as txn:
        txn.session.add_all([AuditEvent(at=txn.now, **ROW), AuditEvent(at=txn.now, **ROW)])
        txn.session.flush()
        last = txn.session.scalar(select(func.max(AuditEvent.id)))
    vandal.run("UPDATE audit_event SET at = 'zzz' WHERE id = :i", i=last - 1)
    sealed(db)

    assert verify(db).backdated == (last,)


def test_a_demo_whose_clock_is_moved_while_others_work_is_sound(db, clock):
    with db.transaction(system("test")) as txn:
        demo_clock.keep(txn)
        txn.session.add_all([AuditEvent(at=txn.now + timedelta(days=7), **ROW), AuditEvent(at=txn.now, **ROW)])
    sealed(db)

    assert verify(db).is_sound


def cut_after(vandal: Vandal, seq: int, *, entries: bool = True) -> None:
    """Take the end of the chain away."""
    if entries:
        those = "SELECT entry_id FROM audit_seal WHERE chain = 'study' AND seq > :s"
        vandal.run(f"DELETE FROM audit_event WHERE id IN ({those})", s=seq)
    vandal.run("DELETE FROM audit_seal WHERE chain = 'study' AND seq > :s", s=seq)


def put_in(vandal: Vandal, *, after: int, proper: bool) -> int:
    """An entry that never was, sealed behind the one at ``after``; says its id."""
    like, forged = entry_at(vandal.db, after), 900_000
    columns = ", ".join(name for name in SEALED_COLUMNS if name != "id")
    vandal.run(
        f"INSERT INTO audit_event (id, {columns}) SELECT :f, {columns} FROM audit_event WHERE id = :i", f=forged, i=like
    )
    vandal.renumber(after, by=1)
    stored = "0" * 64
    if proper:
        stored = fitting_hash(vandal, after, forged)
    vandal.run(
        "INSERT INTO audit_seal (chain, seq, entry_id, sealed_at, hash) "
        "SELECT chain, seq + 1, :f, sealed_at, :h FROM audit_seal WHERE chain = 'study' AND seq = :s",
        f=forged,
        h=stored,
        s=after,
    )
    vandal.reset_head()
    return forged


def fitting_hash(vandal: Vandal, after: int, forged: int) -> str:
    """What our own code would have sealed it with."""
    with vandal.db.reading(system("vandal")) as txn:
        seal, entry = txn.session.get_one(AuditSeal, (CHAIN, after)), txn.session.get_one(AuditEvent, forged)
        at = f"{seal.sealed_at:%Y-%m-%d %H:%M:%S.%f}".encode()
        return link(seal.hash.encode(), after + 1, CHAIN.encode(), at, rendered(entry))
