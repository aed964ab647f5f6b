"""Which of a site's numbers a text names. Whoever may be in need is given the one that is answered at night."""

from typing import Protocol

# What says whom to call when somebody feels worse, or when something cannot wait.
FOR_NEED = frozenset(
    {
        "call_noted_reply",
        "danger_reply",
        "form_link_reply",
        "question",
        "safety_check_due",
        "status_received_reply",
        "status_seen_reply",
        "status_watched_reply",
        "still_unclear_reply",
        "survey_declined",
        "survey_done",
        "survey_later",
        "survey_link",
        "survey_none",
        "survey_safety",
    }
)


class HasTelephones(Protocol):
    """A site, or what was read of one."""

    @property
    def emergency_phone(self) -> str:
        """Answered at night."""

    @property
    def office_phone(self) -> str | None:
        """Answered by day."""


def number_in(template: str, site: HasTelephones) -> str:
    """The emergency number, or the office's where there is no hurry."""
    return site.emergency_phone if template in FOR_NEED else site.office_phone or site.emergency_phone
