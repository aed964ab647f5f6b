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


class WhyHere(StrEnum):
    """Why a person must read a text. The older words ``inbox`` and ``urgent`` stand in rows of before."""

    NOT_UNDERSTOOD = "not_understood"
    DANGER = "danger"
    PERHAPS_DEATH = "perhaps_death"
    # It said plainly that the patient has died; a task says so as well.
    DEATH = "death"
    WROTE_WHILE_DEATH_REPORTED = "wrote_while_death_reported"
    FAILED = "failed"
    REFUSED_REPORT = "refused_report"
    # Two machines seemed to answer each other, so the number was met with silence.
    LOOP = "loop"
    SHARED_NUMBER = "shared_number"
    UNKNOWN_NUMBER = "unknown_number"
    # It was a patient's before, and may be a stranger's now.
    FORMER_NUMBER = "former_number"
    # It is the patient's since lately, and nobody there has shown yet who they are.
    UNCONFIRMED_NUMBER = "unconfirmed_number"
    # Somebody wrote, or said on the telephone, that whoever has it is not whom we mean.
    WRONG_NUMBER = "wrong_number"
    STAFF_NUMBER = "staff_number"
    # A caregiver wrote what the patient does not let them do.
    NOT_PERMITTED = "not_permitted"
    # Somebody had dealt with it, and somebody took that back.
    REOPENED = "reopened"
    URGENT = "urgent"


class InboxOutcome(StrEnum):
    """What came of a text that a person has read. Words of one's own are kept as they are, and count as ``other``."""

    ANSWERED = "answered"
    CALLED = "called"
    # What it said stands in the record now: a report, an answer, a changed date.
    RECORDED = "recorded"
    PASSED_ON = "passed_on"
    WRONG_NUMBER = "wrong_number"
    NOT_FOR_US = "not_for_us"
    NOTHING_TO_DO = "nothing_to_do"
    OTHER = "other"
