"""Which messages should exist, when they should go, and until when they may."""

from datetime import date, time
from typing import Any

import pytest

from backend import clock
from backend.agenda.calendar import agenda
from backend.agenda.reminders import Habits, WantedMessage, wanted
from backend.terms import Attendance, CycleStatus, Recipient, Urgency
from tests.agenda.courses import BEIJING, THREE_CYCLES, at, course, cycle, infused, the_protocol


def messages(
    now: str, arm: str = "nk", *, hour: time = time(8, 30), horizon_days: int = 35, **facts: Any
) -> dict[str, WantedMessage]:
    one = course(arm, **facts)
    moment = at(now, one.patient_zone)
    habits = Habits(one.patient_zone, one.site_zone, hour)
    items = agenda(the_protocol(), one, moment)
    return {message.key: message for message in wanted(the_protocol(), items, habits, moment, horizon_days)}


def local(moment: Any, zone: str = BEIJING) -> str:
    return clock.local(moment, zone).strftime("%Y-%m-%d %H:%M")


def test_an_infusion_is_announced_two_evenings_and_one_evening_before() -> None:
    found = messages("2027-02-10 09:00", cycles=(cycle(1, "2027-02-01"),))

    day_1 = [found[f"cycle-1.day-1@2027-02-16:{label}"] for label in ("-2d", "-1d")]
    assert [local(message.send_at) for message in day_1] == ["2027-02-14 18:00", "2027-02-15 18:00"]
    day_2 = found["cycle-1.day-2@2027-02-17:-1d"]
    assert local(day_2.send_at) == "2027-02-16 18:00"
    assert local(day_2.expires_at) == "2027-02-18 00:00"
    assert day_2.urgency is Urgency.INFUSION
    assert day_2.asks == "infusion"
    assert day_2.values == {"date": "2027-02-17"}


def test_a_planned_infusion_is_announced_to_nobody() -> None:
    found = messages("2027-02-10 09:00", cycles=(cycle(1, "2027-02-01", status=CycleStatus.PLANNED),))

    assert not [key for key in found if key.startswith(("cycle-", "safety."))]


def test_a_moved_infusion_has_other_keys() -> None:
    before = messages("2027-02-10 09:00", cycles=(cycle(1, "2027-02-01"),))
    moved = cycle(1, "2027-02-01", day_1_on=date(2027, 2, 18), day_2_on=date(2027, 2, 19))

    after = messages("2027-02-10 09:00", cycles=(moved,))

    assert "cycle-1.day-1@2027-02-16:-2d" in before
    assert "cycle-1.day-1@2027-02-16:-2d" not in after
    assert "cycle-1.day-1@2027-02-18:-2d" in after


def test_a_visit_is_announced_a_week_and_a_day_before_at_ten_and_not_after_its_day_has_begun() -> None:
    found = messages("2027-02-01 09:00", "control")

    assert [local(found[f"visit.m1@2027-02-28:{day}"].send_at) for day in ("-7d", "-1d")] == [
        "2027-02-21 10:00",
        "2027-02-27 10:00",
    ]
    assert local(found["visit.m1@2027-02-28:-1d"].expires_at) == "2027-02-28 00:00"
    assert "visit.m1@2027-02-28:-1d" not in messages("2027-02-28 00:00", "control")


def test_a_report_is_asked_for_at_the_patients_own_hour_on_three_days() -> None:
    found = messages("2027-02-05 09:00", "control", hour=time(7, 45))

    week = [message for key, message in found.items() if key.startswith("weekly.w1@")]
    assert [local(message.send_at) for message in week] == [
        "2027-02-07 07:45",
        "2027-02-08 07:45",
        "2027-02-09 07:45",
    ]
    assert [message.template for message in week] == ["report_due", "report_reminder", "report_reminder"]


def test_an_answered_report_is_asked_for_no_more() -> None:
    found = messages("2027-02-07 12:00", "control", answered={"weekly.w1": at("2027-02-07 10:00")})

    assert not [key for key in found if key.startswith("weekly.w1@")]


def test_an_attended_visit_is_not_announced() -> None:
    found = messages("2027-02-25 12:00", "control", attended={"visit.m1": (Attendance.ATTENDED, date(2027, 2, 25))})

    assert not [key for key in found if key.startswith("visit.m1@")]


def test_after_the_infusion_the_patient_is_asked_once_that_evening_and_then_twice_a_day() -> None:
    found = messages("2027-02-17 12:00", cycles=(infused(1, "2027-02-01"),))

    checks = [local(message.send_at) for key, message in found.items() if key.startswith("safety.c1.d")][:3]
    assert checks == ["2027-02-17 19:00", "2027-02-18 09:00", "2027-02-18 19:00"]
    assert found["safety.c1.d1@2027-02-18:0d.2"].urgency is Urgency.SAFETY


def test_after_a_late_infusion_the_evening_question_waits_four_hours() -> None:
    late = infused(1, "2027-02-01", day_2_started_at=at("2027-02-17 16:30"))

    check = messages("2027-02-17 17:00", cycles=(late,))["safety.c1.d0@2027-02-17:0d"]

    assert local(check.send_at) == "2027-02-17 20:30"
    assert (str(check.local_date), str(check.local_time)) == ("2027-02-17", "20:30:00")


def test_a_question_that_would_wait_beyond_its_day_is_not_asked() -> None:
    at_night = infused(1, "2027-02-01", day_2_started_at=at("2027-02-17 20:30"))

    assert "safety.c1.d0@2027-02-17:0d" not in messages("2027-02-17 21:00", cycles=(at_night,))


def test_survival_is_asked_of_the_patient_twice_and_then_of_the_caregiver() -> None:
    found = messages("2027-04-28 09:00", "control")

    asked = {key: message for key, message in found.items() if key.startswith("survival.m3@")}
    assert [(local(one.send_at), one.recipient) for one in asked.values()] == [
        ("2027-04-30 08:30", Recipient.PATIENT),
        ("2027-05-03 08:30", Recipient.PATIENT),
        ("2027-05-05 08:30", Recipient.CAREGIVER),
    ]
    assert {one.expires_at for one in asked.values()} == {None}
    assert asked["survival.m3@2027-04-30:5d.caregiver"].template == "caregiver_please_call"


def test_of_old_survival_checks_only_the_newest_is_asked_about() -> None:
    found = messages("2031-05-10 09:00", "control", horizon_days=1)

    assert [key for key in found if key.startswith("survival.")] == [
        "survival.m48@2031-01-31:7d",
        "survival.m48@2031-01-31:10d.caregiver",
    ]


# --- several prompts on one day ----------------------------------------------------------------------------


def test_a_weekly_report_speaks_for_the_safety_check_of_its_day_at_the_earlier_hour() -> None:
    found = messages("2027-02-20 12:00", cycles=(infused(1, "2027-02-01"),), hour=time(20))

    weekly = found["weekly.w3@2027-02-21:0d"]
    assert found["safety.c1.d4@2027-02-21:0d"].covered_by == weekly.key
    assert weekly.covered_by is None
    assert local(weekly.send_at) == "2027-02-21 09:00"
    assert weekly.urgency is Urgency.SAFETY
    assert found["safety.c1.d4@2027-02-21:0d.2"].covered_by is None


@pytest.mark.parametrize(("hour", "is_covered"), [(time(8, 30), False), (time(18, 59), False), (time(20), True)])
def test_what_is_asked_before_the_evening_of_an_infusion_does_not_speak_for_it(hour: time, is_covered: bool) -> None:
    found = messages("2027-02-19 12:00", cycles=(cycle(1, "2027-02-05"),), hour=hour)

    weekly, evening = found["weekly.w3@2027-02-21:0d"], found["safety.c1.d0@2027-02-21:0d"]
    assert evening.covered_by == (weekly.key if is_covered else None)
    assert local(evening.send_at) == "2027-02-21 19:00"
    assert weekly.local_time == min(hour, time(19))
    assert weekly.urgency is (Urgency.SAFETY if is_covered else Urgency.ROUTINE)


def test_a_quarterly_report_speaks_for_the_survival_check_but_not_to_the_caregiver_nor_for_the_call() -> None:
    found = messages("2028-04-20 09:00", "control")

    covered = {key: message.covered_by for key, message in found.items()}
    assert covered["survival.m15@2028-04-30:0d"] == "quarterly.m15@2028-04-30:0d"
    assert covered["survival.m15@2028-04-30:3d"] == "quarterly.m15@2028-04-30:3d"
    assert covered["survival.m15@2028-04-30:5d.caregiver"] is None
    assert covered["outcome.m15@2028-04-30:-3d"] is None


def test_once_the_longer_form_is_answered_its_reminder_no_longer_speaks_for_the_next_days_check() -> None:
    facts: dict[str, Any] = {"cycles": (infused(1, "2027-02-01"),), "answered": {"weekly.w3": at("2027-02-21 10:00")}}

    found = messages("2027-02-21 12:00", **facts)

    assert found["safety.c1.d5@2027-02-22:0d"].covered_by is None


# --- lateness ----------------------------------------------------------------------------------------------


def test_after_an_outage_only_the_newest_prompt_of_a_report_is_wanted() -> None:
    found = messages("2027-02-09 12:00", "control")

    assert [key for key in found if key.startswith("weekly.w1@")] == ["weekly.w1@2027-02-07:2d"]


def test_a_prompt_that_was_held_back_is_still_wanted_until_it_expires() -> None:
    assert "weekly.w1@2027-02-07:2d" in messages("2027-02-12 23:59", "control")
    assert "weekly.w1@2027-02-07:2d" not in messages("2027-02-13 00:00", "control")


def test_nothing_is_wanted_beyond_the_horizon() -> None:
    found = messages("2027-02-01 09:00", cycles=THREE_CYCLES)

    assert max(message.local_date for message in found.values()) <= date(2027, 3, 8)
    assert any(message.local_date == date(2027, 3, 7) for message in found.values())


# --- wall times --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("zone", "instants"),
    [
        (BEIJING, ["2027-03-27T00:30", "2027-03-28T00:30", "2027-03-29T00:30"]),
        ("Europe/Berlin", ["2027-03-27T07:30", "2027-03-28T06:30", "2027-03-29T06:30"]),
        ("America/New_York", ["2027-03-27T12:30", "2027-03-28T12:30", "2027-03-29T12:30"]),
    ],
)
def test_the_patients_hour_stays_the_hour_on_the_patients_wall(zone: str, instants: list[str]) -> None:
    found = messages("2027-03-26 09:00", "control", randomised_on=date(2027, 3, 20), patient_zone=zone)

    week = [message for key, message in found.items() if key.startswith("weekly.w1@")]
    assert [message.send_at.isoformat()[:16] for message in week] == instants
    assert {local(message.send_at, zone)[11:] for message in week} == {"08:30"}


def test_an_hour_that_the_clock_change_skips_moves_forward_by_the_gap() -> None:
    found = messages(
        "2027-03-26 09:00", "control", randomised_on=date(2027, 3, 21), patient_zone="Europe/Berlin", hour=time(2, 30)
    )

    assert local(found["weekly.w1@2027-03-28:0d"].send_at, "Europe/Berlin") == "2027-03-28 03:30"


def test_an_hour_that_comes_twice_is_taken_the_first_time() -> None:
    found = messages(
        "2027-10-30 09:00", "control", randomised_on=date(2027, 10, 24), patient_zone="Europe/Berlin", hour=time(2, 30)
    )

    assert found["weekly.w1@2027-10-31:0d"].send_at.isoformat() == "2027-10-31T00:30:00+00:00"
