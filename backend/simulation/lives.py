"""A simulation from the empty database to the ledger."""

from dataclasses import replace
from datetime import datetime, time, timedelta

from backend import clock
from backend.config import Settings
from backend.db import Database
from backend.jobs import work_of
from backend.simulation import assumptions as of
from backend.simulation.fate import A_YEAR, draw_fates
from backend.simulation.ledger import Ledger, draw_up
from backend.simulation.stage import Stage, at, day_of
from backend.simulation.telephones import Telephones
from backend.simulation.trial import LIFE, Progress, Trial
from backend.staff.sites import find_site, update_site
from backend.terms import ChannelKind
from seeds.demo.people import take_on
from seeds.demo.script import read_staff, usual_eligibility
from seeds.load import load_study

# A Monday. The same seed gives the same ledger whichever day it is today.
BEGINS = datetime.fromisoformat("2027-01-04T00:00:00+08:00")
SET_UP_BEFORE = timedelta(days=30)


def in_silence(_done: int, _of: int) -> None:
    """For whoever watches nothing."""


def live_through(
    db: Database,
    settings: Settings,
    *,
    patients: int,
    years: float,
    seed: int,
    begins_at: datetime = BEGINS,
    progress: Progress = in_silence,
) -> Ledger:
    """Live a whole trial in this empty database: everybody is followed for ``years`` at least. Trial time moves.

    Afterwards trial time is real time again.
    """
    try:
        stage = _set_up(db, settings, seed, begins_at)
        fates = draw_fates(seed, patients, day_of(begins_at), years)
        ends_at = at(fates[-1].enrolled_on + timedelta(days=round(years * A_YEAR)), time(23, 0))
        trial = Trial(stage, fates, usual_eligibility(), ends_at)
        trial.live(progress)
        return draw_up(stage, fates, ends_at, trial.done, settings)
    finally:
        clock.stand_at(None)


def _set_up(db: Database, settings: Settings, seed: int, begins_at: datetime) -> Stage:
    """Load the study unless it is there, and take on the staff, some time before the first patient."""
    clock.stand_at(begins_at - SET_UP_BEFORE)
    with db.transaction(LIFE) as txn:
        if find_site(txn, of.SITES[0]) is None:
            load_study(txn)
        staff = take_on(txn, read_staff())
        for code, extent in of.TEXT_SURVEYS.items():
            site = find_site(txn, code)
            assert site is not None, code
            update_site(txn, site, {"text_surveys": extent})
    clock.stand_at(begins_at)
    telephones, work = Telephones(db), work_of(db, settings)
    work = replace(work, channels={**work.channels, ChannelKind.SMS: telephones})
    return Stage(db, work, staff, telephones, seed)
