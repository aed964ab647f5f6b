"""The short form of ``do.py bench dispatch``: everything is sent, fired and done, and the ratios are told."""

from tests.bench.dispatch import Measured, lines, measure
from tests.bench.dispatch_peers import Slice

PATIENTS = 12


def test_the_short_form_sends_as_many_messages_as_jobs_fire_and_tasks_are_done(databases):
    measured = measure(databases, PATIENTS, slices=1, workers=1)

    said = "\n".join(lines(measured))
    counted = [sum(one.reminders for one in each) for each in (measured.ours, measured.jobs, measured.tasks)]
    assert counted[0] >= PATIENTS
    assert counted == [counted[0]] * 3
    assert sum(one.reminders for one in measured.on_sqlite) == counted[0]
    assert "ratio to APScheduler" in said
    assert "ratio to procrastinate" in said


def test_ratios_compare_our_sending_with_all_that_the_others_do_and_the_middle_slice_decides():
    ours = [Slice(100, 50.0, seconds) for seconds in (0.1, 9.0, 0.2)]
    jobs = [Slice(100, 1.0, 1.0)] * 3
    tasks = [Slice(100, 0.5, 0.5)] * 3

    said = list(lines(Measured(ours, jobs, tasks, ours)))

    assert said[-2] == "ratio to APScheduler 10.00, gate 10, goal 20: PASS"
    assert said[-1] == "ratio to procrastinate 5.00, goal 30: not reached"
