"""How a questionnaire ends that nobody finishes: silence, the end of its time, a STOP, a death, another report.

Whatever had been answered is filed; where nothing was, nothing is. A tick looks after all of them; any number of
workers may, because each ends once.
"""

import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import or_, select

from backend.conversation_terms import LIVE, ConversationStatus
from backend.conversations import asking, drafts, filing, script, states
from backend.conversations.answers import Sender
from backend.conversations.models import Conversation
from backend.conversations.states import Happened
from backend.db import Database, Transaction, system
from backend.patients.models import Patient
from backend.patients.symptom_report import SymptomReport
from backend.sealing import is_forgotten
from backend.terms import NO_LONGER_FOLLOWED, ChannelKind, MessageStatus, PatientStatus, Tier
from notifications.models import Message

ASKER = system("asker")
# What needs a call the same day is not left lying for the rest of the week.
PATIENCE_WITH_T2 = timedelta(hours=2)
NO_LONGER_ASKED = NO_LONGER_FOLLOWED | {PatientStatus.WITHDRAWN_FROM_REPORTING}

log = logging.getLogger(__name__)


def of(txn: Transaction, sender: Sender) -> Sequence[Conversation]:
    """The live ones that this person answers, the newest first."""
    whose = sender.caregiver.id if sender.caregiver else None
    return [one for one in drafts.live(txn, sender.patient) if one.caregiver_id == whose]


def stop(txn: Transaction, patient: Patient, caregiver_id: UUID | None = None) -> None:
    """Nothing more is asked of whoever said STOP, and what they had answered is filed."""
    for survey in drafts.live(txn, patient):
        if survey.caregiver_id == caregiver_id:
            cut_short(txn, survey)


def cut_short(
    txn: Transaction, survey: Conversation, otherwise: ConversationStatus = ConversationStatus.BROKEN_OFF
) -> None:
    """End it before everything was asked. What was answered is filed; ``otherwise`` is the end where nothing was."""
    drafts.hold(txn, survey)
    if survey.ended_at is not None:
        return
    if survey.first_answer_at is not None:
        filing.file(txn, survey, status=how_it_ends_now(txn, survey))
    else:
        drafts.end(txn, survey, otherwise)


def how_it_ends_now(txn: Transaction, survey: Conversation) -> ConversationStatus:
    """Completed where everything was asked, partial where not."""
    values = drafts.values_of(drafts.answers_of(txn, survey))
    is_finished = script.is_finished(drafts.instrument_of(txn, survey), survey.extent, values)
    return ConversationStatus.COMPLETED if is_finished else ConversationStatus.PARTIAL


def is_overtaken(txn: Transaction, survey: Conversation) -> bool:
    """Whether another report has answered the same item meanwhile."""
    if survey.agenda_key is None:
        return False
    other = select(SymptomReport.id).where(
        SymptomReport.patient_id == survey.patient_id,
        SymptomReport.agenda_key == survey.agenda_key,
        SymptomReport.id != survey.report_id,
    )
    return txn.session.scalars(other.limit(1)).first() is not None


def break_off(txn: Transaction, survey: Conversation) -> None:
    """Another report has taken its place. What was answered here is filed beside that one."""
    if survey.first_answer_at is not None:
        filing.file(txn, survey, status=ConversationStatus.BROKEN_OFF)
    else:
        drafts.end(txn, survey, ConversationStatus.BROKEN_OFF)


def see_to_surveys(db: Database) -> Counter[str]:
    """Let stall what is silent, and end what must end, each in a transaction of its own."""
    done: Counter[str] = Counter()
    with db.reading(ASKER) as txn:
        live = txn.session.scalars(select(Conversation).where(Conversation.ended_at.is_(None))).all()
        # Held on to, because the session forgets what nobody holds.
        whose = txn.session.scalars(select(Patient).where(Patient.id.in_({one.patient_id for one in live}))).all()
        waiting = [one.id for one in live if _what_follows(txn, one) is not None]
        del whose
    for one in waiting:
        try:
            with db.transaction(ASKER) as txn:
                done.update(_see_to(txn, one))
        except Exception:
            # One that cannot be filed must not keep all the others open.
            log.exception("a survey could not be seen to", extra={"conversation_id": str(one)})
            done["surveys_failed"] += 1
    return done


def next_ending(txn: Transaction, after: datetime) -> datetime | None:
    """When the next of them may stall or end, if nobody answers before; None when none will."""
    live = txn.session.scalars(select(Conversation).where(Conversation.ended_at.is_(None))).all()
    return min((at for one in live for at in _turning_points(txn, one) if at > after), default=None)


def _turning_points(txn: Transaction, survey: Conversation) -> Iterator[datetime]:
    if survey.closes_at is not None:
        yield survey.closes_at
    since = asking.silent_since(txn, survey) if survey.status != ConversationStatus.PENDING else None
    if since is not None and survey.status in asking.RUNNING:
        yield since + asking.PATIENCE
    if since is not None and survey.first_answer_at is not None:
        yield since + PATIENCE_WITH_T2


def _see_to(txn: Transaction, conversation_id: UUID) -> list[str]:
    """In the patient's turn, what has to happen to it now; another worker may have been first."""
    survey = drafts.hold(txn, txn.session.get_one(Conversation, conversation_id))
    follows = _what_follows(txn, survey)
    if follows is None or is_forgotten(txn, survey.patient_id):
        return []
    if follows is Happened.FELL_SILENT:
        survey.status = states.after(survey.status, follows)
        return ["surveys_stalled"]
    if follows is Happened.OVERTAKEN:
        break_off(txn, survey)
    else:
        otherwise = ConversationStatus.BROKEN_OFF if _reached(txn, survey) else ConversationStatus.UNREACHABLE
        cut_short(txn, survey, otherwise)
    return ["surveys_ended"]


def _what_follows(txn: Transaction, survey: Conversation) -> Happened | None:
    """What time has done to it, from the most final; None when it may go on."""
    if survey.status not in LIVE:
        return None
    patient = txn.session.get_one(Patient, survey.patient_id)
    is_over = survey.closes_at is not None and survey.closes_at <= txn.now
    if is_over or patient.status in NO_LONGER_ASKED:
        return Happened.CUT_SHORT
    if is_overtaken(txn, survey):
        return Happened.OVERTAKEN
    return _after_silence(txn, survey)


def _after_silence(txn: Transaction, survey: Conversation) -> Happened | None:
    """Silence counts from when the question had arrived, or from the last answer if that was later."""
    is_urgent, is_running = survey.tier_so_far == Tier.T2, survey.status in asking.RUNNING
    if not is_urgent and not is_running:
        return None
    since = asking.silent_since(txn, survey)
    silent = txn.now - since if since is not None else timedelta(0)
    if is_urgent and silent >= PATIENCE_WITH_T2:
        return Happened.CUT_SHORT
    return Happened.FELL_SILENT if is_running and silent >= asking.PATIENCE else None


def _reached(txn: Transaction, survey: Conversation) -> bool:
    """Whether any question of it was ever sent."""
    of_it = Message.values[asking.CONVERSATION].as_string() == str(survey.id)
    about_its_item = Message.agenda_key == survey.agenda_key
    sent = select(Message.id).where(
        Message.patient_id == survey.patient_id,
        Message.channel == ChannelKind.SMS,
        Message.status.in_((MessageStatus.SENT, MessageStatus.DELIVERED)),
        or_(of_it, about_its_item),
    )
    return txn.session.scalars(sent.limit(1)).first() is not None
