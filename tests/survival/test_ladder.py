"""Whom to ask next, and who is lost: by the definition only, as a rule on plain values."""

from datetime import UTC, date, datetime

import pytest

from backend.contact_terms import ContactOutcome, ContactPerson, LadderStep
from backend.survival.ladder import Try, missing_to_be_lost, next_step

P, C, D, R = ContactPerson.PATIENT, ContactPerson.CAREGIVER, ContactPerson.PHYSICIAN, ContactPerson.REGISTRY
KNOWN = date(2027, 3, 1)


def tries(*made: tuple[str, ContactPerson], outcome: ContactOutcome = ContactOutcome.NO_ANSWER) -> list[Try]:
    days = [date.fromisoformat(day) for day, _ in made]
    return [
        Try(datetime(on.year, on.month, on.day, 1, tzinfo=UTC), on, person, outcome, str(place))
        for place, (on, (_, person)) in enumerate(zip(days, made, strict=True))
    ]


def a_round(month: str) -> list[tuple[str, ContactPerson]]:
    days = [f"{month}-{day:02}" for day in range(1, 7)]
    return list(zip(days, [P, P, P, C, C, D], strict=True))


@pytest.mark.parametrize(
    ("made", "step"),
    [
        ([], LadderStep.CALL_PATIENT),
        ([("2029-05-01", P), ("2029-05-01", P), ("2029-05-02", P)], LadderStep.CALL_PATIENT),
        (a_round("2029-05")[:3], LadderStep.CALL_CAREGIVER),
        ([*a_round("2029-05")[:3], ("2029-05-09", P)], LadderStep.CALL_CAREGIVER),
        (a_round("2029-05")[:5], LadderStep.ASK_PHYSICIAN),
        (a_round("2029-05"), LadderStep.SEARCH_RECORDS),
        ([*a_round("2029-05"), ("2029-05-20", R)], None),
    ],
)
def test_the_ladder_is_climbed_step_by_step(made, step) -> None:
    assert next_step(tries(*made)) == step


@pytest.mark.parametrize(
    ("made", "is_lost"),
    [
        ([], False),
        (a_round("2029-05"), False),
        ([*a_round("2029-05"), *a_round("2031-04")], False),
        ([*a_round("2029-05"), *a_round("2031-05")], True),
        # A round that was not in order, or lacks a proxy, is none.
        ([*a_round("2029-05"), *zip((day for day, _ in a_round("2031-05")), [D, C, C, P, P, P], strict=True)], False),
        ([*a_round("2029-05"), *a_round("2031-05")[:4], ("2031-05-06", D)], False),
        # What was tried before the last news does not count.
        ([*a_round("2027-02"), *a_round("2029-05")], False),
    ],
)
def test_lost_to_follow_up_is_two_whole_failed_rounds_two_years_apart(made, is_lost) -> None:
    assert (missing_to_be_lost(tries(*made), KNOWN) == ()) is is_lost


def test_a_patient_who_refuses_was_found_and_silence_is_no_attempt() -> None:
    made = [*a_round("2029-05"), *a_round("2031-05")]

    assert missing_to_be_lost(tries(*made, outcome=ContactOutcome.REFUSED), KNOWN)
    assert "one must end on 2031-05-01" in " ".join(missing_to_be_lost(tries(*a_round("2029-05")), KNOWN))
