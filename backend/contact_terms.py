"""The words of survival follow-up, both stored and sent: who was asked, by what way, and what came of it."""

from enum import StrEnum

from backend.terms import EvidenceSource


class ContactChannel(StrEnum):
    """By what way somebody tried to learn how a patient is."""

    PHONE = "phone"
    VISIT = "visit"
    IN_PERSON = "in_person"
    SMS = "sms"
    IN_APP = "in_app"
    MESSENGER = "messenger"
    EMAIL = "email"
    LETTER = "letter"
    RECORD = "record"
    REGISTRY = "registry"
    OTHER = "other"


# What rings or buzzes at the number on the patient's record.
BY_NUMBER = frozenset({ContactChannel.PHONE, ContactChannel.SMS})


class PhoneConfirmation(StrEnum):
    """How it was shown that the patient answers at a new number."""

    TEXT = "text"
    PHONE = "phone"
    IN_PERSON = "in_person"


# What a person has found of a number from which somebody wrote that it is the wrong one.
RIGHT_AFTER_ALL = "right_after_all"


class ContactPerson(StrEnum):
    """Who was asked. A record and a registry answer in the place of a person."""

    PATIENT = "patient"
    CAREGIVER = "caregiver"
    PHYSICIAN = "physician"
    RECORD = "record"
    REGISTRY = "registry"
    OTHER = "other"


PROXIES = frozenset({ContactPerson.CAREGIVER, ContactPerson.OTHER})
SEARCHED = frozenset({ContactPerson.RECORD, ContactPerson.REGISTRY})


class ContactOutcome(StrEnum):
    """What came of an attempt."""

    ALIVE = "alive"
    REACHED_NO_INFORMATION = "reached_no_information"
    NO_ANSWER = "no_answer"
    WRONG_NUMBER = "wrong_number"
    REFUSED = "refused"
    DIED = "died"


class LadderStep(StrEnum):
    """Whom a person asks next about a patient of whom nothing is heard, in this order."""

    CALL_PATIENT = "call_patient"
    CALL_CAREGIVER = "call_caregiver"
    ASK_PHYSICIAN = "ask_physician"
    SEARCH_RECORDS = "search_records"


class Disposition(StrEnum):
    """How a patient's participation stands: never whether the patient lives."""

    LOST_TO_FOLLOW_UP = "lost_to_follow_up"
    WITHDRAWN = "withdrawn"


class EvidenceLevel(StrEnum):
    """How near to the patient what we know comes from."""

    DIRECT = "direct"
    PROXY = "proxy"
    RECORD = "record"


def level_of(source: EvidenceSource) -> EvidenceLevel:
    """A patient's own word, a visit or a call with the patient is direct; others speak, or papers do."""
    match source:
        case EvidenceSource.PATIENT | EvidenceSource.VISIT | EvidenceSource.PHONE:
            return EvidenceLevel.DIRECT
        case EvidenceSource.CAREGIVER | EvidenceSource.PHYSICIAN:
            return EvidenceLevel.PROXY
    return EvidenceLevel.RECORD
