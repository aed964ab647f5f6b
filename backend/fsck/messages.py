"""Messages: what was sent can be proved, what must not be said was not, and nothing waits for ever.

Trial time dates what was sent and what forbade it. A message that a worker was already handing over when the
forbidding act was committed is in flight, not against the rule: hence the minute of grace.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import and_, func, or_, select

from backend import clock
from backend.audit import AuditEvent
from backend.conversations.loops import ALWAYS_SAID
from backend.db import Transaction
from backend.errors import WrongDataKey
from backend.fsck.invariant import Invariant, ids_of
from backend.patients.models import ContactHold, Patient
from backend.sealing import keyring_of, unseal
from backend.staff.models import Site
from backend.terms import NO_LONGER_FOLLOWED, AttemptStatus, ChannelKind, MessageStatus, Recipient, WorkReason
from backend.worklist.models import WorkItem
from notifications import breakers
from notifications.models import UNSENT, Attempt, Message, OptOut
from notifications.templates import load_templates

IN_FLIGHT = timedelta(minutes=1)
EXPIRED_FOR = timedelta(minutes=10)
# A lease ends by itself; whoever finds one this old found a server on which no worker ticks.
LEASE_OVER_FOR = timedelta(minutes=5)
LONGEST_LEASE = timedelta(hours=1)
IN_DOUBT_FOR = timedelta(days=1)
STOPPED_FOR = timedelta(hours=1)

LEASED = (MessageStatus.CLAIMED, MessageStatus.SENDING)
ACCEPTED = (MessageStatus.SENT, MessageStatus.DELIVERED)
TO_THE_PATIENTS_SIDE = Message.recipient != Recipient.STAFF
FAR_AHEAD = timedelta(days=365_000)

_taken = (
    select(Attempt.message_id)
    .where(Attempt.status == AttemptStatus.ACCEPTED, Attempt.provider_id.is_not(None))
    .distinct()
    .subquery()
)
_open = (
    select(Attempt.message_id.label("message_id"), func.count().label("attempts"))
    .where(Attempt.status.in_((AttemptStatus.SENDING, AttemptStatus.IN_DOUBT)))
    .group_by(Attempt.message_id)
    .subquery()
)


def sent_after_leaving(txn: Transaction) -> Iterator[str]:
    """Attempts begun after the trail says that the patient had died or withdrawn; of several times, the last."""
    said = (
        select(AuditEvent.patient_id, func.max(AuditEvent.at).label("at"))
        .where(AuditEvent.record_type == Patient.__tablename__, AuditEvent.field == "status")
        # Who dies after a withdrawal had left already.
        .where(AuditEvent.new.in_(NO_LONGER_FOLLOWED), func.coalesce(AuditEvent.old, "").not_in(NO_LONGER_FOLLOWED))
        .group_by(AuditEvent.patient_id)
        .subquery()
    )
    rows = (
        select(Attempt.id, Attempt.started_at, said.c.at)
        .join(Message, Message.id == Attempt.message_id)
        .join(said, said.c.patient_id == Attempt.patient_id)
        .join(Patient, Patient.id == Attempt.patient_id)
        .where(Attempt.started_at > said.c.at, Attempt.template.not_in(ALWAYS_SAID), TO_THE_PATIENTS_SIDE)
        .where(Patient.status.in_(NO_LONGER_FOLLOWED))
    )
    yield from (str(row.id) for row in txn.session.execute(rows) if row.started_at > row.at + IN_FLIGHT)


def sent_while_held(txn: Transaction) -> Iterator[str]:
    """Attempts begun while contact with the patient was held."""
    rows = (
        select(Attempt.id, Attempt.started_at, ContactHold.held_at, ContactHold.until, ContactHold.lifted_at)
        .join(Message, Message.id == Attempt.message_id)
        .join(ContactHold, ContactHold.patient_id == Attempt.patient_id)
        .where(Attempt.started_at > ContactHold.held_at, Attempt.template.not_in(ALWAYS_SAID), TO_THE_PATIENTS_SIDE)
    )
    for row in txn.session.execute(rows):
        ended = min(end for end in (row.until, row.lifted_at, row.held_at + FAR_AHEAD) if end)
        if row.held_at + IN_FLIGHT < row.started_at < ended:
            yield str(row.id)


def sent_after_stop(txn: Transaction) -> Iterator[str]:
    """Texts begun to a number between its STOP and its START."""
    stops: dict[str, list[tuple[datetime, datetime]]] = {}
    for row in txn.session.scalars(select(OptOut)):
        ended = row.started_at or row.stopped_at + FAR_AHEAD
        stops.setdefault(row.number_index, []).append((row.stopped_at + IN_FLIGHT, ended))
    if not stops:
        return
    first = min(begins for intervals in stops.values() for begins, _ in intervals)
    allowed = [name for name, template in load_templates().items() if template.answers_after_stop]
    texts = (
        select(Attempt)
        .where(Attempt.channel == ChannelKind.SMS, Attempt.started_at > first, Attempt.template.not_in(allowed))
        .order_by(Attempt.started_at, Attempt.id)
    )
    for attempt in txn.session.scalars(texts.execution_options(yield_per=500)):
        if any(begins < attempt.started_at < ends for begins, ends in stops.get(_index_of(txn, attempt), ())):
            yield str(attempt.id)


def _index_of(txn: Transaction, attempt: Attempt) -> str:
    """What the number it went to is looked up by; nothing once its owner is forgotten."""
    try:
        number = unseal(txn, attempt, "address_sealed")
    except WrongDataKey:
        return ""
    return keyring_of(txn).blind_index("phone", number) if number else ""


def failures_without_a_task(txn: Transaction) -> Iterator[str]:
    """Messages that nobody could deliver, or whose fate nobody can tell, and of which no person was told."""
    has_somebody = or_(Message.patient_id.is_not(None), Message.site_id.is_not(None))
    given_up = or_(
        Message.status == MessageStatus.FAILED,
        and_(Message.status == MessageStatus.IN_DOUBT, Message.reason.is_not(None)),
    )
    failed = txn.session.scalars(select(Message.id).where(given_up, has_somebody).order_by(Message.id)).all()
    yield from _without_a_task(txn, failed)


def gateways_untold(txn: Transaction) -> Iterator[str]:
    """Ways of sending that have refused everything for a while, of which some site has no task."""
    sites = txn.session.scalar(select(func.count(Site.id))) or 0
    for breaker in breakers.standing_open(txn):
        way = f"gateway-stopped:{breaker.channel}:"
        # Of this time, or of an earlier one that nobody has closed since.
        of_it = or_(WorkItem.key == f"{way}{breaker.openings}", WorkItem.resolved_at.is_(None))
        which = WorkItem.key.startswith(way, autoescape=True), of_it
        told = txn.session.scalar(select(func.count(WorkItem.site_id.distinct())).where(*which)) or 0
        if breaker.opened_at and breaker.opened_at < clock.wall() - STOPPED_FOR and told < sites:
            yield breaker.channel


def _without_a_task(txn: Transaction, failed: Iterable[UUID]) -> Iterator[str]:
    asked = select(WorkItem.key).where(WorkItem.reason == WorkReason.MESSAGE_NOT_DELIVERED)
    tasks = set(txn.session.scalars(asked))
    yield from (str(message_id) for message_id in failed if f"undelivered:{message_id}" not in tasks)


INVARIANTS = (
    Invariant(
        "messages.provider_id",
        "Every message that counts as sent has an attempt which a provider accepted under an id",
        ids_of(
            lambda: (
                select(Message.id)
                .outerjoin(_taken, _taken.c.message_id == Message.id)
                .where(Message.status.in_(ACCEPTED), _taken.c.message_id.is_(None))
            )
        ),
    ),
    Invariant("messages.after_leaving", "Nothing was sent after a death or a withdrawal", sent_after_leaving),
    Invariant("messages.held", "Nothing was sent while contact was held", sent_while_held),
    Invariant("messages.after_stop", "Nothing was sent to a number after its STOP", sent_after_stop),
    Invariant(
        "messages.queued_for_the_dead",
        "Nothing waits to be sent to whoever has died or withdrawn",
        ids_of(
            lambda: (
                select(Message.id)
                .join(Patient, Patient.id == Message.patient_id)
                .where(Patient.status.in_(NO_LONGER_FOLLOWED), Message.status.in_(UNSENT), TO_THE_PATIENTS_SIDE)
                .where(Message.template.not_in(ALWAYS_SAID))
            )
        ),
    ),
    Invariant(
        "messages.leases",
        "No lease is older or longer than its limit",
        ids_of(
            lambda: select(Message.id).where(
                Message.status.in_(LEASED),
                or_(
                    Message.lease_until.is_(None),
                    Message.lease_until < clock.wall() - LEASE_OVER_FOR,
                    Message.lease_until > clock.wall() + LONGEST_LEASE,
                ),
            )
        ),
    ),
    Invariant("messages.tasks", "Every undeliverable message is a person's task", failures_without_a_task),
    Invariant(
        "messages.expired",
        "Whatever is past its hour is settled",
        ids_of(
            lambda: select(Message.id).where(Message.status.in_(UNSENT), Message.expires_at < clock.now() - EXPIRED_FOR)
        ),
    ),
    Invariant(
        "messages.doubts",
        "No message is in doubt for longer than a day without a person knowing",
        ids_of(
            lambda: (
                select(Message.id)
                .join(Attempt, Attempt.message_id == Message.id)
                .where(Message.status == MessageStatus.IN_DOUBT, Message.reason.is_(None))
                .where(Attempt.status == AttemptStatus.IN_DOUBT, Attempt.started_at < clock.now() - IN_DOUBT_FOR)
            )
        ),
    ),
    Invariant("messages.gateways", "No gateway stands still for an hour without every site's knowing", gateways_untold),
    Invariant(
        "messages.attempts",
        "A message is being said by one attempt, or by none",
        ids_of(
            lambda: (
                select(Message.id)
                .outerjoin(_open, _open.c.message_id == Message.id)
                .where(
                    or_(
                        _open.c.attempts > 1,
                        and_(Message.status == MessageStatus.SENDING, _open.c.attempts.is_(None)),
                    )
                )
            )
        ),
    ),
)
