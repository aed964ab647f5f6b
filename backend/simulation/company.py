"""Further patients of a demo: no script says what they do, they live by the simulation's rules beside the others.

Whoever makes the demo moves from one scripted act to the next. In between, everything that falls due is worked off as
in a simulation, for everybody, and the further patients answer, fall ill, move, leave and die as was drawn for them.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, time, timedelta
from typing import Any

from backend import clock
from backend.jobs import Work
from backend.simulation.enrolling import CHANNELS
from backend.simulation.fate import ZONE, Fate, draw_fates
from backend.simulation.rounds import Rounds
from backend.simulation.stage import Stage, at, day_of, next_hour
from backend.simulation.telephones import Telephones
from backend.simulation.trial import Trial
from backend.terms import ChannelKind
from notifications.channels.simulator import Simulator
from seeds.demo.people import Staff
from seeds.demo.script import Invented, read_further, usual_eligibility

# Among those drawn from it: deaths in both arms, somebody who leaves, a stay in hospital, a new number.
SEED = 4152
DAYS, YEARS = 245, 1.0
# All of them come in the first seven of those eight months, and in so much less of a shorter time.
ENROLLING_MONTHS = 7
# Often enough that no candidate is let go before a physician has seen it.
ROUND_AT, BETWEEN_ROUNDS = time(16, 0), timedelta(days=3)


class Company:
    """So many further patients, who come in the months before ``until``. None of them is enrolled yet."""

    def __init__(self, size: int, until: datetime, days: int = DAYS) -> None:
        """The first ``size`` of the file, whose fates are drawn here; the first comes so many days before the end."""
        people = read_further()
        self.days = days
        self.begins_at = at(day_of(until) - timedelta(days=days), time(0))
        fates = draw_fates(SEED, len(people), day_of(self.begins_at), YEARS, days * ENROLLING_MONTHS / DAYS)
        self._until = until
        self._fates = [_named(fate, who) for fate, who in zip(fates, people, strict=True)][:size]
        self.invented = [_invented(fate, who["now"]) for fate, who in zip(self._fates, people, strict=False)]

    def join(self, work: Work, staff: Staff) -> Work:
        """Begin to live. Says with which telephones everybody's messages go out from now on."""
        telephones = Telephones(Simulator(work.db))
        work = replace(work, channels={**work.channels, ChannelKind.SMS: telephones})
        clock.stand_at(clock.now())
        self._stage = Stage(work.db, work, staff, telephones, SEED)
        self._trial = Trial(self._stage, self._fates, usual_eligibility(), self._until)
        self._rounds = Rounds(self._stage)
        self._round_at = next_hour(clock.now(), (ROUND_AT,))
        self._trial.begin()
        return work

    def live_until(self, moment: datetime, told: Callable[[int], None]) -> None:
        """Let everything happen that falls due before ``moment``, at which the clock then stands.

        ``told`` hears how many of the days are over.
        """
        while self._round_at < moment:
            self._trial.live_until(self._round_at)
            self._rounds.make()
            self._round_at += BETWEEN_ROUNDS
            told((clock.now() - self.begins_at).days)
        self._trial.live_until(moment)
        self._say_who_they_are()

    def take_leave(self) -> None:
        """Whatever is due now is done, and the trail is sealed."""
        self._rounds.end()
        self._trial.close_the_books()
        self._say_who_they_are()

    def _say_who_they_are(self) -> None:
        for number, person in self._stage.people.items():
            one = self.invented[number]
            one.patient_id, one.subject_number = person.id, person.subject_number
            one.says = {**one.says, "phone": person.phone}


def _named(fate: Fate, who: Mapping[str, Any]) -> Fate:
    return replace(fate, **{name: value for name, value in who.items() if name != "now"})


def _invented(fate: Fate, now: list[dict[str, Any]]) -> Invented:
    says = {
        "site": fate.site,
        "arm": fate.arm,
        "phone": fate.phone,
        "birth_year": fate.birth_year,
        "channels": CHANNELS[fate.way],
        "past": now,
    }
    # What is attested of them is the simulation's affair.
    return Invented(says, {}, fate.enrolled_on, ZONE)
