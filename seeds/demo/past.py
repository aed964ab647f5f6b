"""The demo's past, lived through from its first day to now: every act by the verb that does it, at its own time.

Nothing is inserted by hand. Between the acts the outbox is worked off at the moments at which something was
due, so that queue, conversation and audit trail hold what years of use would have left.
"""

from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from uuid import UUID

from sqlalchemy import func, select

from backend import clock, demo_clock
from backend.agenda.planning import replan
from backend.agenda.silence import CALLER, attend_to, look_at
from backend.db import Database, system
from backend.jobs import PLANNER, Work
from backend.patients.caregivers import CaregiverForm
from backend.patients.enrolment import EnrolmentForm, enrol
from backend.patients.models import Patient
from backend.staff.sites import find_site
from backend.terms import ChannelKind, MessageStatus, PatientStatus
from backend.worklist.items import next_pass_on, pass_on, to_pass_on
from notifications.models import Message
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


class Past:
    """Builds the past in an empty, migrated database that is marked as a demo's."""

    def __init__(self, work: Work, now: datetime) -> None:
        """``now`` is the moment at which the demo begins."""
        self._work = work
        self._db: Database = work.db
        self._now = now
        self._planned_until = now
        # When each patient would be silent for too long.
        self._silent_at: dict[UUID, datetime] = {}

    def build(self, progress: Progress) -> tuple[Staff, list[Invented]]:
        """Load the study, take on the staff, live through every act, and give each patient an unused code."""
        patients = read_patients(self._now, _site_zones())
        acts = acts_until(self._now, patients)
        clock.move_to(acts[0].moment - SET_UP_BEFORE)
        self._planned_until = clock.now()
        with self._db.transaction(OPERATOR) as txn:
            load_study(txn)
            self._staff = take_on(txn, read_staff())
            self._on_call_until = enter_rosters(txn, self._staff)
        for place, act in enumerate(acts):
            progress(place, len(acts))
            self._live_until(act.moment)
            self._do(act)
        self._live_until(self._now)
        self._enter_rosters()
        self._work.plan()
        self._work.dispatch()
        self._give_codes(patients)
        progress(len(acts), len(acts))
        return self._staff, patients

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
            patient = enrol(txn, site, _form(whose))
            whose.patient_id, whose.subject_number = patient.id, patient.subject_number
        if ChannelKind.IN_APP in whose.says["channels"]:
            deeds.sign_phone_in(scene)

    def _live_until(self, moment: datetime) -> None:
        """Let everything that falls due before ``moment`` happen, each at its own time."""
        while (due := self._next_due(moment)) is not None:
            self._move_to(due)
            if due >= self._planned_until:
                self._work.plan()
                self._planned_until = due + PLAN_EVERY
                if due + ROSTER_BEFORE > self._on_call_until:
                    self._enter_rosters()
            self._call(due)
            self._work.dispatch()
        self._move_to(moment)

    def _call(self, due: datetime) -> None:
        """At ``due`` somebody may have been silent for too long, or not have been telephoned by noon."""
        for patient_id in [one for one, at in self._silent_at.items() if at <= due]:
            self._look_at(patient_id)
        with self._db.transaction(CALLER) as txn:
            for task_id in to_pass_on(txn):
                pass_on(txn, task_id)

    def _look_at(self, patient_id: UUID) -> None:
        with self._db.reading(CALLER) as txn:
            found = look_at(txn, patient_id)
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
            waiting = select(func.min(Message.next_try_at)).where(Message.status == MessageStatus.QUEUED)
            dues = (txn.session.scalar(waiting), next_pass_on(txn, clock.now()))
        due = min((self._planned_until, *(due for due in dues if due), *self._silent_at.values()))
        return due if due < before else None

    def _move_to(self, moment: datetime) -> None:
        """Working takes real time, which may already have brought the clock past a moment that is close."""
        clock.move_to(max(moment, clock.now()))

    def _give_codes(self, patients: list[Invented]) -> None:
        for one in patients:
            if self._has_died(one):
                # Whatever was given out before opens nothing any more.
                one.activation_code = None
            elif one.activation_code is None:
                deeds.give_code(Scene(self._db, self._staff, one), {})

    def _has_died(self, one: Invented) -> bool:
        with self._db.reading(demo_clock.DEMO) as txn:
            return txn.session.get_one(Patient, one.id).status == PatientStatus.DIED


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
