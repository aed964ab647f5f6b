"""What a protocol file says about messages in general, and about the letters to staff that a safety report is due."""

from schemas.base import Schema
from schemas.seed_fields import Whole, assumption, time_of_day


class MessagingShape(Schema):
    """Defaults for messages."""

    assumption = assumption()
    horizon_days = Whole("How far ahead messages are made.", at_least=1, at_most=365, required=True)
    sms_per_day = Whole("Routine messages a patient gets in a day at most.", at_least=1, at_most=50, required=True)
    quiet_from = time_of_day("When quiet hours begin.")
    quiet_to = time_of_day("When quiet hours end.")
    preferred_time = time_of_day("A patient's own hour, until the patient says another.")
    fallback_hours = Whole(
        "After how many hours what was not delivered or opened goes by the next channel; 6.", at_least=1, at_most=72
    )
    fallback_safety_hours = Whole("The same for messages about safety; 2.", at_least=1, at_most=72)


class SafetyWarningsShape(Schema):
    """Who hears that a safety report is still to be sent, and when at the latest."""

    assumption = assumption()
    investigator_hours_left = Whole(
        "So many hours before it is overdue, the investigators; 12 when left out.", at_least=0, at_most=720
    )
    principal_investigator_hours_left = Whole(
        "So many hours before it is overdue, the principal investigators; 4 when left out.", at_least=0, at_most=720
    )
