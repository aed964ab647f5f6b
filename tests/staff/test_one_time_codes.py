"""Codes that change with the time, and codes on paper."""

import base64
from datetime import UTC, datetime, timedelta

import pytest

from backend.codes import plain
from backend.staff import one_time_codes as codes

# RFC 6238, appendix B: its secret, its times, and the last six digits of its codes for SHA-1.
SECRET = base64.b32encode(b"12345678901234567890").decode()
PUBLISHED = {59: "287082", 1111111109: "081804", 1111111111: "050471", 1234567890: "005924", 2000000000: "279037"}
AT = datetime(2027, 3, 1, tzinfo=UTC)
NOW = int(AT.timestamp()) // 30


def shown(at: datetime) -> str:
    """What an authenticator shows, worked out by another library's code."""
    import pyotp

    return pyotp.TOTP(SECRET).at(at)


@pytest.mark.parametrize(("second", "code"), PUBLISHED.items())
def test_the_published_examples_hold(second, code):
    assert codes.step_of(SECRET, code, datetime.fromtimestamp(second, UTC)) == second // 30


@pytest.mark.parametrize(("off", "step"), [(-2, None), (-1, NOW - 1), (0, NOW), (1, NOW + 1), (2, None)])
def test_a_clock_may_be_one_step_off_and_no_more(off, step):
    assert codes.step_of(SECRET, shown(AT + timedelta(seconds=30 * off)), AT) == step


def test_a_step_is_not_taken_twice_and_none_before_it():
    now, earlier = shown(AT), shown(AT - timedelta(seconds=30))

    assert codes.step_of(SECRET, now, AT, after=NOW - 1) == NOW
    assert codes.step_of(SECRET, now, AT, after=NOW) is None
    assert codes.step_of(SECRET, earlier, AT, after=NOW) is None


@pytest.mark.parametrize("typed", ["081 804", " 081-804 ", "０８１８０４"])
def test_a_code_is_understood_however_it_was_typed(typed):
    assert codes.step_of(SECRET, typed, datetime.fromtimestamp(1111111109, UTC))


@pytest.mark.parametrize("typed", ["", "0", "81804", "0081804", "081804 081804", "é", "一二三四五六", "A" * 10_000])
def test_what_is_no_code_is_refused_and_breaks_nothing(typed):
    assert codes.step_of(SECRET, typed, datetime.fromtimestamp(1111111109, UTC)) is None


def test_recovery_codes_are_ten_different_ones_without_doubtful_letters():
    made = codes.new_recovery_codes()

    assert (len(made), len(set(made))) == (10, 10)
    assert not set("".join(made)) & set("01IOL")
    assert {plain(one.lower().replace("-", " ")) for one in made} == {one.replace("-", "") for one in made}
