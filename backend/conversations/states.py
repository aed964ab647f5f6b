"""How a questionnaire that is asked question by question moves on: one table, and nothing beside it. Pure."""

from enum import Enum

from backend.conversation_terms import LIVE, ConversationStatus
from backend.errors import NoLongerPossible

PENDING, WAITING, ANSWERING, STALLED = LIVE


class Happened(Enum):
    """What can happen to it."""

    ASKED = "asked"
    # Asked further, after some answers.
    ASKED_ON = "asked_on"
    ANSWERED = "answered"
    # Nobody has answered for a while, or the patient wants to go on later.
    FELL_SILENT = "fell_silent"
    # Nothing is left to ask.
    DONE = "done"
    # What was answered must be heard now, or its time has ended.
    CUT_SHORT = "cut_short"
    DECLINED = "declined"
    # Its time has ended without an answer, or something else has taken its place.
    OVERTAKEN = "overtaken"
    # Its time has ended, and no question of it ever arrived.
    NEVER_ARRIVED = "never_arrived"


_LIVES_ON = {
    (PENDING, Happened.ASKED): WAITING,
    (PENDING, Happened.ANSWERED): ANSWERING,
    (WAITING, Happened.ASKED): WAITING,
    (WAITING, Happened.ANSWERED): ANSWERING,
    (WAITING, Happened.FELL_SILENT): STALLED,
    (ANSWERING, Happened.ASKED_ON): ANSWERING,
    (ANSWERING, Happened.ANSWERED): ANSWERING,
    (ANSWERING, Happened.FELL_SILENT): STALLED,
    (STALLED, Happened.ASKED): WAITING,
    (STALLED, Happened.ASKED_ON): ANSWERING,
    (STALLED, Happened.ANSWERED): ANSWERING,
    (STALLED, Happened.FELL_SILENT): STALLED,
}
_ENDS = {
    **{(status, Happened.DONE): ConversationStatus.COMPLETED for status in LIVE},
    **{(status, Happened.DECLINED): ConversationStatus.REFUSED for status in LIVE},
    **{(status, Happened.OVERTAKEN): ConversationStatus.BROKEN_OFF for status in LIVE},
    # Only what has been answered can be filed in part.
    (ANSWERING, Happened.CUT_SHORT): ConversationStatus.PARTIAL,
    (STALLED, Happened.CUT_SHORT): ConversationStatus.PARTIAL,
    (PENDING, Happened.NEVER_ARRIVED): ConversationStatus.UNREACHABLE,
    (WAITING, Happened.NEVER_ARRIVED): ConversationStatus.UNREACHABLE,
    (STALLED, Happened.NEVER_ARRIVED): ConversationStatus.UNREACHABLE,
}
MOVES = {**_LIVES_ON, **_ENDS}
_BY_END = {
    ConversationStatus.COMPLETED: Happened.DONE,
    ConversationStatus.PARTIAL: Happened.CUT_SHORT,
    ConversationStatus.REFUSED: Happened.DECLINED,
    ConversationStatus.BROKEN_OFF: Happened.OVERTAKEN,
    ConversationStatus.UNREACHABLE: Happened.NEVER_ARRIVED,
}


def after(status: str, happened: Happened) -> ConversationStatus:
    """How it stands then. Raises ``NoLongerPossible`` for what cannot happen to it any more, or not yet."""
    found = MOVES.get((ConversationStatus(status), happened))
    if found is None:
        raise NoLongerPossible("This questionnaire is not being asked any more.")
    return found


def ended(status: str, end: ConversationStatus) -> ConversationStatus:
    """The same for an end that somebody has chosen."""
    return after(status, _BY_END[end])
