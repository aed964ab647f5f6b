"""Where acts happen: the database, those who work there, who has been enrolled, and what is to come."""

from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from random import Random
from uuid import UUID

from backend import clock
from backend.db import Actor, Database
from backend.jobs import Work
from backend.simulation.diary import Diary
from backend.simulation.fate import ZONE, Fate
from backend.simulation.forms import Forms
from backend.simulation.telephones import Telephones
from backend.terms import Originator, Role
from seeds.demo.people import Staff


@dataclass
class Person:
    """Somebody who has been enrolled, as far as the simulation must remember them while the trial goes on."""

    fate: Fate
    id: UUID
    subject_number: str
    phone: str
    open_calls: int = 0
    # Prompts that are about to be answered, by agenda key.
    answering: set[str] = field(default_factory=set)
    cells_given_on: list[date] = field(default_factory=list)
    has_stopped_texts: bool = False

    @property
    def actor(self) -> Actor:
        """The patient, on their own phone."""
        return Actor(Originator.PATIENT, id=self.id, name=self.subject_number)

    @property
    def has_app(self) -> bool:
        """Whether they answer in the app."""
        return self.fate.way != "texts"

    @property
    def has_texts(self) -> bool:
        """Whether texts reach them."""
        return self.fate.way != "app_alone"


@dataclass
class Stage:
    """Everything an act may need. ``seed`` is for chances that belong to no patient's own stream."""

    db: Database
    work: Work
    staff: Staff
    telephones: Telephones
    seed: int
    forms: Forms = field(default_factory=Forms)
    diary: Diary = field(default_factory=Diary)
    people: dict[int, Person] = field(default_factory=dict)
    by_id: dict[UUID, Person] = field(default_factory=dict)
    # Who has answered something, whose dates have moved, and about whose calls something may have changed.
    touched: set[int] = field(default_factory=set)
    moved: set[int] = field(default_factory=set)
    to_look_at: set[int] = field(default_factory=set)
    # Whether anything was reported that waits for somebody's decision, so that escalation may fall due.
    is_urgent: bool = True

    def enter(self, person: Person) -> None:
        """Somebody was enrolled."""
        self.people[person.fate.number] = person
        self.by_id[person.id] = person

    def at(self, person: Person, role: Role) -> Actor:
        """Who holds the role at the patient's site."""
        return self.staff.at(person.fate.site, role)

    def coordinator(self, person: Person) -> Actor:
        """The coordinator of the patient's site."""
        return self.at(person, Role.COORDINATOR)

    def on_behalf(self, person: Person) -> Actor:
        """The coordinator, entering what the patient says."""
        return replace(self.coordinator(person), originator=Originator.SITE_ON_BEHALF)

    def acted(self, person: Person) -> None:
        """Something changed on which the plan of messages and the calls rest."""
        self.touched.add(person.fate.number)
        if person.open_calls:
            self.to_look_at.add(person.fate.number)

    def changed_calendar(self, person: Person) -> None:
        """The dates themselves have changed, and with them when somebody is silent."""
        self.moved.add(person.fate.number)
        self.to_look_at.add(person.fate.number)

    def dice(self, *about: object) -> Random:
        """Chances of a decision that rests on stored rows: the same whatever ids the rows were given."""
        return Random(":".join(map(str, (self.seed, *about))))


def at(day: date, hour: time) -> datetime:
    """The instant of an hour of a day where everybody of a simulation lives."""
    return clock.at_local(day, hour, ZONE)


def day_of(moment: datetime) -> date:
    """Which day it is there."""
    return clock.local_day(moment, ZONE)


def next_hour(after: datetime, hours: tuple[time, ...], skip: int = 0) -> datetime:
    """The next of these hours after a moment, or ``skip`` later ones."""
    today = day_of(after)
    ahead = (at(today + timedelta(days=days), hour) for days in range(2 + skip) for hour in hours)
    return [moment for moment in ahead if moment > after][skip]
