"""How far back is read: never so little that the rules would be told anything else than by all there is."""

from datetime import UTC, datetime, timedelta
from random import Random

from backend.reports.history import (
    LOOK_BACK,
    READ_FIRST,
    Earlier,
    Moments,
    Reach,
    circumstances_among,
    latest_first_of,
    suffice,
)
from backend.triage.told import Circumstances
from tests.study import rule_set

NOW = datetime(2027, 9, 1, 9, tzinfo=UTC)
ITEMS = ("nausea.frequency", "nausea.severity", "itching.severity", "checklist.chills", "checklist.fainted")
ZONE = "Asia/Shanghai"
CASES = 2_000


def earlier(chance: Random, ago: float) -> Earlier:
    """A report received so many days ago; one in five was written days or weeks before it came."""
    received_at = NOW - timedelta(days=ago)
    delay = chance.choice([0, 0, 0, 0, chance.uniform(0, 40)])
    answers = {item: chance.choice([0, 1, 1, 2, "skipped"]) for item in ITEMS if chance.random() < 0.7}
    slugs = {item.partition(".")[0] for item, value in answers.items() if value != "skipped"}
    measured = {"temperature_c": chance.choice([36.8, 40.4]), "weight_kg": chance.uniform(55, 60)}
    return Earlier(
        instrument=chance.choice(["weekly"] * 30 + ["baseline"]),
        respondent=chance.choice(["patient", "patient", "caregiver"]),
        completed_at=received_at - timedelta(days=delay),
        received_at=received_at,
        answers=answers,
        composites={slug: chance.choice([0, 1, 2, None]) for slug in slugs if slug != "checklist"},
        measurements={name: value for name, value in measured.items() if chance.random() < 0.5},
    )


def within(reach: Reach, known: Circumstances) -> dict[str, object]:
    """What rules may ask of circumstances in a report that answers the items of the reach."""
    slugs = {item.partition(".")[0] for item in reach.items}
    return {
        "values": {item: known.last_values.get(item) for item in reach.items},
        "composites": {slug: known.last_composites.get(slug) for slug in slugs},
        "signs": {sign: days for sign, days in known.recent_signs.items() if days <= reach.days},
        "weights": sorted(one for one in known.weights if 0 <= one[0] <= reach.days),
        "fever": known.hours_above_40 if reach.in_high_fever else None,
        "baseline": known.baseline_values,
    }


def test_what_is_left_unread_could_not_have_told_the_rules_anything():
    stopped = 0
    for seed in range(CASES):
        chance = Random(seed)
        received = [earlier(chance, ago) for ago in sorted(chance.uniform(0, 150) for _ in range(LOOK_BACK))]
        happened_at = NOW - timedelta(days=chance.choice([0, 0, 0, 10]))
        reach = Reach(
            chance.sample(ITEMS, 3),
            rule_set().days_back,
            chance.choice(["patient", "caregiver"]),
            chance.random() < 0.5,
        )
        read_first = chance.choice(READ_FIRST)
        if not suffice(received[:read_first], happened_at, reach):
            continue
        stopped += 1
        told = [
            circumstances_among(
                latest_first_of(read),
                "weekly",
                Moments(happened_at, (happened_at,)),
                zone=ZONE,
                days_since_infusion=None,
                respondent=reach.respondent,
            )
            for read in (received[:read_first], [one for one in received if one.instrument != "baseline"])
        ]

        assert within(reach, told[0]) == within(reach, told[1]), seed
    assert CASES / 10 < stopped < CASES


def test_the_shipped_rules_look_back_a_week():
    assert rule_set().days_back == 7
