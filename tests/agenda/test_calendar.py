"""The calendar's rules, one sentence each."""

from datetime import date, timedelta
from typing import Any

import pytest

from backend import clock
from backend.agenda.calendar import CycleCourse, Reported, agenda, visible_to_patient
from backend.terms import AgendaState, Attendance, CycleStatus, Reply
from tests.agenda.courses import THREE_CYCLES, at, calendar, course, cycle, days, infused, the_protocol

ALL_GIVEN = (infused(1, "2027-02-01"), infused(2, "2027-03-01"), infused(3, "2027-03-29"))


# --- months, leap days, zones ------------------------------------------------------------------------------


def test_months_are_clamped_to_the_months_last_day() -> None:
    items = calendar()

    assert str(items["visit.m1"].due_on) == "2027-02-28"
    assert str(items["visit.m2"].due_on) == "2027-03-31"


def test_a_patient_randomised_on_a_leap_day_returns_to_it_in_the_next_leap_year() -> None:
    items = calendar("2028-02-29 09:00", "control", randomised_on=date(2028, 2, 29))

    assert str(items["visit.m12"].due_on) == "2029-02-28"
    assert str(items["survival.m48"].due_on) == "2032-02-29"


@pytest.mark.parametrize(("zone", "hours"), [("Asia/Shanghai", 144), ("Europe/Berlin", 143), ("America/New_York", 144)])
def test_a_window_is_made_of_local_days_even_when_the_clocks_change(zone: str, hours: int) -> None:
    week = calendar("2027-03-26 09:00", "control", randomised_on=date(2027, 3, 19), patient_zone=zone)["weekly.w1"]

    assert days(week) == ("2027-03-26", "2027-04-01")
    assert week.closes_at - week.opens_at == timedelta(hours=hours)


def test_visits_open_by_the_sites_midnight_and_reports_by_the_patients() -> None:
    items = calendar(arm="control", patient_zone="America/New_York")

    assert items["visit.m1"].opens_at == at("2027-02-21 00:00")
    assert items["weekly.w1"].opens_at == at("2027-02-07 00:00", "America/New_York")


def test_a_window_includes_its_first_instant_and_not_its_last() -> None:
    before, first = calendar("2027-02-06 23:59:59"), calendar("2027-02-07 00:00")
    last, after = calendar("2027-02-12 23:59:59"), calendar("2027-02-13 00:00")

    states = [items["weekly.w1"].state for items in (before, first, last, after)]

    assert states == [AgendaState.NOT_YET_OPEN, AgendaState.OPEN, AgendaState.OPEN, AgendaState.OVERDUE]


# --- overdue, late, expired --------------------------------------------------------------------------------


def test_a_weekly_report_is_overdue_until_the_next_one_opens() -> None:
    assert calendar("2027-02-13 12:00")["weekly.w1"].state is AgendaState.OVERDUE
    assert calendar("2027-02-14 00:00")["weekly.w1"].state is AgendaState.EXPIRED


def test_the_last_weekly_report_is_overdue_until_the_first_four_weekly_one_opens() -> None:
    assert calendar("2027-05-22 12:00", "control")["weekly.w12"].state is AgendaState.OVERDUE
    assert calendar("2027-05-23 00:00", "control")["weekly.w12"].state is AgendaState.EXPIRED


def test_the_baseline_is_overdue_for_a_fortnight() -> None:
    assert calendar("2027-02-17 23:00")["baseline"].state is AgendaState.OVERDUE
    assert calendar("2027-02-18 00:00")["baseline"].state is AgendaState.EXPIRED


def test_a_daily_safety_check_is_never_overdue() -> None:
    assert calendar("2027-02-19 00:00", cycles=THREE_CYCLES)["safety.c1.d1"].state is AgendaState.EXPIRED


def test_a_late_report_is_late_by_when_it_was_completed() -> None:
    in_time = calendar("2027-02-20 12:00", answered={"weekly.w1": at("2027-02-12 23:59")})
    late = calendar("2027-02-20 12:00", answered={"weekly.w1": at("2027-02-13 00:00")})

    assert in_time["weekly.w1"].state is AgendaState.COMPLETED
    assert late["weekly.w1"].state is AgendaState.COMPLETED_LATE
    assert late["weekly.w1"].due_on == date(2027, 2, 7)


def test_a_visit_is_completed_when_attended_and_expired_when_missed() -> None:
    attended = {
        "visit.m1": (Attendance.ATTENDED, date(2027, 3, 20)),
        "visit.m2": (Attendance.MISSED, date(2027, 3, 31)),
    }

    items = calendar("2027-04-01 09:00", attended=attended)

    assert items["visit.m1"].state is AgendaState.COMPLETED
    assert items["visit.m2"].state is AgendaState.EXPIRED


# --- overlaps ----------------------------------------------------------------------------------------------


def test_a_weekly_report_completes_the_safety_check_of_its_day() -> None:
    items = calendar("2027-02-21 20:00", cycles=THREE_CYCLES, answered={"weekly.w3": at("2027-02-21 09:30")})

    assert items["safety.c1.d4"].state is AgendaState.COMPLETED
    assert items["safety.c1.d4"].completed_at == at("2027-02-21 09:30")
    assert items["safety.c1.d3"].state is AgendaState.EXPIRED


def test_an_unscheduled_report_with_the_checklist_completes_the_safety_check_of_its_day() -> None:
    told = (Reported("ad_hoc", at("2027-02-19 03:00")), Reported("core", at("2027-02-20 03:00")))

    items = calendar("2027-02-21 20:00", cycles=THREE_CYCLES, reported=told)

    assert items["safety.c1.d2"].state is AgendaState.COMPLETED
    assert items["safety.c1.d3"].state is AgendaState.EXPIRED


# --- survival ----------------------------------------------------------------------------------------------


def test_a_survival_check_waits_for_ever() -> None:
    assert calendar("2031-01-01 09:00")["survival.m3"].state is AgendaState.OVERDUE


def test_evidence_of_life_closes_every_check_opened_by_then() -> None:
    items = calendar("2027-08-01 09:00", alive_as_of=(date(2027, 8, 1),))

    assert items["survival.m3"].state is AgendaState.COMPLETED_LATE
    assert items["survival.m6"].state is AgendaState.COMPLETED
    assert items["survival.m9"].state is AgendaState.NOT_YET_OPEN


def test_evidence_from_before_a_check_opened_does_not_close_it() -> None:
    items = calendar("2027-05-01 09:00", alive_as_of=(date(2027, 4, 15),))

    assert items["survival.m3"].state is AgendaState.OPEN


def test_evidence_on_the_last_day_of_a_window_is_in_time_and_a_day_later_is_not() -> None:
    in_time = calendar("2027-06-01 09:00", alive_as_of=(date(2027, 5, 14),))
    late = calendar("2027-06-01 09:00", alive_as_of=(date(2027, 5, 15),))

    assert in_time["survival.m3"].state is AgendaState.COMPLETED
    assert late["survival.m3"].state is AgendaState.COMPLETED_LATE


def test_survival_checks_go_on_yearly_after_month_60_for_a_year_ahead() -> None:
    assert "survival.m72" not in calendar("2031-01-01 09:00")
    assert str(calendar("2032-06-01 09:00")["survival.m72"].due_on) == "2033-01-31"


# --- cycles ------------------------------------------------------------------------------------------------


def test_day_1_is_fifteen_days_after_the_collection_and_day_2_the_next() -> None:
    items = calendar(cycles=(cycle(1, "2027-03-02"),))

    assert str(items["cycle-1.day-1"].due_on) == "2027-03-17"
    assert str(items["cycle-1.day-2"].due_on) == "2027-03-18"
    assert days(items["cycle-1.day-1"]) == ("2027-03-17", "2027-03-18")


def test_a_planned_infusion_starts_no_clock_and_is_not_shown_to_the_patient() -> None:
    one = course(cycles=(cycle(1, "2027-02-01", status=CycleStatus.PLANNED),))

    items = agenda(the_protocol(), one, at("2027-02-02 09:00"))

    assert {item.state for item in items if item.kind == "infusion"} == {AgendaState.PLANNED}
    assert not [item for item in items if item.family == "safety"]
    assert not [item for item in visible_to_patient(items) if item.kind == "infusion"]


def test_a_failed_release_keeps_its_pair_and_the_next_attempt_has_keys_of_its_own() -> None:
    failed = cycle(1, "2027-02-01", status=CycleStatus.RELEASE_FAILED)

    items = calendar("2027-02-18 09:00", cycles=(failed, cycle(1, "2027-02-20", attempt=2)))

    assert items["cycle-1.day-1"].state is AgendaState.CANCELLED
    assert str(items["cycle-1.day-1"].due_on) == "2027-02-16"
    assert items["cycle-1.2.day-1"].state is AgendaState.CONFIRMED
    assert str(items["cycle-1.2.day-2"].due_on) == "2027-03-08"
    assert str(items["safety.c1.d0"].due_on) == "2027-03-08"


def test_a_pair_cancelled_before_it_was_confirmed_is_not_shown_to_the_patient() -> None:
    failed = cycle(1, "2027-02-01", status=CycleStatus.RELEASE_FAILED, was_confirmed=False)

    items = agenda(the_protocol(), course(cycles=(failed,)), at("2027-02-18 09:00"))

    assert not [item for item in visible_to_patient(items) if item.kind == "infusion"]


def test_daily_checks_begin_with_the_first_infusion_and_count_from_the_second() -> None:
    items = calendar("2027-02-18 09:00", cycles=(infused(1, "2027-02-01"),))

    assert str(items["safety.c1.pre0"].due_on) == "2027-02-16"
    assert "safety.c1.pre1" not in items
    assert str(items["safety.c1.d0"].due_on) == "2027-02-17"
    assert str(items["safety.c1.d14"].due_on) == "2027-03-03"
    assert "safety.c1.d15" not in items


def test_no_check_comes_between_the_infusions_before_the_first_has_begun() -> None:
    assert "safety.c1.pre0" not in calendar("2027-02-16 08:00", cycles=(cycle(1, "2027-02-01"),))


def test_a_second_infusion_put_off_lengthens_the_days_between() -> None:
    moved = infused(1, "2027-02-01", day_2_on=date(2027, 2, 19), day_2_started_at=None)

    items = calendar("2027-02-17 09:00", cycles=(moved,))

    between = [str(items[f"safety.c1.pre{n}"].due_on) for n in range(3)]
    assert between == ["2027-02-16", "2027-02-17", "2027-02-18"]
    assert str(items["safety.c1.d0"].due_on) == "2027-02-19"


def missed_day_2(recorded: str) -> CycleCourse:
    return infused(1, "2027-02-01", day_2_started_at=None, day_2_missed=True, day_2_missed_at=at(recorded))


def test_a_missed_second_infusion_makes_days_count_from_the_first_and_cancels_those_past() -> None:
    items = calendar("2027-02-17 12:00", cycles=(missed_day_2("2027-02-17 11:00"),))

    assert items["cycle-1.day-2"].state is AgendaState.EXPIRED
    assert (str(items["safety.c1.d0"].due_on), items["safety.c1.d0"].state) == ("2027-02-16", AgendaState.CANCELLED)
    assert (str(items["safety.c1.d1"].due_on), items["safety.c1.d1"].state) == ("2027-02-17", AgendaState.OPEN)


def test_what_was_answered_before_a_miss_was_recorded_stays_answered_and_on_time() -> None:
    answered = {"safety.c1.d0": at("2027-02-17 20:00"), "safety.c1.d1": at("2027-02-18 20:00")}

    items = calendar("2027-02-19 12:00", cycles=(missed_day_2("2027-02-19 11:00"),), answered=answered)

    states = {key: items[key].state for key in ("safety.c1.d0", "safety.c1.d1", "safety.c1.d2", "safety.c1.d3")}
    assert states == {
        "safety.c1.d0": AgendaState.COMPLETED,
        "safety.c1.d1": AgendaState.COMPLETED,
        "safety.c1.d2": AgendaState.COMPLETED,
        "safety.c1.d3": AgendaState.OPEN,
    }


def test_an_answer_for_a_day_that_has_moved_ahead_does_not_count_for_the_new_day() -> None:
    """The second infusion was recorded a day later than confirmed: its day 0 must be asked again."""
    late = infused(1, "2027-02-01", day_2_started_at=at("2027-02-18 10:00"))

    items = calendar("2027-02-18 12:00", cycles=(late,), answered={"safety.c1.d0": at("2027-02-17 20:00")})

    assert items["safety.c1.d0"].state is AgendaState.OPEN
    assert items["safety.c1.pre1"].state is AgendaState.COMPLETED


def test_a_confirmed_day_nobody_recorded_stays_confirmed() -> None:
    items = calendar("2027-02-25 12:00", cycles=(cycle(1, "2027-02-01"),))

    assert items["cycle-1.day-1"].state is AgendaState.CONFIRMED
    assert str(items["safety.c1.d0"].due_on) == "2027-02-17"


def test_a_reply_about_a_date_is_void_once_the_date_has_moved() -> None:
    replies = {
        "cycle-1.day-1": (Reply.COMING, date(2027, 2, 16)),
        "cycle-1.day-2": (Reply.COMING, date(2027, 2, 20)),
    }

    items = calendar(cycles=(cycle(1, "2027-02-01"),), replies=replies)

    assert items["cycle-1.day-1"].reply is Reply.COMING
    assert items["cycle-1.day-2"].reply is None


def test_controls_have_neither_infusions_nor_safety_checks_nor_a_visit_after_cells() -> None:
    items = calendar(arm="control", cycles=THREE_CYCLES)

    assert not {item.family for item in items.values()} & {"infusion", "safety", "watch", "end-of-cells"}


# --- weekly, four-weekly, watch ----------------------------------------------------------------------------


def weeks(items: Any, family: str) -> list[int]:
    return [int(key.rpartition("w")[2]) for key, item in items.items() if item.family == family]


def test_controls_report_weekly_to_week_12_and_then_every_four_weeks_to_week_52() -> None:
    items = calendar(arm="control")

    assert weeks(items, "weekly") == list(range(1, 13))
    assert weeks(items, "four-weekly") == list(range(16, 53, 4))


def test_weekly_reports_go_on_while_cells_are_still_to_come() -> None:
    items = calendar("2027-06-01 09:00", cycles=ALL_GIVEN[:2])

    assert weeks(items, "weekly") == list(range(1, 53))
    assert weeks(items, "four-weekly") == []
    assert items["weekly.w16"].instrument == "four_weekly"


def test_weekly_reports_end_28_days_after_the_last_infusion_and_the_watch_begins() -> None:
    items = calendar("2027-06-01 09:00", cycles=ALL_GIVEN)

    assert max(weeks(items, "weekly")) == 14
    assert weeks(items, "watch") == list(range(15, 25))
    assert min(weeks(items, "four-weekly")) == 16


def test_the_watch_ends_on_day_100_after_the_last_infusion() -> None:
    items = calendar("2027-06-01 09:00", cycles=ALL_GIVEN)

    last_infusion = items["cycle-3.day-2"].due_on
    last_watch = max(item.due_on for item in items.values() if item.family == "watch")
    assert last_watch <= last_infusion + timedelta(days=100) < last_watch + timedelta(days=7)


def test_cells_discontinued_early_still_mean_weekly_reports_to_week_12() -> None:
    items = calendar("2027-03-10 09:00", cycles=ALL_GIVEN[:1], cells_discontinued_on=date(2027, 3, 1))

    assert max(weeks(items, "weekly")) == 12
    assert weeks(items, "watch") == [13, 14, 15, 16]
    assert str(items["visit.end-of-cells"].due_on) == "2027-03-17"


def test_cells_discontinued_cancel_the_infusions_ahead_and_nothing_given() -> None:
    cycles = (infused(1, "2027-02-01"), cycle(2, "2027-03-01"))

    items = calendar("2027-03-10 09:00", cycles=cycles, cells_discontinued_on=date(2027, 3, 9))

    assert items["cycle-1.day-2"].state is AgendaState.COMPLETED
    assert items["cycle-2.day-1"].state is AgendaState.CANCELLED
    assert "safety.c2.d0" not in items


def test_a_weekly_report_answered_stays_when_its_week_has_become_a_four_weekly_one() -> None:
    items = calendar(
        "2027-06-01 09:00",
        cycles=ALL_GIVEN[:1],
        cells_discontinued_on=date(2027, 3, 1),
        answered={"weekly.w16": at("2027-05-24 09:00")},
    )

    assert items["weekly.w16"].state is AgendaState.COMPLETED


# --- stops -------------------------------------------------------------------------------------------------


def test_death_cancels_everything_that_had_not_ended() -> None:
    items = calendar(
        "2027-05-10 09:00", "control", died_on=date(2027, 5, 2), answered={"weekly.w1": at("2027-02-08 09:00")}
    )

    left = {item.state for item in items.values() if item.closes_at > at("2027-05-02 00:00")}
    assert left == {AgendaState.CANCELLED}
    assert items["weekly.w1"].state is AgendaState.COMPLETED
    assert items["weekly.w2"].state is AgendaState.EXPIRED
    assert items["survival.m3"].state is AgendaState.CANCELLED


def test_withdrawal_from_reporting_stops_reports_and_keeps_visits_and_survival() -> None:
    items = calendar("2027-02-10 09:00", "control", withdrawn_from_reporting_on=date(2027, 2, 9))

    assert items["weekly.w1"].state is AgendaState.CANCELLED
    assert items["quarterly.m15"].state is AgendaState.CANCELLED
    assert items["visit.m1"].state is AgendaState.NOT_YET_OPEN
    assert items["survival.m3"].state is AgendaState.NOT_YET_OPEN


def test_withdrawal_from_the_study_stops_all_contact() -> None:
    items = calendar("2027-02-10 09:00", cycles=THREE_CYCLES, withdrawn_from_study_on=date(2027, 2, 9))

    ahead = {item.state for item in items.values() if item.opens_at > at("2027-02-10 00:00")}
    assert ahead == {AgendaState.CANCELLED}


# --- the whole ---------------------------------------------------------------------------------------------


def test_titles_are_in_both_languages_and_name_the_week() -> None:
    titles = calendar()["weekly.w7"].titles

    assert titles == {"en": "Weekly report, week 7", "zh-CN": "每周报告（第 7 周）"}


def test_the_agenda_is_in_order_of_due_date_and_key() -> None:
    items = agenda(the_protocol(), course(cycles=THREE_CYCLES), at("2027-02-01 09:00"))

    assert list(items) == sorted(items, key=lambda item: (item.due_on, item.key))
    assert len({item.key for item in items}) == len(items)


def test_rest_after_an_infusion_lasts_four_hours_from_its_start() -> None:
    evening = infused(1, "2027-02-01", day_2_started_at=at("2027-02-17 17:30"))

    items = calendar("2027-02-17 18:00", cycles=(evening,))

    assert items["safety.c1.d0"].not_before == at("2027-02-17 21:30")
    assert clock.local_day(items["safety.c1.d0"].closes_at, "Asia/Shanghai") == date(2027, 2, 18)
