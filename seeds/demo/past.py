"""The demo's past, lived through from its first day to now: every act by the verb that does it, at its own time.

Nothing is inserted by hand. Between the acts the outbox is worked off at the moments at which something was
due, so that queue, conversation and audit trail hold what years of use would have left.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Protocol
from uuid import UUID

from sqlalchemy import update

from backend import clock, demo_clock
from backend.agenda.planning import replan
from backend.agenda.silence import CALLER, attend_to, look_at_all
from backend.db import Database, Transaction, system
from backend.jobs import PLANNER, Work
from backend.patients.caregivers import CaregiverForm
from backend.patients.enrolment import EnrolmentForm, enrol
from backend.patients.models import Patient
from backend.staff.models import Site
from backend.staff.sites import find_site
from backend.terms import NO_LONGER_FOLLOWED, ChannelKind
from backend.worklist.items import next_pass_on, pass_on, to_pass_on
from notifications.waiting import next_message_at
from schemas.seed_files import read_seed_file
from schemas.sites_file import SitesFile
from seeds.demo import deeds
from seeds.demo.deeds import DEEDS, Scene
from seeds.demo.people import Staff, take_on
from seeds.demo.rosters import enter_further, enter_rosters
from seeds.demo.script import Act, Invented, acts_until, read_patients, read_staff
from seeds.load import SITES, load_study

OPERATOR = system("command line")
SET_UP_BEFORE = timedelta(days=30)
CONSENTED_BEFORE = timedelta(days=4)
# Well inside the horizon for which messages are stored. The worker plans every few minutes, which changes nothing
# but after these acts: what else moves the agenda replans by itself.
PLAN_EVERY = timedelta(days=28)
# Somebody is on call at every moment of the past.
ROSTER_BEFORE = timedelta(days=60)
NEVER = datetime.max.replace(tzinfo=UTC)
NEEDS_A_PLAN = frozenset({"enrolled", "report"})

Progress = Callable[[int, int], None]


class Company(Protocol):
    """Further patients, whom no script tells what to do: they live among those of the script, by rules of their own.

    From ``begins_at`` on the company lets the days go by for everybody: plans, sends, asks for calls.
    """

    begins_at: datetime
    days: int
    # Who they are, known as patients only once they have been enrolled.
    invented: list[Invented]

    def join(self, work: Work, staff: Staff) -> Work:
        """Begin. Says how everybody's messages go out from now on."""

    def live_until(self, moment: datetime, told: Callable[[int], None]) -> None:
        """Let everything happen that is due before ``moment``, and say how many days are over on the way."""

    def take_leave(self) -> None:
        """Do whatever is due at this moment, which is the last."""


class Past:
    """Builds the past in an empty, migrated database that is marked as a demo's."""

    def __init__(self, work: Work, now: datetime, company: Company | None = None) -> None:
        """``now`` is the moment at which the demo begins; without ``company`` those of the script are alone."""
        self._work = work
        self._db: Database = work.db
        self._now = now
        self._planned_until = now
        # When each patient would be silent for too long.
        self._silent_at: dict[UUID, datetime] = {}
        self._company, self._has_joined = company, False
        # Of those of the script, by site: how many there will be, and how many there are.
        self._expected: Counter[str] = Counter()
        self._enrolled: Counter[str] = Counter()
        self._acts = self._days = 0

    def build(self, progress: Progress, patients: list[Invented] | None = None) -> tuple[Staff, list[Invented]]:
        """Load the study, take on the staff, live through every act, and give each patient an unused code.

        ``patients`` are those of the script: all of them, unless said otherwise.
        """
        patients = read_patients(self._now, _site_zones()) if patients is None else patients
        further = self._company.invented if self._company else []
        acts = acts_until(self._now, patients, further)
        self._progress, self._of = progress, len(acts) + (self._company.days if self._company else 0)
        self._set_up(acts[0].moment, patients)
        for act in acts:
            self._tell()
            self._live_until(act.moment)
            self._do(act)
            self._acts += 1
        self._live_until(self._now)
        self._enter_rosters()
        if self._company:
            self._company.take_leave()
        self._work.plan()
        self._work.dispatch()
        self._give_codes([*patients, *further])
        progress(self._of, self._of)
        return self._staff, [*patients, *further]

    def _set_up(self, first: datetime, patients: Sequence[Invented]) -> None:
        clock.move_to(first - SET_UP_BEFORE)
        self._planned_until = clock.now()
        self._expected = Counter(one.says["site"] for one in patients)
        with self._db.transaction(OPERATOR) as txn:
            load_study(txn)
            self._staff = take_on(txn, read_staff())
            self._on_call_until = enter_rosters(txn, self._staff)

    def _do(self, act: Act) -> None:
        scene = Scene(self._db, self._staff, act.whose)
        if act.what["type"] == "enrolled":
            self._enrol(scene)
        else:
            DEEDS[act.what["type"]](scene, act.what)
        if act.what["type"] in NEEDS_A_PLAN:
            with self._db.transaction(PLANNER) as txn:
                replan(txn, txn.session.get_one(Patient, act.whose.id))
        self._look_at(act.whose.id)

    def _enrol(self, scene: Scene) -> None:
        whose = scene.whose
        with self._db.transaction(scene.coordinator) as txn:
            site = find_site(txn, whose.says["site"])
            assert site is not None
            reached = site.last_subject
            _count_from(txn, site, self._enrolled[site.code])
            patient = enrol(txn, site, _form(whose))
            self._enrolled[site.code] += 1
            _count_from(txn, site, max(reached, self._enrolled[site.code]))
            whose.patient_id, whose.subject_number = patient.id, patient.subject_number
        if ChannelKind.IN_APP in whose.says["channels"]:
            deeds.sign_phone_in(scene)

    def _live_until(self, moment: datetime) -> None:
        """Let everything that falls due before ``moment`` happen, each at its own time."""
        while (due := self._next_due(moment)) is not None:
            self._move_to(due)
            if self._company and due >= self._company.begins_at and not self._has_joined:
                self._let_join(self._company)
            if due >= self._planned_until:
                self._plan(due)
            self._call(due)
            if not self._has_joined:
                self._work.dispatch()
        self._move_to(moment)

    def _let_join(self, company: Company) -> None:
        """From here on it plans and sends for all. Those of the script keep the first numbers of their sites."""
        with self._db.transaction(OPERATOR) as txn:
            for code, expected in self._expected.items():
                site = find_site(txn, code)
                assert site is not None
                _count_from(txn, site, expected)
        self._work = company.join(self._work, self._staff)
        self._has_joined, self._planned_until = True, NEVER

    def _plan(self, due: datetime) -> None:
        self._work.plan()
        self._planned_until = due + PLAN_EVERY
        if due + ROSTER_BEFORE > self._on_call_until:
            self._enter_rosters()

    def _call(self, due: datetime) -> None:
        """At ``due`` somebody may have been silent for too long, or not have been telephoned by noon."""
        for patient_id in [one for one, at in self._silent_at.items() if at <= due]:
            self._look_at(patient_id)
        with self._db.transaction(CALLER) as txn:
            for task_id in to_pass_on(txn):
                pass_on(txn, task_id)

    def _look_at(self, patient_id: UUID) -> None:
        with self._db.reading(CALLER) as txn:
            found = look_at_all(txn, [patient_id])[patient_id]
        self._silent_at[patient_id] = found.next_at or NEVER
        if found.is_anything:
            with self._db.transaction(CALLER) as txn:
                attend_to(txn, patient_id)

    def _enter_rosters(self) -> None:
        with self._db.transaction(OPERATOR) as txn:
            self._on_call_until = enter_rosters(txn, self._staff)
            enter_further(txn, self._staff, self._on_call_until)

    def _next_due(self, before: datetime) -> datetime | None:
        with self._db.reading(demo_clock.DEMO) as txn:
            dues = [next_pass_on(txn, clock.now())]
            if not self._has_joined:
                dues += [next_message_at(txn), self._company.begins_at if self._company else None]
        due = min((self._planned_until, *(due for due in dues if due), *self._silent_at.values()))
        return due if due < before else None

    def _move_to(self, moment: datetime) -> None:
        """Working takes real time, which may already have brought the clock past a moment that is close."""
        if self._company and self._has_joined:
            self._company.live_until(moment, self._tell)
        else:
            clock.move_to(max(moment, clock.now()))

    def _tell(self, days: int = 0) -> None:
        """How much of it is over, in acts of the script and days of the company."""
        self._days = max(days, self._days)
        self._progress(self._acts + self._days, self._of)

    def _give_codes(self, patients: list[Invented]) -> None:
        for one in patients:
            if self._is_gone(one):
                # Whatever was given out before opens nothing any more.
                one.activation_code = None
            elif one.activation_code is None:
                deeds.give_code(Scene(self._db, self._staff, one), {})

    def _is_gone(self, one: Invented) -> bool:
        """Whether they have died or left, so that no telephone is signed in for them any more."""
        with self._db.reading(demo_clock.DEMO) as txn:
            return txn.session.get_one(Patient, one.id).status in NO_LONGER_FOLLOWED


def _count_from(txn: Transaction, site: Site, number: int) -> None:
    """The next to be enrolled at the site gets the number after this one."""
    txn.session.execute(update(Site).where(Site.id == site.id).values(last_subject=number))
    txn.session.refresh(site)


def _site_zones() -> dict[str, str]:
    """Where each site is: needed to say which day it is there, before the study is loaded."""
    return {site["code"]: site["time_zone"] for site in read_seed_file(SITES, SitesFile())["sites"]}


def _form(whose: Invented) -> EnrolmentForm:
    says = whose.says
    donor = {"donor_available": True} if says["arm"] == "nk" else {}
    preferred = says["preferred_time"]
    return EnrolmentForm(
        arm=says["arm"],
        targeted_drug=says["targeted_drug"],
        consented_on=whose.randomised_on - CONSENTED_BEFORE,
        randomised_on=whose.randomised_on,
        birth_year=says["birth_year"],
        name=says["name"],
        phone=says["phone"],
        language=says["language"],
        channels=tuple(says["channels"]),
        preferred_time=time.fromisoformat(preferred) if preferred else None,
        caregivers=tuple(CaregiverForm(**one) for one in says["caregivers"]),
        eligibility={**whose.eligibility, **donor},
    )
