"""The words of two-way text messages, both stored and sent: how a questionnaire is asked, and how it stands."""

from enum import StrEnum


class TextSurveys(StrEnum):
    """How a site lets questionnaires be answered by text message."""

    # One question a message, with all of the symptoms.
    FULL = "full"
    # The temperature, the card of danger signs, and one answer for everything else.
    SHORT = "short"
    # A link to the form; never to a number to which no link may be sent.
    LINK_ONLY = "link_only"


class ConversationStatus(StrEnum):
    """How a questionnaire that is asked question by question stands. The last five are final."""

    # Opened, and nothing of it has been asked yet.
    PENDING = "pending"
    # Asked, and nothing has been answered yet.
    WAITING = "waiting"
    ANSWERING = "answering"
    # Nobody has answered for a while; the next answer goes on where it stopped.
    STALLED = "stalled"
    COMPLETED = "completed"
    # Its time ended, and what had been answered was filed.
    PARTIAL = "partial"
    # The patient did not want to answer.
    REFUSED = "refused"
    # Its time ended with nothing that could be filed, or something came between.
    BROKEN_OFF = "broken_off"
    # No question of it ever reached the patient.
    UNREACHABLE = "unreachable"


LIVE = (
    ConversationStatus.PENDING,
    ConversationStatus.WAITING,
    ConversationStatus.ANSWERING,
    ConversationStatus.STALLED,
)


class AnswerChannel(StrEnum):
    """By what way one answer came."""

    SMS = "sms"
    WEB_FORM = "web_form"


class Caveat(StrEnum):
    """What whoever reads a report must know of how it was asked."""

    # Text messages and the plain form are no validated ways of asking these questions.
    MODE_NOT_VALIDATED = "mode_not_validated"
    # All danger signs were one question about a printed card.
    SIGNS_ASKED_AS_ONE = "signs_asked_as_one"
    # One answer stands for all symptoms.
    SYMPTOMS_ASKED_AS_ONE = "symptoms_asked_as_one"
    # The time ended before everything was asked.
    NOT_FINISHED = "not_finished"
