"""A fortnight after an infusion for somebody whom only text messages reach: two questions a day, and one fever."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from backend import clock
from tests.databases import Databases
from tests.stories.by_text.life import Entry, Life, a_hospital, live_by
from tests.stories.by_text.networks import simulated
from tests.stories.by_text.outcome import outcome_of

# Collected on 22 February, so infused on the 9th and 10th of March: days 8 and 9 of the story, which begins on the 1st.
COLLECTED = {"number": 1, "donor_collection_on": "2027-02-22"}
DAY_1, DAY_2, LAST = 8, 9, 23
FEVER = DAY_2 + 3


def fortnight() -> Iterator[Entry]:
    """Who does what, on which day, at what hour."""
    yield 0, "10:00", lambda life: life.hospital.send(f"/patients/{life.id}/cycles", COLLECTED)
    yield 5, "10:00", confirmed
    yield from ((day, "18:30", Life.looks) for day in (5, 6, 7))
    yield from ((day, "09:30", started) for day in (DAY_1, DAY_2))
    yield from ((day, "19:30", Life.looks) for day in (0, DAY_1, DAY_2))
    yield FEVER, "", lambda life: life.feels(temperature="三十八度四")
    yield FEVER, "10:00", Life.is_seen_to
    yield FEVER + 1, "", lambda life: life.feels()
    yield from ((day, "09:40", Life.looks) for day in range(DAY_2 + 1, LAST + 1))


def confirmed(life: Life) -> None:
    life.hospital.send(f"/patients/{life.id}/cycles/1", {"status": "confirmed"}, method="PATCH", expected=200)


def started(life: Life) -> None:
    now = clock.now()
    day = 1 if clock.local_day(now, "Asia/Shanghai").day == DAY_1 + 1 else 2
    life.hospital.send(f"/patients/{life.id}/cycles/1/infusions", {"day": day, "started_at": now.isoformat()})


# Sixteen days of one patient on the quicker database; ten seconds where nothing else runs.
@pytest.mark.timeout(300)
def test_two_questions_a_day_find_the_fever_after_an_infusion(databases: Databases, tmp_path: Path) -> None:
    url = databases.fresh_url("sqlite")
    with simulated() as phones, a_hospital(url, tmp_path, phones) as hospital:
        life = Life(hospital, arm="nk", consented_on="2027-02-20", caregivers=[])
        live_by(life, fortnight())
        outcome = outcome_of(hospital.db, life.id)
    databases.drop(url)

    reports = [line.split()[:8] for line in outcome["reports"]]
    asked = [one[2] for one in reports if one[1] == "safety"]
    # On the 15th and the 22nd the week's questionnaire asks for the day as well.
    assert asked == ["safety.c1.pre0", *(f"safety.c1.d{day}" for day in range(15) if day not in (5, 12))]
    assert {(one[3], one[5]) for one in reports} == {("on_time", "sms")}
    assert [one[0] for one in reports if "T1" in outcome_line(outcome["reports"], one)] == ["2027-03-13"]
    (at_once,) = life.answers_to["三十八度四"]
    assert "120" in at_once
    assert [line for line in outcome["messages to staff"] if line.startswith("page_sms") and "delivered" in line]
    assert [line for line in outcome["candidates"] if " T1 " in line]
    assert life.left_in_silence == []


def outcome_line(lines: object, words: list[str]) -> str:
    assert isinstance(lines, list)
    return next(line for line in lines if line.split()[:8] == words)
