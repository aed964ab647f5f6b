"""Which calls there should be about a silent patient, when they fall due, and whose duty they are."""

from datetime import date, timedelta
from typing import Any

import pytest

from backend import clock
from backend.agenda.calendar import agenda
from backend.agenda.calls import Callers, WantedCall, calls_about, until_the_next, wanted_now
from backend.agenda.course import Reported
from backend.terms import Duty, WorkReason
from tests.agenda.courses import BEIJING, at, course, infused, the_protocol

# Infused on Tuesday 16 and Wednesday 17 February 2027; the Spring Festival is just over.
GIVEN = (infused(1, "2027-02-01"),)


def planned(now: str, arm: str = "nk", site_zone: str = BEIJING, **facts: Any) -> list[WantedCall]:
    one = course(arm, **({"site_zone": site_zone} | facts))
    moment = at(now, one.patient_zone)
    items = agenda(the_protocol(), one, moment)
    return list(calls_about(items, one.reported, Callers(one.site_zone, "CN")))


def calls(now: str, arm: str = "nk", **facts: Any) -> dict[str, WantedCall]:
    moment = at(now, facts.get("patient_zone", BEIJING))
    return {call.agenda_key: call for call in wanted_now(planned(now, arm, **facts), moment)}


def local(moment: Any, zone: str = BEIJING) -> str:
    return clock.local(moment, zone).strftime("%Y-%m-%d %H:%M")


def safety(now: str, **facts: Any) -> list[str]:
    return [key for key in calls(now, cycles=GIVEN, **facts) if key.startswith("safety.")]


def answered(*days: int, hour: int = 10) -> dict[str, Any]:
    """Safety checks answered on these days after the infusion of 17 February."""
    given = at("2027-02-17 00:00")
    return {f"safety.c1.d{day}": given + timedelta(days=day, hours=hour) for day in days}


# --- the first fortnight -----------------------------------------------------------------------------------


def test_one_evening_without_an_answer_in_the_first_days_calls_for_a_call_next_morning() -> None:
    before = safety("2027-02-18 21:59", answered=answered(0))
    call = calls("2027-02-18 22:00", cycles=GIVEN, answered=answered(0))["safety.c1.d1"]

    assert before == []
    assert call.key == "silent:safety.c1.d1@2027-02-18"
    assert call.reason is WorkReason.PATIENT_SILENT
    assert (local(call.due_at), call.duty) == ("2027-02-19 09:00", Duty.COORDINATOR)
    assert call.passes_on_at is not None
    assert (local(call.passes_on_at), call.passes_on_to) == ("2027-02-19 12:00", Duty.INVESTIGATOR)


def test_on_a_day_off_the_call_is_the_duty_of_whoever_is_on_call() -> None:
    friday = calls("2027-02-19 22:00", cycles=GIVEN, answered=answered(0, 1))["safety.c1.d2"]

    assert (local(friday.due_at), friday.duty) == ("2027-02-20 09:00", Duty.ON_CALL)


def test_a_saturday_that_is_worked_is_the_coordinators() -> None:
    """10 October 2026 is worked in exchange for the holidays before."""
    given = (infused(1, "2026-09-22"),)
    known = {"safety.c1.d0": at("2026-10-08 20:00")}

    friday = calls("2026-10-09 22:00", cycles=given, answered=known, randomised_on=date(2026, 9, 10))["safety.c1.d1"]

    assert (local(friday.due_at), friday.duty) == ("2026-10-10 09:00", Duty.COORDINATOR)


def test_later_one_evening_is_nothing_and_two_in_a_row_are_a_call() -> None:
    known = answered(0, 1, 2, 3, 4)

    assert safety("2027-02-22 23:00", answered=known) == []
    assert safety("2027-02-23 21:59", answered=known) == []
    assert safety("2027-02-23 22:00", answered=known) == ["safety.c1.d6"]
    assert safety("2027-02-23 22:00", answered=known | answered(5)) == []


def test_the_fourth_day_counts_as_the_second_when_the_third_was_missed() -> None:
    assert safety("2027-02-21 22:00", answered=answered(0, 1, 2)) == ["safety.c1.d4"]


def test_the_evenings_before_the_second_infusion_call_for_nothing() -> None:
    begun = infused(1, "2027-02-01", day_2_started_at=None)

    assert [key for key in calls("2027-02-16 23:00", cycles=(begun,)) if key.startswith("safety.")] == []


def test_nobody_is_silent_who_was_left_in_peace_for_the_night() -> None:
    late = infused(1, "2027-02-01", day_2_started_at=at("2027-02-17 20:30"))

    found = [call.agenda_key for call in planned("2027-02-17 23:30", cycles=(late,))]

    assert "safety.c1.d0" not in found
    assert "safety.c1.d1" in found


def test_a_question_of_the_late_evening_is_waited_for() -> None:
    late = infused(1, "2027-02-01", day_2_started_at=at("2027-02-17 18:30"))

    call = next(one for one in planned("2027-02-17 21:00", cycles=(late,)) if one.agenda_key == "safety.c1.d0")

    assert local(call.opens_at) == "2027-02-17 22:30"


# --- what ends a silence -----------------------------------------------------------------------------------


def test_an_answer_of_a_later_day_ends_the_silence() -> None:
    known = answered(0, 1, 2, 3, 4)

    assert safety("2027-02-24 09:00", answered=known) == ["safety.c1.d6"]
    assert safety("2027-02-24 09:00", answered=known | answered(7, hour=8)) == []


@pytest.mark.parametrize(("instrument", "ends"), [("ad_hoc", True), ("safety", True), ("core", False)])
def test_any_report_with_the_same_questions_ends_it_also_when_no_day_is_left(instrument: str, ends: bool) -> None:
    known = answered(*range(13))
    afterwards = (Reported(instrument, at("2027-03-04 10:00")),)

    assert safety("2027-03-04 09:00", answered=known) == ["safety.c1.d14"]
    assert (safety("2027-03-04 11:00", answered=known, reported=afterwards) == []) is ends


def test_a_report_of_before_does_not_end_it() -> None:
    before = (Reported("ad_hoc", at("2027-02-21 10:00")),)

    assert safety("2027-02-23 22:00", answered=answered(0, 1, 2, 3, 4), reported=before) == ["safety.c1.d6"]


def test_what_nobody_can_answer_any_more_is_called_about_for_a_week() -> None:
    assert safety("2027-03-11 08:59", answered=answered(*range(13))) == ["safety.c1.d14"]
    assert safety("2027-03-11 09:00", answered=answered(*range(13))) == []


def test_three_days_missed_in_an_outage_are_one_call() -> None:
    assert safety("2027-02-20 23:00", answered=answered(0)) == ["safety.c1.d3"]


def test_an_infusion_that_moved_has_other_calls() -> None:
    moved = infused(1, "2027-02-01", day_1_started_at=at("2027-02-17 10:00"), day_2_started_at=at("2027-02-18 10:00"))

    before = calls("2027-02-18 22:00", cycles=GIVEN, answered=answered(0))["safety.c1.d1"]
    after = calls("2027-02-19 22:00", cycles=(moved,), answered={"safety.c1.d0": at("2027-02-18 20:00")})[
        "safety.c1.d1"
    ]

    assert (before.key, after.key) == ("silent:safety.c1.d1@2027-02-18", "silent:safety.c1.d1@2027-02-19")


# --- weeks and months --------------------------------------------------------------------------------------


def test_a_weekly_report_is_called_about_on_the_first_working_day_from_the_third_day() -> None:
    """Week 5 is due on Sunday 7 March; week 9 on 4 April, whose third day is a working Wednesday."""
    found = {call.agenda_key: call for call in planned("2027-03-07 09:00", "control")}

    assert local(found["weekly.w5"].due_at) == "2027-03-10 09:00"
    assert local(found["weekly.w5"].opens_at) == "2027-03-10 00:00"
    assert (found["weekly.w5"].duty, found["weekly.w5"].passes_on_at) == (Duty.COORDINATOR, None)


@pytest.mark.parametrize(
    ("due_on", "called"),
    [
        # The third day is 1 October, and the holidays last until the 7th.
        (date(2026, 9, 28), "2026-10-08 09:00"),
        # The third day is a Saturday that is worked.
        (date(2026, 10, 7), "2026-10-10 09:00"),
    ],
)
def test_a_call_about_a_week_keeps_the_holidays_and_the_weekend_days_that_are_worked(due_on: date, called: str) -> None:
    found = planned("2026-09-27 09:00", "control", randomised_on=due_on - timedelta(days=28))

    assert [local(call.due_at) for call in found if call.agenda_key == "weekly.w4"] == [called]


def test_a_month_is_called_about_on_the_sixth_day_or_the_working_day_before() -> None:
    """Due on Sundays: the sixth day is a Saturday, the working day before it a Friday."""
    found = {call.agenda_key: call for call in planned("2027-05-20 09:00", "control")}

    assert found["four-weekly.w16"].due_on == date(2027, 5, 23)
    assert local(found["four-weekly.w16"].due_at) == "2027-05-28 09:00"


def test_a_month_that_falls_into_a_week_of_holidays_is_called_about_after_them() -> None:
    """Due on 1 October 2026: every day to the sixth is off, and the working day before is before it was asked."""
    found = {call.agenda_key: call for call in planned("2026-09-20 09:00", "control", randomised_on=date(2026, 6, 11))}

    assert found["four-weekly.w16"].due_on == date(2026, 10, 1)
    assert local(found["four-weekly.w16"].due_at) == "2026-10-08 09:00"


def test_the_watch_after_the_cells_is_called_about_from_the_third_day() -> None:
    over: dict[str, Any] = {
        "cycles": GIVEN,
        "cells_discontinued_on": date(2027, 3, 1),
        "randomised_on": date(2026, 12, 1),
    }
    found = [call for call in planned("2027-04-01 09:00", **over) if call.agenda_key.startswith("watch.")]

    assert found
    assert [(clock.local_day(call.due_at, BEIJING) - call.due_on).days for call in found][:1] == [3]


def test_whether_somebody_lives_is_asked_on_the_list_of_survival_calls() -> None:
    """Month 3 is due on 30 April; the eighth day is a Saturday, and stays."""
    call = calls("2027-05-08 00:00", "control")["survival.m3"]

    assert call.key == "unconfirmed:survival.m3@2027-04-30"
    assert call.reason is WorkReason.SURVIVAL_CHECK_UNANSWERED
    assert local(call.due_at) == "2027-05-08 09:00"
    assert "survival.m3" not in calls("2027-05-07 23:59", "control")
    assert "survival.m3" not in calls("2027-05-08 00:00", "control", alive_as_of=(date(2027, 5, 1),))


def test_of_years_of_silence_one_survival_call_remains_however_old() -> None:
    late = calls("2031-06-30 09:00", "control")

    assert [key for key in late if key.startswith("survival.")] == ["survival.m48"]


# --- zones -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("patient_zone", "due"),
    [
        ("Asia/Urumqi", "2027-02-19 09:00"),
        # At 22:00 on 18 February in New York it is eleven in the morning of the 19th in Beijing: nine has passed.
        ("America/New_York", "2027-02-20 09:00"),
    ],
)
def test_silence_is_seen_where_the_patient_lives_and_the_call_falls_due_where_the_site_is(
    patient_zone: str, due: str
) -> None:
    known = {"safety.c1.d0": at("2027-02-17 23:00")}
    found = {
        call.agenda_key: call
        for call in planned("2027-02-18 12:00", cycles=GIVEN, patient_zone=patient_zone, answered=known)
    }

    call = found["safety.c1.d1"]
    assert local(call.opens_at, patient_zone) == "2027-02-18 22:00"
    assert local(call.due_at) == due
    assert call.opens_at < call.due_at


def test_a_call_is_due_at_nine_also_where_the_clocks_change_that_night() -> None:
    """Berlin, 28 March 2027: the hour from two to three is skipped."""
    berlin: dict[str, Any] = {
        "patient_zone": "Europe/Berlin",
        "site_zone": "Europe/Berlin",
        "randomised_on": date(2027, 3, 18),
    }
    one = next(call for call in planned("2027-03-25 12:00", "control", **berlin) if call.agenda_key == "weekly.w1")

    assert local(one.due_at, "Europe/Berlin") == "2027-03-29 09:00"


# --- what the site has not recorded --------------------------------------------------------------------------


def test_an_infusion_day_that_nobody_recorded_is_asked_about_the_same_afternoon() -> None:
    """The second day follows at once: who notices next morning that nothing was entered may notice too late."""
    agreed = (infused(1, "2027-02-01", day_1_started_at=None, day_2_started_at=None),)
    begun = (infused(1, "2027-02-01", day_2_started_at=None),)

    before = calls("2027-02-16 16:59", cycles=agreed)
    first = calls("2027-02-16 17:00", cycles=agreed)["cycle-1.day-1"]
    second = calls("2027-02-17 17:00", cycles=begun)["cycle-1.day-2"]
    recorded = calls("2027-02-17 17:00", cycles=GIVEN)

    assert "cycle-1.day-1" not in before
    assert first.key == "unrecorded:cycle-1.day-1@2027-02-16"
    assert first.reason is second.reason is WorkReason.INFUSION_NOT_RECORDED
    assert (local(first.due_at), first.duty) == ("2027-02-16 17:00", Duty.COORDINATOR)
    assert first.passes_on_at is not None
    assert (local(first.passes_on_at), first.passes_on_to) == ("2027-02-16 19:00", Duty.INVESTIGATOR)
    assert not {"cycle-1.day-1", "cycle-1.day-2"} & recorded.keys()


# --- up to the next ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("site_zone", [BEIJING, "Pacific/Kiritimati", "Pacific/Pago_Pago"])
@pytest.mark.parametrize("patient_zone", [BEIJING, "Pacific/Kiritimati", "Pacific/Pago_Pago"])
@pytest.mark.parametrize("arm", ["nk", "control"])
def test_what_is_due_and_when_more_is_can_be_told_without_thinking_of_every_call_to_come(
    arm: str, patient_zone: str, site_zone: str
) -> None:
    facts: dict[str, Any] = {"cycles": GIVEN} if arm == "nk" else {}
    for days in range(0, 1900, 9):
        now = (date(2027, 1, 28) + timedelta(days=days)).isoformat() + " 15:30"
        everything = planned(now, arm, site_zone, patient_zone=patient_zone, **facts)
        moment = at(now, patient_zone)

        enough = until_the_next(iter(everything), moment)

        assert wanted_now(enough, moment) == wanted_now(everything, moment)
        assert min((one.opens_at for one in enough if one.opens_at > moment), default=None) == min(
            (one.opens_at for one in everything if one.opens_at > moment), default=None
        )
        assert {one.key for one in everything if one.opens_at <= moment} <= {one.key for one in enough}
