"""May this message to a member of staff still go, and to which number or address? Decided at the last moment.

An emergency knows no quiet hours and no cap. What is due the same day waits for the site's morning on a telephone.
"""

from dataclasses import dataclass
from datetime import datetime, time
from uuid import UUID

from backend import clock
from backend.adverse_events.models import AdverseEvent
from backend.adverse_events.safety import is_waiting
from backend.conversations import page_links
from backend.db import Transaction
from backend.patients.models import Patient
from backend.sealing import is_forgotten, unseal
from backend.staff.models import Site, StaffMember
from backend.staff.roster import care_team
from backend.terms import CandidateStatus, ChannelKind, Language
from backend.triage.models import CandidateEvent, StaffPage
from backend.worklist import outages
from notifications import Later, Send, Suppress, inbound
from notifications.dispatcher import Decision
from notifications.models import InboundMessage, Message
from notifications.quiet_hours import next_allowed
from notifications.templates import Template

# For what is not an emergency; the site's own clock.
TEXTS_FROM, TEXTS_UNTIL = time(8), time(22)


@dataclass(frozen=True)
class StaffWays:
    """Under which address this server is reached from outside, and whether it can send e-mail."""

    public_url: str = ""
    has_email: bool = False


NO_WAYS = StaffWays()


def release_to_staff(txn: Transaction, message: Message, template: Template, ways: StaffWays) -> Decision:
    """Send, later, or not at all and why."""
    member = txn.session.get(StaffMember, message.staff_id, populate_existing=True) if message.staff_id else None
    if member is not None and template.name in outages.LETTERS:
        return _about_the_server(txn, message, member, ways)
    if member is None or message.patient_id is None or message.site_id is None:
        return Suppress("nobody_to_write_to")
    if is_forgotten(txn, message.patient_id):
        return Suppress("forgotten")
    if message.in_reply_to is not None:
        return _back_to_the_sender(txn, message, member)
    if not care_team(txn, message.site_id, [member.id]):
        return Suppress("left")
    refused = (
        _about_the_page(txn, message, template)
        or _about_the_candidate(txn, message)
        or _about_the_safety_report(txn, message)
        or _about_hours(txn, message, template)
    )
    return refused or _to(txn, message, member, template, ways)


def _about_the_server(txn: Transaction, message: Message, member: StaffMember, ways: StaffWays) -> Decision:
    """It is about no patient, and goes by e-mail only: a telephone that rings for it wakes somebody for nothing."""
    if member.deactivated_at is not None:
        return Suppress("left")
    if not ways.has_email:
        return Suppress("no_email_gateway")
    values = {name: str(value) for name, value in message.values.items()}
    return Send(ChannelKind.EMAIL, unseal(txn, member, "email_sealed") or "", Language(member.language), values)


def _about_the_page(txn: Transaction, message: Message, template: Template) -> Decision | None:
    """Not once a person has acknowledged, and no text beside a newer round of the same page.

    A newer round need hold no e-mail, and the e-mail alone carries the link: it goes however late it is. One that
    was tried and failed is tried on: that it never arrives must become somebody's task.
    """
    if "page" not in message.values:
        return None
    page = txn.session.get_one(StaffPage, UUID(message.values["page"]), populate_existing=True)
    if page.acknowledged_at is not None:
        return Suppress("acknowledged")
    if not template.is_email and page.rounds > int(message.values["round"]) and message.tries == 0:
        return Suppress("newer_round")
    return None


def _about_the_candidate(txn: Transaction, message: Message) -> Decision | None:
    if "candidate" not in message.values:
        return None
    candidate = txn.session.get_one(CandidateEvent, UUID(message.values["candidate"]), populate_existing=True)
    if candidate.status != CandidateStatus.PROPOSED:
        return Suppress("acknowledged")
    if candidate.tier != message.values["tier"]:
        return Suppress("tier_changed")
    return None


def _about_the_safety_report(txn: Transaction, message: Message) -> Decision | None:
    """Not once it is recorded, and not of a clock that does not run any more, or runs to another hour."""
    if "event" not in message.values:
        return None
    event = txn.session.get_one(AdverseEvent, UUID(message.values["event"]), populate_existing=True)
    if event.reported_at is not None:
        return Suppress("reported")
    is_of_this_clock = event.report_due_at == datetime.fromisoformat(message.values["due_at"])
    return None if is_waiting(event) and is_of_this_clock else Suppress("no_longer_serious")


def _about_hours(txn: Transaction, message: Message, template: Template) -> Decision | None:
    """Only a page, and the clock of a serious event, ring at night; an e-mail rings never."""
    if "page" in message.values or "event" in message.values or template.is_email:
        return None
    zone = txn.session.get_one(Site, message.site_id).time_zone
    allowed = next_allowed(txn.now, zone, TEXTS_UNTIL, TEXTS_FROM)
    return Later(allowed, "quiet_hours") if allowed > txn.now else None


def _to(txn: Transaction, message: Message, member: StaffMember, template: Template, ways: StaffWays) -> Decision:
    if template.is_email and not ways.has_email:
        return Suppress("no_email_gateway")
    channel = ChannelKind.EMAIL if template.is_email else ChannelKind.SMS
    address = unseal(txn, member, "email_sealed" if template.is_email else "phone_sealed")
    if address is None:
        return Suppress("no_number")
    values = _values(txn, message)
    if "person" in message.values:
        values["link"] = page_links.address_of(txn, UUID(message.values["person"]), ways.public_url)
    return Send(channel, address, Language(member.language), {name: values[name] for name in template.placeholders})


def _back_to_the_sender(txn: Transaction, message: Message, member: StaffMember) -> Decision:
    """An answer goes to the number that wrote."""
    number = inbound.number_of(txn, txn.session.get_one(InboundMessage, message.in_reply_to))
    if number is None:
        return Suppress("no_number")
    return Send(ChannelKind.SMS, number, Language(member.language), _values(txn, message))


def _values(txn: Transaction, message: Message) -> dict[str, str]:
    subject = txn.session.get_one(Patient, message.patient_id).subject_number
    said = {name: str(value) for name, value in message.values.items()}
    if "event" in said:
        # The hour at the hospital, where the report is written.
        site = txn.session.get_one(Site, message.site_id)
        due = clock.local(datetime.fromisoformat(said["due_at"]), site.time_zone)
        said |= {"date": due.date().isoformat(), "time": f"{due:%H:%M}"}
    return {**said, "subject": subject}
