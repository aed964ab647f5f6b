"""The demo's files as acts in the order of time: who, what and at which moment, seen from now."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any
from uuid import UUID

from backend import clock
from backend.agenda.days import plus_months
from schemas.demo_files import FurtherPatientsFile, PatientsFile, StaffFile
from schemas.seed_files import read_seed_file

FOLDER = Path(__file__).parent
ENROLLED_AT = time(10, 30)
# People do not report at the same minute every week.
SPREAD_MINUTES = 19


@dataclass
class Invented:
    """An invented patient: what the file says, and who they have become."""

    says: Mapping[str, Any]
    eligibility: Mapping[str, Any]
    randomised_on: date
    zone: str
    patient_id: UUID | None = None
    activation_code: str | None = None
    subject_number: str = ""

    @property
    def id(self) -> UUID:
        """The patient's id, once enrolled."""
        assert self.patient_id is not None
        return self.patient_id


@dataclass(frozen=True, order=True)
class Act:
    """Something somebody did. ``place`` keeps acts of one moment in the order of the file."""

    moment: datetime
    place: int
    whose: Invented = field(compare=False)
    what: Mapping[str, Any] = field(compare=False)


def read_staff() -> dict[str, Any]:
    """Who works on the demo. Raises ``BadSeedFile``."""
    return read_seed_file(FOLDER / "staff.yaml", StaffFile())


def read_patients(now: datetime, zones: Mapping[str, str]) -> list[Invented]:
    """The invented patients, randomised so long before ``now`` as the file says. Raises ``BadSeedFile``."""
    said = read_seed_file(FOLDER / "patients.yaml", PatientsFile())
    return [_invented(one, said["eligibility"], now, zones[one["site"]]) for one in said["patients"]]


def usual_eligibility() -> dict[str, Any]:
    """What is attested of everybody but for their own laboratory. Raises ``BadSeedFile``."""
    usual: dict[str, Any] = read_seed_file(FOLDER / "patients.yaml", PatientsFile())["eligibility"]
    return usual


def read_further() -> list[dict[str, Any]]:
    """Who may join those of the script, in the order in which they do. Raises ``BadSeedFile``."""
    people: list[dict[str, Any]] = read_seed_file(FOLDER / "further.yaml", FurtherPatientsFile())["people"]
    return people


@cache
def scripted_numbers() -> frozenset[str]:
    """The telephones of those who live by the script, and of their families."""
    said = read_seed_file(FOLDER / "patients.yaml", PatientsFile())["patients"]
    return frozenset(phone["phone"] for one in said for phone in (one, *one["caregivers"]))


def acts_until(now: datetime, patients: Sequence[Invented], further: Sequence[Invented] = ()) -> list[Act]:
    """What all of them did until ``now``, in the order of time; each begins with an enrolment, but for ``further``
    patients, who are enrolled by somebody else.
    """
    acts = []
    for one in patients:
        enrolled_at = clock.at_local(one.randomised_on, ENROLLED_AT, one.zone)
        acts.append(Act(enrolled_at, -1, one, {"type": "enrolled"}))
    for one in (*patients, *further):
        for place, what in enumerate(one.says["past"]):
            acts.extend(Act(moment, place, one, what) for moment in _moments(one, what, now))
    return sorted(act for act in acts if act.moment < now)


def _invented(says: Mapping[str, Any], usual: Mapping[str, Any], now: datetime, zone: str) -> Invented:
    since = says["randomised"]
    today = clock.local_day(now, zone)
    randomised_on = plus_months(today - timedelta(days=since["days"]), -since["months"])
    return Invented(says, {**usual, **says["laboratory"]}, randomised_on, zone)


def _moments(one: Invented, what: Mapping[str, Any], now: datetime) -> Iterator[datetime]:
    if "ago" in what:
        yield now - timedelta(minutes=what["ago"])
        return
    for month, days in product(what.get("month", [0]), what.get("day", [0])):
        day = plus_months(one.randomised_on, month) + timedelta(days=days)
        spread = timedelta(minutes=day.toordinal() * 7 % SPREAD_MINUTES)
        yield clock.at_local(day, time.fromisoformat(what["at"]), one.zone) + spread
