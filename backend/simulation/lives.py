"""A simulation from the empty database to its account."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta

from backend import clock
from backend.config import Settings
from backend.db import Database
from backend.jobs import work_of
from backend.simulation import assumptions as of
from backend.simulation.account import Account, give_account
from backend.simulation.fate import A_YEAR, Fate, draw_fates
from backend.simulation.stage import Stage, at, day_of
from backend.simulation.telephones import Telephones, Unseen
from backend.simulation.trial import LIFE, Progress, Trial
from backend.staff.sites import find_site, update_site
from backend.terms import ChannelKind
from seeds.demo.people import Staff, take_on
from seeds.demo.script import read_staff, usual_eligibility
from seeds.load import load_study

# A Monday. The same seed gives the same ledger whichever day it is today.
BEGINS = datetime.fromisoformat("2027-01-04T00:00:00+08:00")
SET_UP_BEFORE = timedelta(days=30)


def in_silence(_done: int, _of: int) -> None:
    """For whoever watches nothing."""


@dataclass(frozen=True)
class Scenario:
    """How many are enrolled, for how many years each is followed, what draws their lives, and when it begins."""

    patients: int
    years: float
    seed: int
    begins_at: datetime = BEGINS

    def fates(self) -> Sequence[Fate]:
        """Everybody's, in the order in which they are enrolled; the same each time."""
        return draw_fates(self.seed, self.patients, day_of(self.begins_at), self.years)


def live_through(
    db: Database,
    settings: Settings,
    scenario: Scenario,
    *,
    sites: Sequence[str] = of.SITES,
    staff: Staff | None = None,
    progress: Progress = in_silence,
) -> Account:
    """Live a whole trial in this empty database, or what happens of it at some ``sites``. Trial time moves.

    With ``staff`` it is a copy of a database in which ``set_up`` has taken them on. Afterwards trial time is real
    time again.
    """
    staff = staff or set_up(db, scenario)
    clock.stand_at(scenario.begins_at)
    try:
        stage = _stage(db, settings, staff, scenario.seed)
        fates = scenario.fates()
        ends_at = at(fates[-1].enrolled_on + timedelta(days=round(scenario.years * A_YEAR)), time(23, 0))
        theirs = [one for one in fates if one.site in sites]
        trial = Trial(stage, theirs, usual_eligibility(), ends_at)
        trial.live(progress)
        return give_account(stage, theirs, ends_at, trial.done, settings)
    finally:
        clock.stand_at(None)


def set_up(db: Database, scenario: Scenario) -> Staff:
    """Load the study unless it is there, and take on the staff, some time before the first patient."""
    clock.stand_at(scenario.begins_at - SET_UP_BEFORE)
    try:
        with db.transaction(LIFE) as txn:
            if find_site(txn, of.SITES[0]) is None:
                load_study(txn)
            staff = take_on(txn, read_staff())
            for code, extent in of.TEXT_SURVEYS.items():
                site = find_site(txn, code)
                assert site is not None, code
                update_site(txn, site, {"text_surveys": extent})
    finally:
        clock.stand_at(None)
    return staff


def _stage(db: Database, settings: Settings, staff: Staff, seed: int) -> Stage:
    telephones, work = Telephones(Unseen()), work_of(db, settings)
    work = replace(work, channels={**work.channels, ChannelKind.SMS: telephones})
    return Stage(db, work, staff, telephones, seed)
