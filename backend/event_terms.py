"""The words of adverse events and of tumour responses, both stored and sent: those of the API contract."""

from collections.abc import Mapping
from enum import StrEnum


class Dismissal(StrEnum):
    """Why a candidate event is no adverse event; ``other`` needs a note."""

    NOT_PRESENT = "not_present"
    ANSWER_ERROR = "answer_error"
    PRE_EXISTING_UNCHANGED = "pre_existing_unchanged"
    OTHER = "other"


class EventSource(StrEnum):
    """Where the site learnt of an adverse event."""

    VISIT = "visit"
    LABORATORY = "laboratory"
    HOSPITAL = "hospital"
    CALL = "call"
    REPORT = "report"


class EventOutcome(StrEnum):
    """How an adverse event ended, or stands."""

    RECOVERED = "recovered"
    RECOVERING = "recovering"
    RECOVERED_WITH_SEQUELAE = "recovered_with_sequelae"
    NOT_RECOVERED = "not_recovered"
    FATAL = "fatal"
    UNKNOWN = "unknown"


class Seriousness(StrEnum):
    """The six criteria, any of which makes an adverse event serious (ICH E2A)."""

    DEATH = "death"
    LIFE_THREATENING = "life_threatening"
    HOSPITALISATION = "hospitalisation"
    DISABILITY = "disability"
    CONGENITAL_ANOMALY = "congenital_anomaly"
    OTHER_IMPORTANT = "other_important"


class Relation(StrEnum):
    """How likely a treatment caused an adverse event, as a physician judges it."""

    NOT_RELATED = "not_related"
    UNLIKELY = "unlikely"
    POSSIBLE = "possible"
    PROBABLE = "probable"
    DEFINITE = "definite"
    NOT_APPLICABLE = "not_applicable"


class ActionTaken(StrEnum):
    """What was done with a treatment because of an adverse event."""

    NONE = "none"
    REDUCED = "reduced"
    INTERRUPTED = "interrupted"
    WITHDRAWN = "withdrawn"
    NOT_APPLICABLE = "not_applicable"
    UNKNOWN = "unknown"


class EventStatus(StrEnum):
    """An adverse event is a draft until it is signed, and again when what was signed changes; or it was a mistake."""

    DRAFT = "draft"
    SIGNED = "signed"
    VOIDED = "voided"


class SafetyReportKind(StrEnum):
    """Which report of a serious event: the first, one with news, or the last."""

    INITIAL = "initial"
    FOLLOW_UP = "follow_up"
    FINAL = "final"


class OwnGrading(StrEnum):
    """Gradings for what CTCAE version 5 has no term for; such an event is coded as "Other, specify"."""

    GVHD = "gvhd"
    ICANS = "icans"


# The grades of each, as its own specialists write them (MAGIC 2016; ASTCT 2019).
OWN_GRADES: Mapping[OwnGrading, tuple[str, ...]] = {
    OwnGrading.GVHD: ("I", "II", "III", "IV"),
    OwnGrading.ICANS: ("1", "2", "3", "4"),
}


class TumourResponse(StrEnum):
    """How a tumour responded by the time of an assessment: complete, partial, stable, progressive, not evaluable."""

    CR = "CR"
    PR = "PR"
    SD = "SD"
    PD = "PD"
    NE = "NE"


class ResponseCriteria(StrEnum):
    """By which rules a response was judged; mRECIST looks at what is alive of a liver tumour."""

    RECIST = "RECIST 1.1"
    MRECIST = "mRECIST"
