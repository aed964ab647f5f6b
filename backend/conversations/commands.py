"""What a text that is one word gets done, where no questionnaire takes it: a call, how a report stands, our number."""

from sqlalchemy import select

from backend import clock
from backend.conversations import answers, form_letters
from backend.conversations.answers import Sender
from backend.conversations.reading import Command
from backend.db import Transaction
from backend.patients.models import Patient
from backend.patients.symptom_report import SymptomReport
from backend.reports.progress import ASKED, NOTHING_TO_DO, WATCHED, Progress, State, progress_of
from backend.terms import OPEN_CANDIDATE_STATUSES, Tier
from backend.triage.models import CandidateEvent
from notifications.models import InboundMessage

NO_REPORT = "status_none_reply"
# By text message the three ways of having decided are one: what was found is for a talk, not for a lock screen.
SAID_AS = {
    State.RECEIVED: "status_received_reply",
    NOTHING_TO_DO: "status_nothing_to_do_reply",
    State.SEEN: "status_seen_reply",
    ASKED: "status_asked_reply",
    WATCHED: "status_watched_reply",
    State.DECIDED: "status_decided_reply",
}
# Nobody reads these while somebody is being called about what was written after the report.
ALL_IS_WELL = frozenset({SAID_AS[NOTHING_TO_DO], SAID_AS[State.DECIDED]})


def obey(txn: Transaction, received: InboundMessage, sender: Sender, command: Command) -> None:
    """Do what the word asks for. A word that asks for nothing here is for a person, as any other.

    What is written in the app under a message of ours answers that message: there a word is only a word.
    """
    if command is Command.HELP:
        answers.answer(txn, received, sender, "help_reply", "help")
    elif received.in_reply_to is not None:
        answers.take_words(txn, received, sender)
    elif command is Command.CALL:
        # "Call me" may also be the answer to what the team has asked; it is called for all the same.
        answers.is_an_answer(txn, received, sender)
        answers.take_call(txn, received, sender)
    elif command is Command.STATUS and may_know(sender):
        _say_how_the_last_report_stands(txn, received, sender)
    elif command is Command.LINK and may_know(sender) and answers.may_count(received, sender):
        form_letters.send_link(txn, received, sender)
    else:
        answers.take_words(txn, received, sender)


def may_know(sender: Sender) -> bool:
    """What became of a report is told to its patient, and to whom the patient lets report."""
    return sender.caregiver is None or sender.caregiver.may_report


def _say_how_the_last_report_stands(txn: Transaction, received: InboundMessage, sender: Sender) -> None:
    report = _last_report(txn, sender.patient)
    if report is None:
        answers.answer(txn, received, sender, NO_REPORT, "status")
        return
    template = template_for(progress_of(txn, [report])[report.id])
    if template in ALL_IS_WELL and _is_urgent_since(txn, report):
        template = SAID_AS[State.RECEIVED]
    day = clock.local_day(report.completed_at, sender.patient.time_zone)
    answers.answer(txn, received, sender, template, "status", values={"date": day.isoformat()})


def template_for(how_far: Progress) -> str:
    """Which text says it."""
    return SAID_AS.get(how_far.words, SAID_AS[how_far.state])


def _last_report(txn: Transaction, patient: Patient) -> SymptomReport | None:
    """The one that reached us last, whoever filled it in and by what way."""
    newest_first = (SymptomReport.received_at.desc(), SymptomReport.id.desc())
    of_patient = select(SymptomReport).where(SymptomReport.patient_id == patient.id)
    return txn.session.scalars(of_patient.order_by(*newest_first).limit(1)).first()


def _is_urgent_since(txn: Transaction, report: SymptomReport) -> bool:
    """Whether an emergency is open that was told since then, as words of danger in a text are."""
    told_since = select(CandidateEvent.id).where(
        CandidateEvent.patient_id == report.patient_id,
        CandidateEvent.tier == Tier.T1,
        CandidateEvent.status.in_(OPEN_CANDIDATE_STATUSES),
        CandidateEvent.last_reported_at >= report.received_at,
    )
    return txn.session.scalars(told_since.limit(1)).first() is not None
