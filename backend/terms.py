"""The trial's controlled vocabulary: every word that is both stored and sent.

The members' values are the words of the API contract, so storage and wire never need a translation.
Arms, drugs, instruments and item codes are not here: they belong to a protocol and change with it.
"""

from enum import StrEnum


class Language(StrEnum):
    """Languages in which every patient-facing text exists."""

    CHINESE = "zh-CN"
    ENGLISH = "en"


class SessionPurpose(StrEnum):
    """What a staff session opens."""

    WORK = "work"
    ENROLMENT = "enrolment"


class SecondFactor(StrEnum):
    """Where somebody who has signed in stands with a second factor."""

    IN_FORCE = "in_force"
    TO_BE_SET_UP = "to_be_set_up"
    OPTIONAL = "optional"


class Role(StrEnum):
    """What a member of staff is, at one site or (``*``) at every site."""

    COORDINATOR = "coordinator"
    INVESTIGATOR = "investigator"
    PRINCIPAL_INVESTIGATOR = "principal_investigator"
    MONITOR = "monitor"
    DATA_MANAGER = "data_manager"
    ADMINISTRATOR = "administrator"


class Originator(StrEnum):
    """Where a change came from, as ALCOA asks: who originated the data, not who typed it."""

    PATIENT = "patient"
    PROXY = "proxy"
    SITE = "site"
    SITE_ON_BEHALF = "site_on_behalf"
    SYSTEM = "system"
    GATEWAY = "gateway"


class ChannelKind(StrEnum):
    """A way to reach a person."""

    IN_APP = "in_app"
    SMS = "sms"
    EMAIL = "email"


# E-mail is for staff only: an unopened one is not a patient reached.
PATIENT_CHANNELS = (ChannelKind.IN_APP, ChannelKind.SMS)


class PatientStatus(StrEnum):
    """Where a patient stands in the study; survival is a different question."""

    ON_STUDY = "on_study"
    WITHDRAWN_FROM_REPORTING = "withdrawn_from_reporting"
    WITHDRAWN = "withdrawn"
    DIED = "died"


# Nothing is planned for them, and nobody writes to them.
NO_LONGER_FOLLOWED = frozenset({PatientStatus.WITHDRAWN, PatientStatus.DIED})


class Treatment(StrEnum):
    """What can be stopped for good while the patient stays in follow-up."""

    CELLS = "cells"
    TARGETED_DRUG = "targeted_drug"


class WithdrawalScope(StrEnum):
    """From what a patient withdraws: from answering, or from all contact."""

    REPORTING = "reporting"
    STUDY = "study"


class AgendaKind(StrEnum):
    """What kind of thing an agenda item is."""

    VISIT = "visit"
    INFUSION = "infusion"
    ASSESSMENT = "assessment"
    CONTACT = "contact"
    SURVIVAL_CHECK = "survival_check"


class AgendaState(StrEnum):
    """Where an agenda item stands at a moment; ``planned`` and ``confirmed`` belong to infusions."""

    PLANNED = "planned"
    CONFIRMED = "confirmed"
    NOT_YET_OPEN = "not_yet_open"
    OPEN = "open"
    OVERDUE = "overdue"
    COMPLETED = "completed"
    COMPLETED_LATE = "completed_late"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


class Reply(StrEnum):
    """What a patient answered to an invitation."""

    COMING = "coming"
    PLEASE_CHANGE = "please_change"


class Attendance(StrEnum):
    """What became of a visit or an infusion day."""

    ATTENDED = "attended"
    MISSED = "missed"


class CycleStatus(StrEnum):
    """A treatment cycle, from the donor's collection to the release of the cells."""

    PLANNED = "planned"
    CONFIRMED = "confirmed"
    RELEASE_FAILED = "release_failed"


class Respondent(StrEnum):
    """Whose words a report holds."""

    PATIENT = "patient"
    CAREGIVER = "caregiver"
    STAFF = "staff"


class ReportMode(StrEnum):
    """How the answers were taken."""

    APP = "app"
    WEB_FORM = "web_form"
    SMS = "sms"
    PHONE = "phone"
    IN_PERSON = "in_person"
    PAPER = "paper"


class ItemState(StrEnum):
    """What an item without a value means; an answered item has a value instead."""

    SKIPPED = "skipped"
    NOT_ASKED_BY_BRANCHING = "not_asked_by_branching"
    NOT_REACHED = "not_reached"


class Standing(StrEnum):
    """How a report relates to the agenda."""

    ON_TIME = "on_time"
    LATE = "late"
    UNSCHEDULED = "unscheduled"


class Tier(StrEnum):
    """Who hears of a finding, and how fast: T1 emergency, T2 same day, T3 queue."""

    T1 = "T1"
    T2 = "T2"
    T3 = "T3"

    @property
    def rank(self) -> int:
        """1 is the most urgent. An explicit order, because words compare alphabetically."""
        return {Tier.T1: 1, Tier.T2: 2, Tier.T3: 3}[self]

    def is_more_urgent_than(self, other: "Tier") -> bool:
        """Whether this tier must be heard before ``other``."""
        return self.rank < other.rank


class CandidateStatus(StrEnum):
    """States of a candidate event; only a person moves it out of ``proposed``."""

    PROPOSED = "proposed"
    ACKNOWLEDGED = "acknowledged"
    NEEDS_INFO = "needs_info"
    CONFIRMED = "confirmed"
    MERGED = "merged"
    DISMISSED = "dismissed"


OPEN_CANDIDATE_STATUSES = (CandidateStatus.PROPOSED, CandidateStatus.ACKNOWLEDGED, CandidateStatus.NEEDS_INFO)


class Trend(StrEnum):
    """How the latest report of an episode compares with the one before."""

    NEW = "new"
    BETTER = "better"
    SAME = "same"
    WORSE = "worse"


class PageStep(StrEnum):
    """Whom an emergency has been taken to, in the order in which it goes on while nobody answers."""

    ON_CALL = "on_call"
    INVESTIGATOR = "investigator"
    PRINCIPAL_INVESTIGATOR = "principal_investigator"


class PageAnswer(StrEnum):
    """How a page came to its end."""

    LINK = "link"
    REPLY = "reply"
    CONSOLE = "console"
    # By nobody: the patient has died since, and the record says so.
    DEATH_RECORDED = "death_recorded"


class SurvivalStatus(StrEnum):
    """Whether the patient lives. Lost to follow-up and withdrawn are dispositions, not survival."""

    ALIVE = "alive"
    DEAD = "dead"
    UNKNOWN = "unknown"


class EvidenceSource(StrEnum):
    """How we know that a patient was alive on a date."""

    PATIENT = "patient"
    VISIT = "visit"
    PHONE = "phone"
    CAREGIVER = "caregiver"
    PHYSICIAN = "physician"
    RECORD = "record"
    REGISTRY = "registry"


class DeathReportStatus(StrEnum):
    """A death report waits for a second person: an investigator other than the reporter."""

    PENDING = "pending"
    APPROVED = "approved"
    DENIED = "denied"
    # It was approved, and a signed reversal says that it was mistaken.
    REVERSED = "reversed"


class Recipient(StrEnum):
    """To whom a message is addressed. Never an address: that is decided at release."""

    PATIENT = "patient"
    CAREGIVER = "caregiver"
    STAFF = "staff"
    # Whoever wrote the text that it answers, where nobody can tell who that is.
    WRITER = "writer"
    # Whoever has a number now that was a patient's until it was changed.
    FORMER_NUMBER = "former_number"


class Urgency(StrEnum):
    """What may hold a message back: routine waits and is capped, the others wait less."""

    ROUTINE = "routine"
    INFUSION = "infusion"
    SAFETY = "safety"
    REPLY = "reply"


class MessageStatus(StrEnum):
    """The life of a message. Only ``sending`` can become ``in_doubt``; the last five are final."""

    QUEUED = "queued"
    CLAIMED = "claimed"
    SENDING = "sending"
    IN_DOUBT = "in_doubt"
    SENT = "sent"
    DELIVERED = "delivered"
    FAILED = "failed"
    SUPPRESSED = "suppressed"
    CANCELLED = "cancelled"


class AttemptStatus(StrEnum):
    """One call to a provider. ``absent``: the provider was asked later and had never taken it."""

    SENDING = "sending"
    IN_DOUBT = "in_doubt"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    ABSENT = "absent"


class Keyword(StrEnum):
    """A text that is a command to us about the number it came from."""

    STOP = "stop"
    START = "start"


class Direction(StrEnum):
    """Seen from us: outbound goes to the phone, inbound comes from it."""

    OUTBOUND = "outbound"
    INBOUND = "inbound"


class WorkReason(StrEnum):
    """Why a task for a person exists."""

    CALL_ABOUT_MOVED_DATE = "call_about_moved_date"
    CHANGE_REQUESTED = "change_requested"
    CALL_REQUESTED = "call_requested"
    SURVIVAL_CHECK_UNANSWERED = "survival_check_unanswered"
    SEARCH_RECORDS = "search_records"
    MESSAGES_STOPPED = "messages_stopped"
    MESSAGE_NOT_DELIVERED = "message_not_delivered"
    CHECK_THE_PHONE = "check_the_phone"
    GATEWAY_STOPPED = "gateway_stopped"
    MESSAGES_FILTERED = "messages_filtered"
    DEATH_REPORTED = "death_reported"
    WROTE_WHILE_DEATH_REPORTED = "wrote_while_death_reported"
    RESUME_CONTACT = "resume_contact"
    ACTIVATION_CODE_VOIDED = "activation_code_voided"
    PHONE_SIGNED_OUT = "phone_signed_out"
    UNSCHEDULED_REPORT = "unscheduled_report"
    RESTORED_FROM_BACKUP = "restored_from_backup"
    PATIENT_SILENT = "patient_silent"
    INFUSION_NOT_RECORDED = "infusion_not_recorded"
    NOBODY_TO_PAGE = "nobody_to_page"
    REPORT_REFUSED = "report_refused"
    REPORT_CORRECTED = "report_corrected"
    QUESTION_ANSWERED = "question_answered"
    PAUSE_ENDS = "pause_ends"
    UNPLANNED_HOSPITALISATION = "unplanned_hospitalisation"
    SAFETY_REPORT_DUE = "safety_report_due"
    CONTACT_REFUSED = "contact_refused"
    SURVEY_UNCLEAR = "survey_unclear"
    CONFIRM_THE_PHONE = "confirm_the_phone"
    WRONG_NUMBER = "wrong_number"


class PauseKind(StrEnum):
    """Why contact is paused for a time: a person asked for it, or the patient is in hospital and did not plan to be."""

    PAUSED = "paused"
    HOSPITALISED = "hospitalised"


class Duty(StrEnum):
    """Whose duty a task is, where it is not everybody's at the site."""

    COORDINATOR = "coordinator"
    ON_CALL = "on_call"
    INVESTIGATOR = "investigator"


class CallOutcome(StrEnum):
    """What came of a call to a patient. Only the first closes a task that asks for somebody to be spoken to."""

    SPOKE_TO_PATIENT = "spoke_to_patient"
    NO_ANSWER = "no_answer"
    LEFT_MESSAGE = "left_message"
    WRONG_NUMBER = "wrong_number"


class ForgettingReason(StrEnum):
    """Why a patient's identifiers are forgotten: never before, and never for another reason."""

    RETENTION_ENDED = "retention_ended"
    AUTHORITY_ORDERED = "authority_ordered"


# How much of the patient's own words one report takes. All of it in Chinese, with every answer, is a body of 64 kB.
MOST_OTHER_SYMPTOMS = 20
LONGEST_OTHER_SYMPTOM = 2_000
LONGEST_TOGETHER = 16_000
