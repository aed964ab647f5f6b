"""When a tier falls due: elapsed time for the urgent ones, the site's working days for the queue."""

from datetime import date, datetime, time, timedelta

import pytest

from backend.staff.days_off import is_working_day, next_working_day
from backend.terms import Tier
from backend.triage.clocks import Clocks
from backend.triage.working_days import WorkingHours, can_call_today, due_at

BEIJING = "Asia/Shanghai"
HOURS = WorkingHours(time(8), time(17, 30))
USUAL = Clocks.from_content({})
OTHERS = Clocks.from_content(
    {
        "t1_investigator_after_minutes": 20,
        "t2_due_after_hours": {"value": 12, "assumption": True},
        "t3_working_days": 5,
        "last_calls_from": "14:30",
        "country": "DE",
    }
)


def beijing(text):
    return datetime.fromisoformat(f"{text}+08:00")


@pytest.mark.parametrize(
    ("day", "works"),
    [
        (date(2025, 1, 26), True),  # a Sunday worked for the Spring Festival
        (date(2025, 1, 28), False),
        (date(2025, 2, 4), False),
        (date(2025, 2, 8), True),  # and the Saturday after it
        (date(2025, 4, 27), True),  # a Sunday worked for Labour Day
        (date(2025, 5, 5), False),
        (date(2025, 9, 28), True),  # a Sunday worked for National Day
        (date(2025, 10, 8), False),
        (date(2025, 10, 11), True),
        (date(2026, 1, 2), False),
        (date(2026, 1, 4), True),
        (date(2026, 2, 14), True),
        (date(2026, 2, 17), False),
        (date(2026, 2, 28), True),
        (date(2026, 3, 6), True),
        (date(2026, 3, 7), False),
        (date(2026, 5, 9), True),
        (date(2026, 9, 20), True),
        (date(2026, 10, 1), False),
        (date(2026, 10, 7), False),
        (date(2026, 10, 10), True),
    ],
)
def test_public_holidays_and_moved_working_days_count_as_china_counts_them(day, works):
    assert is_working_day(day, "CN") is works


def test_a_year_not_yet_announced_has_its_fixed_holidays_and_no_moved_days():
    weekend_days_worked = [
        day
        for day in (date(2040, 1, 1) + timedelta(days=ahead) for ahead in range(366))
        if day.weekday() >= 5 and is_working_day(day, "CN")
    ]

    assert not is_working_day(date(2040, 10, 1), "CN")
    assert not is_working_day(date(2040, 2, 13), "CN"), "the second day of the Spring Festival"
    assert is_working_day(date(2040, 3, 1), "CN")
    assert weekend_days_worked == []


def test_another_country_works_other_days():
    assert is_working_day(date(2026, 10, 1), "DE")
    assert not is_working_day(date(2026, 5, 14), "DE")
    assert next_working_day(date(2026, 9, 30), "DE") == date(2026, 10, 1)
    assert next_working_day(date(2026, 9, 30), "CN") == date(2026, 10, 8)


def test_an_emergency_is_due_in_thirty_minutes_and_the_same_day_tier_in_a_day_also_on_holidays():
    moment = beijing("2026-10-01T23:50:00")

    assert due_at(Tier.T1, moment, BEIJING, HOURS, clocks=USUAL) - moment == timedelta(minutes=30)
    assert due_at(Tier.T2, moment, BEIJING, HOURS, clocks=USUAL) - moment == timedelta(hours=24)


@pytest.mark.parametrize(
    ("received", "due"),
    [
        ("2026-03-02T09:00:00", "2026-03-05T17:30:00"),
        ("2026-03-02T23:59:00", "2026-03-05T17:30:00"),
        ("2026-03-06T09:00:00", "2026-03-11T17:30:00"),
        ("2026-03-07T09:00:00", "2026-03-11T17:30:00"),
        # A week of holidays, of which the Saturday after is worked.
        ("2026-09-30T09:00:00", "2026-10-10T17:30:00"),
        # A Saturday worked in exchange counts.
        ("2026-02-12T09:00:00", "2026-02-24T17:30:00"),
    ],
)
def test_the_queue_is_due_at_the_close_of_the_third_working_day_after_receipt(received, due):
    assert due_at(Tier.T3, beijing(received), BEIJING, HOURS, clocks=USUAL) == beijing(due)


def test_a_study_with_other_clocks_is_held_to_its_own():
    moment = beijing("2026-09-30T14:45:00")

    assert due_at(Tier.T1, moment, BEIJING, HOURS, clocks=OTHERS) - moment == timedelta(minutes=20)
    assert due_at(Tier.T2, moment, BEIJING, HOURS, clocks=OTHERS) - moment == timedelta(hours=12)
    assert due_at(Tier.T3, moment, BEIJING, HOURS, clocks=OTHERS) == beijing("2026-10-07T17:30:00")
    assert not can_call_today(moment, BEIJING, HOURS, clocks=OTHERS)
    assert can_call_today(moment, BEIJING, HOURS, clocks=USUAL)


def test_the_day_of_receipt_is_the_sites_day():
    just_before_midnight_utc = datetime.fromisoformat("2026-03-02T20:00:00+00:00")

    assert due_at(Tier.T3, just_before_midnight_utc, BEIJING, HOURS, clocks=USUAL) == beijing("2026-03-06T17:30:00")


@pytest.mark.parametrize(
    ("moment", "today"),
    [
        ("2026-03-02T15:59:00", True),
        ("2026-03-02T16:00:00", False),
        ("2026-03-07T10:00:00", False),
        ("2026-10-10T10:00:00", True),
        ("2026-10-01T10:00:00", False),
    ],
)
def test_a_call_today_is_promised_on_working_days_before_sixteen_hours(moment, today):
    assert can_call_today(beijing(moment), BEIJING, HOURS, clocks=USUAL) is today


@pytest.mark.parametrize(("moment", "today"), [("2026-03-02T14:59:00", True), ("2026-03-02T15:00:00", False)])
def test_a_site_that_closes_before_the_hour_of_the_last_calls_promises_none_after(moment, today):
    hours = WorkingHours(closes=time(15))

    assert can_call_today(beijing(moment), BEIJING, hours, clocks=USUAL) is today


def test_a_site_that_says_nothing_works_the_usual_hours():
    assert WorkingHours.from_content({}) == WorkingHours(time(8), time(17))
    assert WorkingHours.from_content({"opens": "08:30", "closes": "17:30"}) == WorkingHours(time(8, 30), time(17, 30))
