"""The short form of ``do.py bench dispatch``: everything is sent, fired and done, and the ratios are told."""

from tests.bench.dispatch import Ground, Measured, lines, measure
from tests.bench.dispatch_peers import Slice

REMINDERS = 6


def test_the_short_form_sends_as_many_messages_as_jobs_fire_and_tasks_are_done(databases):
    urls = databases.fresh_url("postgres"), databases.fresh_url("sqlite")

    measured = measure(Ground(databases.server, *urls, REMINDERS, slices=1, workers=1, pending=2))

    counted = [each[0].reminders for each in vars(measured).values()]
    assert counted == [REMINDERS] * 2 + [REMINDERS // 3] * 4
    said = "\n".join(lines(measured))
    assert "mailroom, claim to settled, to APScheduler" in said
    assert "mailroom, claim to settled, to procrastinate" in said


def test_the_gate_holds_claim_to_settled_against_a_whole_job_and_the_middle_slice_decides():
    ours = [Slice(100, 0.3, seconds) for seconds in (0.1, 9.0, 0.6)]
    jobs = [Slice(100, 4.0, 2.0)] * 3
    tasks = [Slice(100, 0.5, 0.5)] * 3

    said = list(lines(Measured(ours, ours, jobs, tasks, ours, ours)))

    assert said[-4:] == [
        "mailroom, nothing counted of putting there, to APScheduler 3.33, to procrastinate 0.83",
        "mailroom, queueing counted too, to APScheduler 6.67, to procrastinate 1.11",
        "mailroom, claim to settled, to procrastinate 1.67, goal 30: not reached",
        "mailroom, claim to settled, to APScheduler 10.00, gate 10, goal 20: PASS",
    ]
