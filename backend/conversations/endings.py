"""How a questionnaire ends that nobody finishes: silence, the end of its time, a STOP, a death, another report.

Whatever had been answered is filed; where nothing was, nothing is. A tick looks after all of them; any number of
workers may, because each ends once.
"""

import logging
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Select, bindparam, exists, or_, select

from backend import audit
from backend.among import among
from backend.conversation_terms import ConversationStatus
from backend.conversations import asking, drafts, filing, script, states
from backend.conversations.answers import Sender
from backend.conversations.asking import Put
from backend.conversations.models import Conversation
from backend.conversations.states import Happened
from backend.db import Database, Transaction, system
from backend.indexes import word
from backend.patients.models import Patient
from backend.patients.symptom_report import SymptomReport
from backend.patients.turns import hold_still
from backend.sealing import is_forgotten, open_keys
from backend.terms import NO_LONGER_FOLLOWED, ChannelKind, MessageStatus, PatientStatus, Tier
from notifications.models import Message

ASKER = system("asker")
# What needs a call the same day is not left lying for the rest of the week.
PATIENCE_WITH_T2 = timedelta(hours=2)
# So few that nobody need wait long who acts about one of their patients.
SEEN_TO_TOGETHER = 20
NO_LONGER_ASKED = NO_LONGER_FOLLOWED | {PatientStatus.WITHDRAWN_FROM_REPORTING}

log = logging.getLogger(__name__)


class _Standing(NamedTuple):
    """A conversation that has not ended, and what may end it: how its patient stands, another report, silence.

    ``survey`` is a plain row with the same names where it is only looked at.
    """

    survey: Conversation | Any
    patient_status: str
    is_overtaken: bool
    question: Put | None


_SURVEY, _PATIENT = Conversation.__table__, Patient.__table__
_REPORT, _MESSAGE, _ROW = SymptomReport.__table__, Message.__table__, Conversation.__table__.c
# Whether another report has answered the same item meanwhile.
IS_OVERTAKEN = exists().where(
    _REPORT.c.patient_id == _ROW.patient_id, _REPORT.c.agenda_key == _ROW.agenda_key, _REPORT.c.id != _ROW.report_id
)


def _live(*of_each: Any) -> Select[Any]:
    return (
        select(*of_each, _PATIENT.c.status.label("patient_status"), IS_OVERTAKEN.label("is_overtaken"), *asking.PUT)
        .select_from(_SURVEY)
        .join(_PATIENT, _PATIENT.c.id == _ROW.patient_id)
        .outerjoin(_MESSAGE, _MESSAGE.c.id == _ROW.question_id)
        .where(_ROW.ended_at.is_(None))
    )


# Asked of everything that is being asked, every half minute, and so put together once, of plain columns.
_SEEN = ("id", "patient_id", "status", "question_id", "opened_at", "first_answer_at", "last_heard_at", "closes_at")
_AT_A_GLANCE = _live(*(_ROW[name] for name in (*_SEEN, "tier_so_far")))
_THESE = (
    _live(Conversation)
    .where(among(Conversation.id, "ids"))
    .order_by(Conversation.opened_at, Conversation.id)
    .execution_options(populate_existing=True)
)
_SENT_ABOUT_IT = (
    select(_MESSAGE.c.id)
    .where(
        _MESSAGE.c.patient_id == bindparam("patient"),
        _MESSAGE.c.channel == word(ChannelKind.SMS),
        _MESSAGE.c.status.in_((word(MessageStatus.SENT), word(MessageStatus.DELIVERED))),
        or_(
            _MESSAGE.c["values"][asking.CONVERSATION].as_string() == bindparam("conversation"),
            _MESSAGE.c.agenda_key.is_not_distinct_from(bindparam("key")),
        ),
    )
    .limit(1)
)


def of(txn: Transaction, sender: Sender) -> Sequence[Conversation]:
    """The live ones that this person answers, the newest first."""
    whose = sender.caregiver.id if sender.caregiver else None
    return [one for one in drafts.live(txn, sender.patient) if one.caregiver_id == whose]


def stop(txn: Transaction, patient: Patient, caregiver_id: UUID | None = None) -> None:
    """Nothing more is asked of whoever said STOP, and what they had answered is filed."""
    for survey in drafts.live(txn, patient):
        if survey.caregiver_id == caregiver_id and drafts.hold(txn, survey).ended_at is None:
            _cut_short(txn, survey, otherwise=ConversationStatus.BROKEN_OFF)


def _cut_short(txn: Transaction, survey: Conversation, *, otherwise: ConversationStatus) -> None:
    """End it before everything was asked. What was answered is filed; ``otherwise`` is the end where nothing was."""
    if survey.first_answer_at is not None:
        filing.file(txn, survey, status=how_it_ends_now(txn, survey))
    else:
        drafts.end(txn, survey, otherwise)


def how_it_ends_now(txn: Transaction, survey: Conversation) -> ConversationStatus:
    """Completed where everything was asked, partial where not."""
    values = drafts.values_of(drafts.answers_of(txn, survey))
    is_finished = script.is_finished(drafts.instrument_of(txn, survey), survey.extent, values)
    return ConversationStatus.COMPLETED if is_finished else ConversationStatus.PARTIAL


def break_off(txn: Transaction, survey: Conversation) -> None:
    """Another report has taken its place. What was answered here is filed beside that one."""
    if survey.first_answer_at is not None:
        filing.file(txn, survey, status=ConversationStatus.BROKEN_OFF)
    else:
        drafts.end(txn, survey, ConversationStatus.BROKEN_OFF)


def see_to_surveys(db: Database) -> Counter[str]:
    """Let stall what is silent, and end what must end, several in one transaction."""
    with db.reading(ASKER) as txn:
        waiting = to_see_to(txn)
    return see_to_these(db, waiting)


def to_see_to(txn: Transaction) -> Sequence[tuple[UUID, UUID]]:
    """What time has stalled or ended: each conversation, and whose it is."""
    return [(one.survey.id, one.survey.patient_id) for one in _at_a_glance(txn) if _what_follows(txn, one)]


def see_to_these(db: Database, waiting: Sequence[tuple[UUID, UUID]]) -> Counter[str]:
    """Stall and end these, as each then stands."""
    some = (waiting[first : first + SEEN_TO_TOGETHER] for first in range(0, len(waiting), SEEN_TO_TOGETHER))
    return sum((_together_or_each(db, dict(few)) for few in some), Counter())


def next_ending(txn: Transaction, after: datetime) -> datetime | None:
    """When the next of them may stall or end, if nobody answers before; None when none will."""
    return min((at for one in _at_a_glance(txn) for at in _turning_points(one) if at > after), default=None)


def _turning_points(one: _Standing) -> Iterator[datetime]:
    survey = one.survey
    if survey.closes_at is not None:
        yield survey.closes_at
    since = asking.silence_after(survey, one.question) if survey.status != ConversationStatus.PENDING else None
    if since is not None and survey.status in asking.RUNNING:
        yield since + asking.PATIENCE
    if since is not None and survey.first_answer_at is not None:
        yield since + PATIENCE_WITH_T2


def _at_a_glance(txn: Transaction) -> list[_Standing]:
    rows = txn.connection.execute(_AT_A_GLANCE)
    return _standings((row, row.patient_status, row.is_overtaken, *row[-len(asking.PUT) :]) for row in rows)


def _standings(rows: Iterable[Any]) -> list[_Standing]:
    return [
        _Standing(survey, status, is_overtaken, Put._make(put) if survey.question_id else None)
        for survey, status, is_overtaken, *put in rows
    ]


def _together_or_each(db: Database, whose: Mapping[UUID, UUID]) -> Counter[str]:
    """Some conversations, by id the patient's. One that cannot be filed must not keep the others open."""
    try:
        with db.transaction(ASKER) as txn:
            patients = hold_still(txn, frozenset(whose.values()))
            held = {one.id for one in patients}
            keys = open_keys(txn, held)
            free = [one for one, patient_id in whose.items() if patient_id in held]
            with audit.together(txn):
                done = Counter(word for one in _in_turn(txn, free) for word in _see_to(txn, one))
            del keys, patients
    except Exception:
        if len(whose) == 1:
            log.exception("a survey could not be seen to", extra={"conversation_id": str(next(iter(whose)))})
            return Counter(surveys_failed=1)
        done, held = Counter(), set()
    # Whoever somebody else acts about just then is waited for alone.
    left = [{one: patient_id} for one, patient_id in whose.items() if patient_id not in held]
    return sum((_together_or_each(db, one) for one in left), done)


def _in_turn(txn: Transaction, ids: Collection[UUID]) -> Iterator[_Standing]:
    """Each as it is when its turn comes: the report of one may answer what another of the same patient asks."""
    seen: set[UUID] = set()
    for one in _these(txn, ids):
        yield from _these(txn, [one.survey.id]) if one.survey.patient_id in seen else [one]
        seen.add(one.survey.patient_id)


def _these(txn: Transaction, ids: Collection[UUID]) -> Sequence[_Standing]:
    # What this transaction has changed itself must be written before the rows are read anew.
    txn.session.flush()
    return _standings(txn.session.execute(_THESE, {"ids": ids}))


def _see_to(txn: Transaction, one: _Standing) -> list[str]:
    """In the patient's turn, what has to happen to it now; another worker may have been first."""
    survey, follows = one.survey, _what_follows(txn, one)
    if follows is None or is_forgotten(txn, survey.patient_id):
        return []
    if follows is Happened.FELL_SILENT:
        survey.status = states.after(survey.status, follows)
        return ["surveys_stalled"]
    if follows is Happened.OVERTAKEN:
        break_off(txn, survey)
    else:
        otherwise = ConversationStatus.BROKEN_OFF if _reached(txn, survey) else ConversationStatus.UNREACHABLE
        _cut_short(txn, survey, otherwise=otherwise)
    return ["surveys_ended"]


def _what_follows(txn: Transaction, one: _Standing) -> Happened | None:
    """What time has done to it, from the most final; None when it may go on."""
    is_over = one.survey.closes_at is not None and one.survey.closes_at <= txn.now
    if is_over or one.patient_status in NO_LONGER_ASKED:
        return Happened.CUT_SHORT
    return Happened.OVERTAKEN if one.is_overtaken else _after_silence(txn, one)


def _after_silence(txn: Transaction, one: _Standing) -> Happened | None:
    """Silence counts from when the question had arrived, or from the last answer if that was later."""
    survey = one.survey
    is_urgent, is_running = survey.tier_so_far == Tier.T2, survey.status in asking.RUNNING
    since = asking.silence_after(survey, one.question)
    silent = txn.now - since if since is not None else timedelta(0)
    if is_urgent and silent >= PATIENCE_WITH_T2:
        return Happened.CUT_SHORT
    return Happened.FELL_SILENT if is_running and silent >= asking.PATIENCE else None


def _reached(txn: Transaction, survey: Conversation) -> bool:
    """Whether any question of it was ever sent."""
    about = {"patient": survey.patient_id, "conversation": str(survey.id), "key": survey.agenda_key}
    return txn.connection.scalar(_SENT_ABOUT_IT, about) is not None
