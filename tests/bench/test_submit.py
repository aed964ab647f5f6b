"""The short form of ``do.py bench submit``: it runs, loses nothing, and says what it says. No speed is asserted."""

import pytest

from tests.bench.steps import ORDER, Steps
from tests.bench.submit import GATE, GOAL, Measured, Plan, Slice, lines, measure

SHORT = Plan(patients=2, weeks=2, seconds=1.0)


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_the_short_form_prints_both_rates_their_ratio_and_every_step(databases, tmp_path, kind):
    url = databases.fresh_url(kind)

    measured = measure(url, tmp_path, SHORT)
    said = "\n".join(lines(kind, SHORT, measured))
    databases.drop(url)

    assert measured.fulfilled > 0
    assert f"ratio {measured.ratio:.3f}" in said
    assert f"gate {GATE}, goal {GOAL}" in said
    assert set(measured.steps) == set(ORDER)
    assert [step for step in ORDER if step not in said] == []


def test_a_step_is_not_charged_with_the_steps_within_it():
    steps = Steps()
    inner = steps.timed("assess", lambda: sum(range(300_000)))
    outer = steps.timed("candidates", inner)

    steps.begin()
    outer()
    taken = steps.taken()

    assert taken["assess"] > taken["candidates"] >= 0
    assert set(taken) == set(ORDER)


def test_the_gate_decides_the_verdict_and_the_shares_make_up_the_whole():
    bare = [Slice(answered=1000, seconds=1.0, processor=0.5)]
    verdicts = {}
    for answered in (79, 80, 120):
        measured = Measured(bare, [Slice(answered, 1.0, 0.5)], dict.fromkeys(ORDER, 0.2), 10, 10, 10, 0)
        *_, judged, _, table = "\n".join(lines("sqlite", SHORT, measured)).rpartition("gate")[2].partition("\n")
        verdicts[answered] = judged.split(": ")[1]
        shares = [float(line.split()[-1].rstrip("%")) for line in table.splitlines() if line.endswith("%")]
        assert sum(shares[:-1]) == pytest.approx(100, abs=1)
        assert shares[-1] == 100

    assert verdicts == {79: "FAIL", 80: "PASS", 120: "PASS, goal reached"}
