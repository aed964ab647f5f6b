"""What truly becomes of each invented patient, drawn before the trial begins. The study is told only parts of it.

Kept in memory by the simulation alone, and written nowhere: the ledger holds what the study knows against it.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from random import Random
from typing import TypeVar

from backend import clock
from backend.agenda.days import plus_months
from backend.simulation import assumptions as of

One = TypeVar("One")
ZONE = "Asia/Shanghai"
A_YEAR = 365.25
MONTHS_A_YEAR = 12
BLOCK = 4
ENROLLED_AT = time(10, 30)
AT_NIGHT = time(23, 0)
SATURDAY = 5


@dataclass
class Fate:
    """One invented patient: what they are like, and what happens to them and when. Days are those of the home."""

    number: int
    site: str
    arm: str
    drug: str
    enrolled_on: date
    dies_on: date
    way: str
    adherence: str
    language: str
    birth_year: int
    preferred_time: time | None
    has_caregiver: bool
    news: str
    is_remembered_vaguely: bool
    answers_surveys: bool
    # What else happens: by name, on which day. Nothing of it after the death.
    turns: Mapping[str, date]
    chance: Random = field(repr=False)
    phone: str = ""
    caregivers_phone: str = ""
    name: str = ""
    caregivers_name: str = ""
    relation: str = "daughter"

    def lives_at(self, moment: datetime) -> bool:
        """Whether the patient truly is alive then: who dies does so at the end of the day."""
        return clock.local_day(moment, ZONE) <= self.dies_on

    def answers_at(self, moment: datetime) -> bool:
        """Alive, and not gone where nobody finds them."""
        vanishes_on = self.turns.get("vanishes", date.max)
        return self.lives_at(moment) and clock.local_day(moment, ZONE) < vanishes_on

    def happens(self, probability: float) -> bool:
        """Whether something of that probability happens, drawn from this patient's own stream."""
        return self.chance.random() < probability

    def day_between(self, days: tuple[int, int]) -> timedelta:
        """So many days, any number between the two alike."""
        return timedelta(days=self.chance.randint(*days))


def draw_fates(seed: int, patients: int, begins_on: date, years: float, months: float | None = None) -> list[Fate]:
    """Everybody who will be enrolled, in the order in which they are, the same for the same seed.

    All come within so many ``months``, or, where none are given, within what is usual for a trial of these years.
    """
    chance = Random(f"followup simulate {seed}")
    if months is None:
        months = min(of.ENROLMENT_MONTHS, years * MONTHS_A_YEAR * of.ENROLMENT_SHARE)
    last = max(1, (plus_months(begins_on, math.ceil(months)) - begins_on).days)
    days = sorted(_working_day(begins_on + timedelta(days=chance.randrange(last))) for _ in range(patients))
    arms = _in_blocks(chance, patients)
    return [_draw(seed, place, day, arm) for place, (day, arm) in enumerate(zip(days, arms, strict=True))]


def _draw(seed: int, place: int, enrolled_on: date, arm: str) -> Fate:
    # A stream of each patient's own: what one of them does moves nobody else's chances.
    chance = Random(f"followup simulate {seed} patient {place}")
    dies_on = enrolled_on + timedelta(days=_days_to_live(chance, arm))
    return Fate(
        number=place,
        site=chance.choice(of.SITES),
        arm=arm,
        drug=chance.choice(of.DRUGS),
        enrolled_on=enrolled_on,
        dies_on=dies_on,
        way=_weighted(chance, of.WAYS),
        adherence=_weighted(chance, of.ADHERENCE),
        language="en" if chance.random() < of.SPEAKS_ENGLISH else "zh-CN",
        birth_year=chance.randint(*of.BORN),
        preferred_time=chance.choice(of.PREFERRED_TIMES),
        has_caregiver=chance.random() < of.HAS_CAREGIVER,
        news=_weighted(chance, of.NEWS),
        is_remembered_vaguely=chance.random() < of.PARTIAL_DATE,
        answers_surveys=chance.random() < of.ANSWERS_SURVEYS_BY_TEXT,
        turns=_turns(chance, enrolled_on, dies_on),
        chance=chance,
        phone=f"+861990{place:07d}",
        caregivers_phone=f"+861991{place:07d}",
        name=f"Invented {place}",
        caregivers_name=f"Relative {place}",
    )


def _days_to_live(chance: Random, arm: str) -> int:
    """Weibull, with the median of the arm; from the day of randomisation on."""
    median = of.MEDIAN_MONTHS[arm] * of.DAYS_IN_A_MONTH
    scale = median / math.log(2) ** (1 / of.WEIBULL_SHAPE)
    return max(1, round(chance.weibullvariate(scale, of.WEIBULL_SHAPE)))


def _turns(chance: Random, since: date, dies_on: date) -> dict[str, date]:
    hazards = {
        "stops_texts": of.STOPS_TEXTS_A_YEAR,
        "changes_number": of.CHANGES_NUMBER_A_YEAR,
        "vanishes": of.VANISHES_A_YEAR,
        "withdraws_from_reporting": of.WITHDRAWS_FROM_REPORTING_A_YEAR,
        "withdraws_from_study": of.WITHDRAWS_FROM_STUDY_A_YEAR,
        "in_hospital": of.HOSPITAL_A_YEAR,
        "mistaken_death": of.MISTAKEN_DEATH_A_YEAR,
    }
    drawn = {
        what: since + timedelta(days=1 + int(chance.expovariate(hazard) * A_YEAR)) for what, hazard in hazards.items()
    }
    return {what: day for what, day in drawn.items() if day < dies_on}


def _in_blocks(chance: Random, patients: int) -> list[str]:
    arms: list[str] = []
    while len(arms) < patients:
        block = list(of.ARMS) * (BLOCK // len(of.ARMS))
        chance.shuffle(block)
        arms += block
    return arms[:patients]


def _weighted(chance: Random, shares: Mapping[One, float]) -> One:
    names: Sequence[One] = list(shares)
    return chance.choices(names, weights=[shares[name] for name in names])[0]


def _working_day(day: date) -> date:
    return day if day.weekday() < SATURDAY else day + timedelta(days=7 - day.weekday())
