"""The benchmark of the queue works, in its short form; how fast this machine is, is not asked here."""

import pytest
from sqlalchemy import func, select

from backend.triage.models import CandidateEvent
from tests.bench.audit import a_database
from tests.bench.queue import BENCH, MADE, PLACES, Seconds, bench_queue, deep_places, fill, page, views
from tests.databases import KINDS

ROWS = 2 * MADE


@pytest.mark.parametrize("kind", KINDS)
def test_the_short_form_measures_the_queue_of_all_sites_and_of_one(kind, capsys):
    bench_queue(["--rows", str(ROWS), "--samples", "5", "--database", kind, "--no-gate"])

    made, *figures = capsys.readouterr().out.splitlines()
    assert made.startswith(f"{kind}: {ROWS:,} candidates made in")
    assert [line.split(":")[0] for line in figures] == [f"{kind}, all sites", f"{kind}, one site"]
    assert all("p99 deep / p99 first" in line for line in figures)


@pytest.mark.parametrize("kind", KINDS)
def test_it_reads_full_pages_all_over_the_further_half_of_as_many_candidates_as_it_says(kind):
    with a_database(kind) as db:
        fill(db, ROWS)
        visible = views(db)["all sites"]
        places = deep_places(db, visible)

        with db.reading(BENCH) as txn:
            assert txn.session.scalar(select(func.count()).select_from(CandidateEvent)) == ROWS
        assert PLACES <= len(places) <= 2 * PLACES
        assert all(place[0] in {"T2", "T3"} for place in places)
        assert {len(page(db, visible, place).items) for place in places[:20]} == {50}


def test_the_ratio_is_that_of_the_slowest_hundredth():
    many = [0.001] * 98

    assert Seconds([*many, 0.002, 0.002], [*many, 0.003, 0.003]).ratio == pytest.approx(1.5)
