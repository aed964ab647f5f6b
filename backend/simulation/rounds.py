"""What physicians make of a company's candidates and scans: adverse events, signed in the end, and assessments."""

import contextlib
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from random import Random

from sqlalchemy import select

from backend import audit, clock
from backend.adverse_events.judgement import GOING_ON, Judgement
from backend.adverse_events.models import AdverseEvent
from backend.adverse_events.recording import change, confirm, recompute
from backend.adverse_events.signing import Hand, sign
from backend.agenda.facts import FactKind
from backend.agenda.models import AgendaFact
from backend.db import Transaction, system
from backend.errors import FollowupError
from backend.event_terms import ActionTaken, EventOutcome, Relation, TumourResponse
from backend.patients import tumour_assessments
from backend.patients.models import Patient
from backend.simulation import assumptions as of
from backend.simulation.stage import Person, Stage, day_of
from backend.staff.sessions import sign_out
from backend.staff.sign_in import sign_in
from backend.terminology.terms import term_of
from backend.terms import CandidateStatus, Role
from backend.triage.models import CandidateEvent

PHYSICIANS = system("simulated physicians")
SCAN, FIRST_SCAN = "imaging.m", "imaging.m0"
MEANING = "Reviewed and approved"


class Rounds:
    """The investigators' rounds, made every few days."""

    def __init__(self, stage: Stage) -> None:
        """None was made yet."""
        self._stage = stage
        self._since = clock.now()
        self._hands: dict[str, Hand] = {}

    def make(self) -> None:
        """Judge what waits, read the scans made since the last round, and close and sign what is long over."""
        with self._stage.db.transaction(PHYSICIANS) as txn:
            for candidate in _waiting(txn):
                self._judge(txn, candidate)
            for fact in _scans_since(txn, self._since):
                self._read(txn, fact)
            over = [(self._stage.by_id[event.patient_id], event.id) for event in self._long_over(txn)]
        for person, event_id in over:
            self._close_and_sign(person, event_id)
        self._since = clock.now()

    def end(self) -> None:
        """Whatever happened since an event began is held against it once more, and nobody stays signed in."""
        with self._stage.db.transaction(PHYSICIANS) as txn:
            for person in self._stage.people.values():
                recompute(txn, txn.session.get_one(Patient, person.id))
            for hand in self._hands.values():
                sign_out(txn, hand.token)
        self._hands.clear()

    # --- candidates ----------------------------------------------------------------------------------------------

    def _judge(self, txn: Transaction, candidate: CandidateEvent) -> None:
        person = self._stage.by_id.get(candidate.patient_id)
        if person is None:
            return
        dice = self._stage.dice(person.fate.number, "is an adverse event", candidate.subject, candidate.onset_on)
        if dice.random() >= of.IS_AN_ADVERSE_EVENT:
            return
        judgement = _judgement(txn, candidate, person, dice)
        if judgement is not None:
            with contextlib.suppress(FollowupError), audit.attempt(txn):
                confirm(txn.acting_as(self._stage.at(person, Role.INVESTIGATOR)), candidate, judgement)

    def _long_over(self, txn: Transaction) -> Iterator[AdverseEvent]:
        drafts = select(AdverseEvent).where(
            AdverseEvent.signature_id.is_(None),
            AdverseEvent.voided_at.is_(None),
            AdverseEvent.recorded_at <= txn.now - of.SIGNED_AFTER,
        )
        for event in txn.session.scalars(drafts.order_by(AdverseEvent.recorded_at, AdverseEvent.term_code)).all():
            if event.patient_id in self._stage.by_id:
                yield event

    def _close_and_sign(self, person: Person, event_id: object) -> None:
        """Whatever it was is over by now, unless the patient is not there any more to say so."""
        investigator = self._stage.at(person, Role.INVESTIGATOR)
        with self._stage.db.transaction(investigator) as txn:
            event = txn.session.get_one(AdverseEvent, event_id)
            if event.outcome in GOING_ON and person.fate.answers_at(txn.now):
                ended = {"outcome": EventOutcome.RECOVERED, "ended_on": day_of(txn.now).isoformat()}
                with contextlib.suppress(FollowupError):
                    change(txn, event, ended, reason="Seen at a visit.", seen_version=event.version)
        hand = self._hand(person.fate.site)
        with self._stage.db.transaction(investigator) as txn:
            sign(txn, txn.session.get_one(AdverseEvent, event_id), hand, MEANING)

    def _hand(self, site: str) -> Hand:
        """Of the site's investigator, who has signed in once for all of it."""
        if site not in self._hands:
            members = self._stage.staff.members
            who = next(one for one in members if (one.site, one.role) == (site, Role.INVESTIGATOR))
            with self._stage.db.transaction(PHYSICIANS) as txn:
                self._hands[site] = Hand(sign_in(txn, who.email, who.password).access_token, who.password)
        return self._hands[site]

    # --- scans -----------------------------------------------------------------------------------------------------

    def _read(self, txn: Transaction, fact: AgendaFact) -> None:
        person = self._stage.by_id.get(fact.patient_id)
        if person is None or fact.key == FIRST_SCAN:
            return
        patient = txn.session.get_one(Patient, person.id)
        known = [one.response for one in tumour_assessments.assessments_of(txn, patient)]
        seen = tumour_assessments.Seen(fact.on, self._response(person, fact.on, known))
        with contextlib.suppress(FollowupError), audit.attempt(txn):
            tumour_assessments.record(txn.acting_as(self._stage.coordinator(person)), patient, seen)

    def _response(self, person: Person, on: date, known: Sequence[str]) -> TumourResponse:
        """What grew goes on growing; so it does in the last months of a life."""
        if TumourResponse.PD in known or person.fate.dies_on - on < of.GROWS_BEFORE_DEATH:
            return TumourResponse.PD
        dice = self._stage.dice(person.fate.number, "scan", len(known))
        shares = of.TUMOUR_RESPONSE[person.fate.arm]
        return TumourResponse(dice.choices(list(shares), weights=list(shares.values()))[0])


def _waiting(txn: Transaction) -> Sequence[CandidateEvent]:
    """What somebody took note of and nobody has judged."""
    rows = select(CandidateEvent).where(CandidateEvent.status == CandidateStatus.ACKNOWLEDGED)
    return txn.session.scalars(rows.order_by(CandidateEvent.opened_at, CandidateEvent.subject)).all()


def _scans_since(txn: Transaction, since: datetime) -> Sequence[AgendaFact]:
    rows = select(AgendaFact).where(
        AgendaFact.recorded_at > since, AgendaFact.kind == FactKind.ATTENDED, AgendaFact.key.startswith(SCAN)
    )
    return txn.session.scalars(rows.order_by(AgendaFact.recorded_at, AgendaFact.patient_id, AgendaFact.key)).all()


def _judgement(txn: Transaction, candidate: CandidateEvent, person: Person, dice: Random) -> Judgement | None:
    """As a physician would: nothing serious, and related perhaps. None where there is no term or no such grade."""
    term = term_of(txn, candidate.term_code) if candidate.term_code else None
    if term is None or term.specify:
        return None
    proposed = candidate.provisional_grade or candidate.worst["composite"] or of.GRADE_BY_TIER[candidate.tier]
    grades = sorted((grade for grade in term.grades if grade < of.FATAL), key=lambda grade: abs(grade - proposed))
    has_cells = person.fate.arm == "nk"
    owes_to_cells = (Relation.POSSIBLE if person.cells_given_on else Relation.NOT_RELATED) if has_cells else None
    return Judgement(
        term_code=term.code,
        grade=grades[0],
        onset_on=candidate.onset_on.isoformat(),
        outcome=EventOutcome.RECOVERING,
        relation_cells=owes_to_cells or Relation.NOT_APPLICABLE,
        relation_drug=dice.choice((Relation.UNLIKELY, Relation.POSSIBLE, Relation.PROBABLE)),
        action_cells=ActionTaken.NONE if has_cells else ActionTaken.NOT_APPLICABLE,
        action_drug=ActionTaken.REDUCED if grades[0] >= of.SEVERE else ActionTaken.NONE,
    )
