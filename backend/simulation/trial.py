"""The years themselves: from one moment at which something is due to the next, everybody's in one go.

Between two such moments nothing could have happened. At each of them the same functions run that a worker runs, and
people act through the verbs that the doors call; what many do at one moment shares a transaction.
"""

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import UUID

from backend import audit, clock
from backend.adverse_events.safety_warnings import next_warning
from backend.agenda.planning import everyone, replan_all
from backend.agenda.silence import CALLER, Attended, attend_to_all
from backend.audit_seals import Sealer
from backend.conversations.handle import understand
from backend.db import Transaction, system
from backend.errors import FollowupError
from backend.jobs import PLANNED_TOGETHER, PLANNER
from backend.patients.models import Patient
from backend.simulation import assumptions as of
from backend.simulation import texting
from backend.simulation.diary import Entry
from backend.simulation.enrolling import enrol_patient
from backend.simulation.fate import Fate
from backend.simulation.hearing import hear
from backend.simulation.nights import see_to_the_day
from backend.simulation.stage import Person, Stage, at, day_of, next_hour
from backend.simulation.turns import ACTS
from backend.simulation.working import Desk
from backend.staff.days_off import is_working_day
from backend.triage.escalation import next_instant
from notifications.waiting import next_message_at
from seeds.demo.rosters import enter_rosters

log = logging.getLogger(__name__)

LIFE = system("simulation")
NEVER = datetime.max.replace(tzinfo=UTC)
NEW_DAY = time(0, 5)
# Inside the horizon for which messages are stored. Everybody who changed anything is planned the same night.
PLAN_EVERY = timedelta(days=28)
ROSTER_BEFORE = timedelta(days=60)
ENROLMENT = "enrolment"
# The simulated gateway is never shut, and quick.
AT_ONCE = 50
# More rounds at one moment than this, and something is due that nobody takes.
MOST_ROUNDS, A_MINUTE, A_SECOND = 50, timedelta(minutes=1), timedelta(seconds=1)
COUNTRY, MONDAY = "CN", 0

Progress = Callable[[int, int], None]


class Trial:
    """Lives through the years. ``done`` counts what was done, for the ledger."""

    def __init__(self, stage: Stage, fates: Sequence[Fate], eligibility: Mapping[str, Any], ends_at: datetime) -> None:
        """Nobody is enrolled yet."""
        self._stage, self._eligibility, self._ends_at = stage, eligibility, ends_at
        self._fates = {fate.number: fate for fate in fates}
        self._desk, self._sealer = Desk(stage), Sealer(stage.db)
        # When each would be silent for too long.
        self._silent_at: dict[int, datetime] = {}
        self._message_due = self._escalation_due = NEVER
        # Whether anything was done since that was asked which may have queued a message, or recalled one.
        self._has_news = False
        self._rounds = 0
        self.done: Counter[str] = Counter()
        for fate in fates:
            stage.diary.add(at(fate.enrolled_on, of.ENROLLED_AT), fate.number, ENROLMENT)

    def live(self, progress: Progress) -> None:
        """From the first enrolment to the end."""
        begins_at = clock.now()
        self.begin()
        while (due := self._next()) < self._ends_at:
            self._step(due)
            progress(int((due - begins_at) / A_MINUTE), int((self._ends_at - begins_at) / A_MINUTE))
        clock.stand_at(self._ends_at)
        self.close_the_books()
        progress(1, 1)

    def begin(self) -> None:
        """Nothing has happened before this moment."""
        now = clock.now()
        self._planned_until = self._on_call_until = self._plan_at = now
        self._look_at = self._next_look(now)

    def live_until(self, moment: datetime) -> None:
        """Let all happen that falls due before ``moment``, at which the clock then stands, or a little later.

        For a trial among whose patients others live too: what these have queued or reported meanwhile is looked for.
        """
        self._message_due, self._has_news, self._stage.is_urgent = clock.now(), True, True
        while (due := self._next()) < moment:
            self._step(due)
        clock.stand_at(max(moment, clock.now()))

    def _next(self) -> datetime:
        diary = self._stage.diary.next_at or NEVER
        return min(diary, self._message_due, self._escalation_due, self._plan_at, self._look_at)

    def _step(self, moment: datetime) -> None:
        now = clock.now()
        self._rounds = self._rounds + 1 if moment <= now else 0
        if self._rounds > MOST_ROUNDS:
            moment, self._rounds = now + A_MINUTE, 0
            self.done["waited for nothing"] += 1
        # It stands while everybody acts. What falls due by that falls due a second later, so that times stay an order.
        moment = max(moment, now + A_SECOND)
        clock.stand_at(moment)
        self.done["steps"] += 1
        self._act(list(self._stage.diary.due(moment)))
        if moment >= self._plan_at:
            self._begin_day(moment)
        if moment >= self._look_at:
            self._work_at_the_sites(moment)
        if moment >= self._escalation_due:
            self._escalate()
        self._send(moment)

    # --- people ------------------------------------------------------------------------------------------------

    def _act(self, entries: Sequence[Entry]) -> None:
        texts = [entry for entry in entries if entry.act in texting.ACTS]
        others = [entry for entry in entries if entry.act not in texting.ACTS]
        for some in _by(PLANNED_TOGETHER, others):
            self._do_together(some)
        people = self._stage.people
        for some in _one_of_each(texts):
            arrived = [texting.act(self._stage, people[one.number], one) for one in some if one.number in people]
            for received in arrived:
                if received is not None:
                    is_understood = understand(self._stage.db, received)
                    self.done.update(understood=int(is_understood), failed=int(not is_understood))
                    # Nearly every text is answered.
                    self._message_due = clock.now()

    def _do_together(self, entries: Sequence[Entry]) -> None:
        """In one transaction. What the product refuses of one undoes nobody else's."""
        if len(entries) == 1:
            # What is alone in its transaction goes with it, and needs to be no part of it.
            with self._may_be_refused(entries[0]), self._stage.db.transaction(LIFE) as txn, audit.together(txn):
                self._do(txn, entries[0])
            return
        with self._stage.db.transaction(LIFE) as txn, audit.together(txn):
            for entry in entries:
                with self._may_be_refused(entry), audit.attempt(txn):
                    self._do(txn, entry)

    @contextmanager
    def _may_be_refused(self, entry: Entry) -> Iterator[None]:
        """What the product refuses is counted."""
        try:
            yield
            self._has_news = True
        except FollowupError as refused:
            self.done[f"refused: {entry.act} ({refused.code})"] += 1

    def _do(self, txn: Transaction, entry: Entry) -> None:
        if entry.act == ENROLMENT:
            enrol_patient(self._stage, txn, self._fates[entry.number], self._eligibility)
        else:
            person = self._stage.people[entry.number]
            doing = ACTS[entry.act]
            patient = txn.session.get_one(Patient, person.id)
            doing.do(self._stage, txn.acting_as(doing.by(self._stage, person)), person, patient, entry.about)
        txn.session.flush()

    # --- what a worker does --------------------------------------------------------------------------------------

    def _begin_day(self, moment: datetime) -> None:
        """Whatever changed yesterday is planned anew; now and then everybody is, and the trail is sealed."""
        stage, done = self._stage, Counter[str]()
        to_plan = self._behind(moment)
        if moment >= self._planned_until:
            with stage.db.reading(PLANNER) as txn:
                to_plan = everyone(txn)
            self._planned_until = moment + PLAN_EVERY
            self._seal()
        for some in _by(PLANNED_TOGETHER, to_plan):
            with stage.db.transaction(PLANNER) as txn:
                planned = replan_all(txn, some)
            done.update(queued=planned.queued, recalled=planned.recalled)
        done.update(see_to_the_day(stage.db))
        # Who was heard of late may have said something that waits for somebody's decision.
        stage.is_urgent = stage.is_urgent or bool(done["surveys_ended"])
        self._ask_for_calls(moment)
        if moment + ROSTER_BEFORE > self._on_call_until:
            self._enter_rosters()
        self._plan_at = next_hour(moment, (NEW_DAY,))
        self._note(done)

    def _behind(self, moment: datetime) -> Sequence[UUID]:
        """Whose dates have changed, every night; on Mondays also those who have answered something.

        Their reminders were recalled when they answered; what it covers beside would be found out at release.
        """
        stage = self._stage
        behind = set(stage.moved)
        stage.moved.clear()
        if day_of(moment).weekday() == MONDAY:
            behind |= stage.touched
            stage.touched.clear()
        return [stage.people[number].id for number in sorted(behind)]

    def _enter_rosters(self) -> None:
        with self._stage.db.transaction(LIFE) as txn, audit.together(txn):
            self._on_call_until = enter_rosters(txn, self._stage.staff)

    def _ask_for_calls(self, moment: datetime) -> None:
        """Those who have been silent for too long by now, and those about whom a call may have become needless.

        At the beginning of a day and before the sites look at their lists: in between nobody would see a task.
        """
        stage = self._stage
        silent = {number for number, silent_at in self._silent_at.items() if silent_at <= moment}
        numbers = sorted(silent | stage.to_look_at)
        stage.to_look_at.clear()
        for some in _by(PLANNED_TOGETHER, [stage.people[number] for number in numbers]):
            with stage.db.transaction(CALLER) as txn:
                attended = attend_to_all(txn, [person.id for person in some])
            for person in some:
                self._expect_silence(person, attended[person.id])

    def _expect_silence(self, person: Person, attended: Attended) -> None:
        self._silent_at[person.fate.number] = attended.next_at or NEVER
        person.open_calls += attended.opened - attended.closed
        self._note(attended.counts)

    def _work_at_the_sites(self, moment: datetime) -> None:
        self._ask_for_calls(moment)
        if self._desk.work(self.done):
            self._has_news = True
        self._look_at = self._next_look(moment)

    def _escalate(self) -> None:
        self._note(self._stage.work.escalate())
        self._stage.is_urgent = True

    def _note(self, done: Mapping[str, int]) -> None:
        """Where jobs have done something, there may be something to send."""
        self.done.update(done)
        if any(done.values()):
            self._has_news = True

    def _send(self, moment: datetime) -> None:
        """Send what is due, and let people hear it."""
        if self._message_due > moment and (self._has_news or self._stage.is_urgent):
            with self._stage.db.reading(LIFE) as txn:
                self._look_ahead(txn, moment)
        if self._message_due > moment:
            return
        self.done.update(self._stage.work.dispatch(first_breath=AT_ONCE))
        with self._stage.db.reading(LIFE) as txn:
            self.done["heard"] += hear(self._stage, txn, moment)
            self._look_ahead(txn, moment)

    def _look_ahead(self, txn: Transaction, moment: datetime) -> None:
        """See when something is to be sent next, and when what waits for a decision goes on to somebody else."""
        self._message_due = next_message_at(txn) or NEVER
        if self._stage.is_urgent:
            ahead = (next_instant(txn, after=moment), next_warning(txn, after=moment))
            self._escalation_due = min((one for one in ahead if one is not None), default=NEVER)
        self._has_news = self._stage.is_urgent = False

    def _next_look(self, after: datetime) -> datetime:
        """The next hour of a working day at which the sites look at their lists."""
        moment = next_hour(after, of.STAFF_LOOK_AT)
        while not is_working_day(day_of(moment), COUNTRY):
            moment = next_hour(moment, of.STAFF_LOOK_AT)
        return moment

    def close_the_books(self) -> None:
        """Plan, ask for calls, send and seal whatever is due at this moment, which is the last."""
        self.done.update(self._stage.work.plan())
        self.done.update(self._stage.work.see_to_surveys())
        self._stage.to_look_at.update(self._stage.people)
        self._ask_for_calls(self._ends_at)
        self.done.update(self._stage.work.dispatch())
        self._seal()

    def _seal(self) -> None:
        self._sealer.seal_waiting()
        self._stage.work.checkpoint()


def _one_of_each(entries: Sequence[Entry]) -> Iterator[Sequence[Entry]]:
    """One of each patient's at a time: of two texts by one hand the first is understood before the second comes."""
    left = list(entries)
    while left:
        first = {one.number: one for one in reversed(left)}
        yield [one for one in left if first[one.number] is one]
        left = [one for one in left if first[one.number] is not one]


def _by(size: int, everybody: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for first in range(0, len(everybody), size):
        yield everybody[first : first + size]
