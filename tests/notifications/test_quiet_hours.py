"""The next moment at which a person may be disturbed."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend import clock
from notifications.quiet_hours import next_allowed

ZONES = ("Asia/Shanghai", "America/New_York", "Australia/Lord_Howe")
NIGHT = (time(21), time(8))


def at(local: str, zone: str) -> datetime:
    return datetime.fromisoformat(local).replace(tzinfo=ZoneInfo(zone))


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize(
    ("moment", "allowed"),
    [
        ("2027-03-01T20:59:59", "2027-03-01T20:59:59"),
        ("2027-03-01T21:00:00", "2027-03-02T08:00:00"),
        ("2027-03-02T00:00:00", "2027-03-02T08:00:00"),
        ("2027-03-02T07:59:59", "2027-03-02T08:00:00"),
        ("2027-03-02T08:00:00", "2027-03-02T08:00:00"),
        ("2028-02-28T23:00:00", "2028-02-29T08:00:00"),
        ("2027-12-31T23:00:00", "2028-01-01T08:00:00"),
    ],
)
def test_a_night_ends_in_the_morning(zone: str, moment: str, allowed: str) -> None:
    assert next_allowed(at(moment, zone), zone, *NIGHT) == at(allowed, zone)


@pytest.mark.parametrize("zone", ZONES)
def test_quiet_hours_within_one_day_end_the_same_day(zone: str) -> None:
    assert next_allowed(at("2027-03-01T13:30", zone), zone, time(13), time(15)) == at("2027-03-01T15:00", zone)
    assert next_allowed(at("2027-03-01T22:30", zone), zone, time(13), time(15)) == at("2027-03-01T22:30", zone)


def test_equal_times_mean_no_quiet_hours() -> None:
    moment = at("2027-03-01T03:00", "Asia/Shanghai")

    assert next_allowed(moment, "Asia/Shanghai", time(8), time(8)) == moment


@pytest.mark.parametrize(
    ("zone", "night_of", "hours"),
    [
        ("Asia/Shanghai", "2027-03-13", 11.0),
        ("America/New_York", "2027-03-13", 10.0),
        ("America/New_York", "2027-11-06", 12.0),
        # Lord Howe Island moves its clocks by half an hour.
        ("Australia/Lord_Howe", "2027-10-02", 10.5),
        ("Australia/Lord_Howe", "2027-04-03", 11.5),
    ],
)
def test_a_night_with_a_clock_change_ends_when_the_clock_on_the_wall_says(
    zone: str, night_of: str, hours: float
) -> None:
    begins = at(f"{night_of}T21:00", zone)

    ends = next_allowed(begins, zone, *NIGHT)

    assert clock.local(ends, zone).time() == time(8)
    assert ends - begins.astimezone(ends.tzinfo) == timedelta(hours=hours)


def test_quiet_hours_that_end_in_a_skipped_hour_end_after_the_gap() -> None:
    ends = next_allowed(at("2027-03-14T00:30", "America/New_York"), "America/New_York", time(22), time(2, 30))

    assert clock.local(ends, "America/New_York").time() == time(3, 30)


def test_quiet_hours_that_end_in_a_repeated_hour_end_the_first_time() -> None:
    ends = next_allowed(at("2027-11-07T00:30", "America/New_York"), "America/New_York", time(22), time(1, 30))

    assert ends == at("2027-11-07T01:30", "America/New_York").astimezone(UTC)
    in_the_second_pass = ends + timedelta(minutes=45)
    assert next_allowed(in_the_second_pass, "America/New_York", time(22), time(1, 30)) == in_the_second_pass


@given(
    minutes=st.integers(0, 2 * 366 * 24 * 60),
    zone=st.sampled_from(ZONES),
    quiet_from=st.times().map(lambda value: value.replace(second=0, microsecond=0)),
    quiet_to=st.times().map(lambda value: value.replace(second=0, microsecond=0)),
)
def test_what_is_allowed_stays_allowed_and_is_never_in_the_past(
    minutes: int, zone: str, quiet_from: time, quiet_to: time
) -> None:
    moment = at("2027-01-01T00:00", "UTC") + timedelta(minutes=minutes)

    allowed = next_allowed(moment, zone, quiet_from, quiet_to)

    assert allowed >= moment
    assert allowed - moment <= timedelta(hours=25)
    assert next_allowed(allowed, zone, quiet_from, quiet_to) == allowed
