"""A temperature that nobody had asked for: it is a report of its own, judged by the rules like every other.

After an infusion 38 degrees are an emergency, whether or not a questionnaire happens to be open.
"""

from decimal import Decimal
from uuid import NAMESPACE_OID, uuid5

from backend import clock
from backend.conversation_terms import AnswerChannel, Caveat, WhyHere
from backend.conversations import answers, script, surveys
from backend.conversations.answers import Sender
from backend.conversations.commands import may_know
from backend.conversations.reading import read_choice, read_temperature
from backend.db import Transaction
from backend.instruments.definition import Measurement, instrument
from backend.reports.submit import Submission, submit_report
from backend.terms import ReportMode, Respondent, Tier
from notifications import inbound
from notifications.models import InboundMessage

INSTRUMENT = "ad_hoc"
HOW = "temperature"
FEVER = Decimal(38)


def took(txn: Transaction, received: InboundMessage, sender: Sender) -> bool:
    """Whether the text was nothing but a temperature, of somebody whose answers count, and was filed."""
    is_in_the_app = received.number_index is None or received.in_reply_to is not None
    if is_in_the_app or not may_know(sender) or not answers.may_count(received, sender):
        return False
    degrees = _degrees_in(inbound.text_of(txn, received))
    if degrees is None:
        return False
    asked_by = instrument(txn, INSTRUMENT)
    is_one = _can_be(degrees, asked_by.measurements[script.TEMPERATURE])
    if not is_one or _is_for_a_survey(txn, received, sender, degrees):
        return False
    filed = submit_report(txn, sender.patient, _report(received, sender, asked_by.version, float(degrees)))
    answers.answer(txn, received, sender, _reply_to(filed.report.tier), HOW)
    return True


def is_nobodys_fever(txn: Transaction, received: InboundMessage, sender: Sender) -> bool:
    """Whether it tells of fever and cannot be filed: who wrote may not report, or has not shown who they are.

    Then a person reads it before anything else, and whoever wrote hears whom to call.
    """
    if received.number_index is None or (may_know(sender) and answers.may_count(received, sender)):
        return False
    degrees = _degrees_in(inbound.text_of(txn, received))
    if degrees is None or degrees < FEVER:
        return False
    if not _can_be(degrees, instrument(txn, INSTRUMENT).measurements[script.TEMPERATURE]):
        return False
    answers.say(txn, received, sender, "still_unclear_reply")
    patient = sender.patient
    inbound.leave_to_a_person(txn, received, patient_id=patient.id, site_id=patient.site_id, why=WhyHere.DANGER)
    return True


def _reply_to(tier: str | None) -> str:
    """Whom to call now; that somebody reads it, and whom to call if it cannot wait; or thanks."""
    if tier is None:
        return "thanks_reply"
    return "danger_reply" if tier == Tier.T1 else "still_unclear_reply"


def _is_for_a_survey(txn: Transaction, received: InboundMessage, sender: Sender, degrees: Decimal) -> bool:
    """Whether it is a survey's to take. Fever is heard whatever a survey asks, unless it had asked for just that."""
    turn = surveys.turn_of(txn, received, sender)
    if turn is None:
        return False
    return degrees < FEVER or (turn.asked == script.TEMPERATURE and turn.was_asked_before)


def _degrees_in(text: str) -> Decimal | None:
    """The number that is all the text says, unless it is one digit: that answers a question, and no body is so cold."""
    return None if read_choice(text) is not None else read_temperature(text)


def _can_be(degrees: Decimal, bounds: Measurement) -> bool:
    return bounds.minimum <= degrees <= bounds.maximum


def _report(received: InboundMessage, sender: Sender, version: int, degrees: float) -> Submission:
    at = clock.local(received.received_at, sender.patient.time_zone)
    return Submission(
        # The same text understood twice is the same report.
        id=uuid5(NAMESPACE_OID, f"temperature:{received.id}"),
        instrument=INSTRUMENT,
        instrument_version=version,
        language=sender.patient.language,
        respondent=Respondent.CAREGIVER if sender.caregiver else Respondent.PATIENT,
        mode=ReportMode.SMS,
        started_at=at,
        completed_at=at,
        measurements={script.TEMPERATURE: degrees},
        provenance={script.TEMPERATURE: {"channel": AnswerChannel.SMS, "at": received.received_at.isoformat()}},
        caveats=(Caveat.MODE_NOT_VALIDATED, Caveat.NOT_FINISHED),
    )
