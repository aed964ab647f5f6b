"""The mailroom. It knows templates, channels, retries, receipts and STOP, and has never heard of a symptom.

Its counter is here; what stands behind it is in the modules.
"""

from notifications.dispatcher import Later, Release, Send, Suppress, Trial, dispatch_due
from notifications.inbound import ReceivedText, receive
from notifications.outbox import Letter, cancel, queue
from notifications.settling import DeadLetter

__all__ = [
    "DeadLetter",
    "Later",
    "Letter",
    "ReceivedText",
    "Release",
    "Send",
    "Suppress",
    "Trial",
    "cancel",
    "dispatch_due",
    "queue",
    "receive",
]
