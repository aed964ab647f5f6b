"""Every entry gets one place in one chain, whoever seals and however many write meanwhile."""

import subprocess
import sys
import threading
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import literal_column, select

from backend import clock as the_clock
from backend.audit import AuditEvent, note
from backend.audit_seals import AuditChain, AuditSeal, Sealer, seal_some, unsealed_for
from backend.audit_text import SEALED_COLUMNS, entry_text
from backend.audit_verification import verify
from backend.db import Database, system
from backend.staff.models import Site
from tests.audit.trail import Vandal, entry_at, only_defect, rendered, sealed
from tests.people import site_row

HOSTILE = ["", "\U0001f9ec", '","', "null", "a\nb\r\t", "\\u0000 \\", "\u2028\x7f\x01", "x" * 5_000, "癌" * 99, "1:2|3"]


def note_at(db: Database, site: str = "site-01", times: int = 1) -> None:
    """Something that happened at a site."""
    with db.transaction(system("test")) as txn:
        for _ in range(times):
            note(txn, "site.visited", site_row(txn, site))


def stored_text(db: Database, entry_id: int) -> bytes:
    text = literal_column(entry_text("audit_event", is_sqlite=db.is_sqlite))
    with db.reading(system("test")) as txn:
        return bytes(txn.session.scalar(select(text).where(AuditEvent.id == entry_id)))


def test_every_column_of_an_entry_is_sealed():
    assert list(SEALED_COLUMNS) == [column.name for column in AuditEvent.__table__.columns]


def test_both_databases_give_an_entry_the_text_that_plain_python_gives_it(db):
    with db.transaction(system("test")) as txn:
        site = site_row(txn, "site-01")
        for old in [None, *HOSTILE]:
            entry = AuditEvent(
                at=txn.now + timedelta(microseconds=7),
                verb="a.verb",
                originator="site",
                actor_name=old or "",
                site_id=site.id,
                record_type="site",
                record_id=old or "x",
                old=old,
                new=f"{old}{old}",
                request_id="",
            )
            txn.session.add(entry)

    with db.reading(system("test")) as txn:
        entries = txn.session.scalars(select(AuditEvent).order_by(AuditEvent.id)).all()
        texts = {entry.id: rendered(entry) for entry in entries}
    assert len(set(texts.values())) == len(texts)
    assert {entry_id: stored_text(db, entry_id) for entry_id in texts} == texts


def test_a_chain_is_kept_for_each_site_and_one_for_the_study(db):
    assert sealed(db) > 0
    assert sealed(db) == 0

    with db.reading(system("test")) as txn:
        sites = {str(site_id) for site_id in txn.session.scalars(select(Site.id))}
        heads = {head.chain: head.seq for head in txn.session.scalars(select(AuditChain))}
        seals = Counter(txn.session.scalars(select(AuditSeal.chain)))
    assert heads == dict(seals)
    assert set(heads) == sites | {"study"}


def test_a_lower_number_that_is_committed_later_is_sealed_too(db):
    if db.is_sqlite:
        pytest.skip("SQLite has one writer: numbers are committed in order")
    sealer = Sealer(db)
    sealer.seal_waiting()
    with db.transaction(system("slow")) as slow:
        note(slow, "site.visited", site_row(slow, "site-01"))
        slow.session.flush()
        note_at(db)

        assert sealer.seal_waiting() == {"sealed": 1}

    assert sealer.seal_waiting() == {"sealed": 1}
    assert verify(db).is_sound


def test_a_tick_looks_only_at_what_has_not_settled_and_once_an_hour_at_everything(db, clock):
    sealer, numbers = Sealer(db), []
    sealer.seal_waiting()
    for minute in (0, 10, 20, 40):
        clock.move_to(f"2027-03-01T08:{minute:02}:00+08:00")
        note_at(db)
        numbers.append((sealer.seal_waiting()["sealed"], sealer._settled > 0))
    Vandal(db).run("DELETE FROM audit_seal WHERE chain = 'study' AND seq = 5")

    clock.move_to("2027-03-01T08:41:00+08:00")
    soon = sealer.seal_waiting()
    clock.move_to("2027-03-01T09:01:00+08:00")

    # SQLite's one writer leaves nothing unsettled behind.
    at_once = db.is_sqlite
    assert numbers == [(1, at_once), (1, at_once), (1, True), (1, True)]
    assert (soon, sealer.seal_waiting()) == ({"sealed": 0}, {"sealed": 1})


def test_whoever_finds_a_chain_held_leaves_it_to_the_one_who_holds_it(db):
    if db.is_sqlite:
        pytest.skip("SQLite has one writer: the second waits")
    sealed(db)
    note_at(db)
    note_at(db, "site-02")
    with db.transaction(system("first")) as first:
        assert seal_some(first, site_row(first, "site-01").id, 0, 10**6) == 1

        assert sealed(db) == 1

    assert sealed(db) == 0
    assert verify(db).is_sound


def test_a_head_moved_by_hand_stops_its_own_chain_and_no_other(db, caplog):
    sealed(db)
    Vandal(db).run("UPDATE audit_chain SET seq = seq - 1 WHERE chain <> 'study'")
    with db.transaction(system("test")) as txn:
        site = site_row(txn, "site-01")
        note(txn, "site.visited", site)
        txn.session.add(
            AuditEvent(
                at=txn.now,
                verb="x.y",
                originator="system",
                actor_name="",
                record_type="x",
                record_id="x",
                request_id="",
            )
        )

    assert sealed(db) == 1

    assert "cannot go on from its head" in caplog.text
    assert verify(db).unsealed == 1


def test_an_entry_is_late_after_a_minute_by_the_real_clock_whatever_a_demo_says(db, clock):
    sealed(db)
    clock.move_trial_time_to("2027-09-01T08:00:00+08:00")
    note_at(db)
    late = timedelta(minutes=1)
    with db.reading(system("test")) as txn:
        assert unsealed_for(txn, late) == []

    clock.move_to("2027-03-01T08:02:00+08:00")
    the_clock.set_ahead(timedelta(0))
    with db.reading(system("test")) as txn:
        assert unsealed_for(txn, late) == []
    note_at(db, "site-02")
    seal_one_site(db, "site-02")
    clock.move_to("2027-03-01T08:04:00+08:00")

    with db.reading(system("test")) as txn:
        (waiting,) = unsealed_for(txn, late)
        assert txn.session.get_one(AuditEvent, waiting).verb == "site.visited"
    assert not verify(db).is_sound


def seal_one_site(db: Database, code: str) -> None:
    with db.transaction(system("test")) as txn:
        assert seal_some(txn, site_row(txn, code).id, 0, 10**6)


def test_eight_writers_and_two_sealers_leave_no_fork_and_no_entry_twice(db):
    sealed(db)
    writing = [
        threading.Thread(target=lambda n=n: [note_at(db, f"site-0{n % 3 + 1}") for _ in range(12)]) for n in range(8)
    ]
    done = threading.Event()
    counts: list[int] = []

    def keep_sealing() -> None:
        sealer = Sealer(db)
        while not done.is_set():
            counts.append(sealer.seal_waiting()["sealed"])

    sealing = [threading.Thread(target=keep_sealing) for _ in range(2)]
    for thread in (*writing, *sealing):
        thread.start()
    for thread in writing:
        thread.join()
    done.set()
    for thread in sealing:
        thread.join()
    counts.append(sealed(db))

    verdict = verify(db)
    assert sum(counts) == 8 * 12
    assert (verdict.is_sound, verdict.unsealed) == (True, 0)


def test_a_sealer_in_a_process_of_its_own_and_one_here_share_the_work(db):
    sealed(db)
    command, here = [sys.executable, "-m", "tests.audit.process", db.url], 0
    root = Path(__file__).parents[2]
    others = [
        subprocess.Popen([*command, part], cwd=root, stdout=subprocess.PIPE, text=True) for part in ("seal", "write")
    ]
    while others[1].poll() is None:
        here += sealed(db)
    said = [(one.communicate(timeout=60)[0].strip(), one.returncode) for one in others]
    here += sealed(db)

    assert [code for _, code in said] == [0, 0]
    assert sum(int(count) for count, _ in said[:1]) + here == 30
    assert verify(db).is_sound


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_any_one_byte_changed_anywhere_in_an_entry_is_found(db):
    sealed(db)
    vandal = Vandal(db)
    names = [name for name, kind in SEALED_COLUMNS.items() if kind != "number"]

    @settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(st.integers(1, 60), st.sampled_from(names), st.integers(0, 10_000), st.integers(1, 255))
    def found(seq: int, name: str, place: int, flip: int) -> None:
        entry_id = entry_at(db, seq)
        before = vandal.read(f"SELECT CAST({name} AS BLOB) FROM audit_event WHERE id = :i", i=entry_id)
        changed = bytearray(before or b"\0")
        changed[place % len(changed)] ^= flip
        put = f"UPDATE audit_event SET {name} = CAST(:v AS TEXT) WHERE id = :i"
        vandal.run(put, v=bytes(changed), i=entry_id)

        assert only_defect(db).seq == seq
        vandal.run(put, v=before, i=entry_id)

    found()
    assert verify(db).is_sound


def test_more_entries_than_one_transaction_takes_are_sealed_in_one_go(db):
    note_at(db, times=2_500)

    assert sealed(db) > 2_500

    assert verify(db).is_sound
    assert verify(db).unsealed == 0
