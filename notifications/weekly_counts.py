"""How many texts were sent, received, held back and failed, by site and week: what a carrier's bill is held against."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, case, func, or_, select

from backend.db import Transaction
from backend.terms import AttemptStatus, ChannelKind, MessageStatus
from notifications.inbound import UNREADABLE_REPORT
from notifications.models import Attempt, InboundMessage, Message

# A person wrote it, though it answers a text.
BY_A_PERSON = "letter"


@dataclass
class WeekCounts:
    """One site in one week. Texts are what a provider took from us, each with its segments."""

    texts: int = 0
    segments: int = 0
    # By template and language: texts, segments.
    by_template: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)
    # Of the texts, those with which nobody had anything to do: answers to what somebody wrote.
    automatic_replies: int = 0
    received: int = 0
    # By reason. Of what was not sent at all, nobody can say which way it would have gone.
    suppressed: Counter[str] = field(default_factory=Counter)
    failed: int = 0

    def add_texts(self, row: Any) -> None:
        """Texts of one template and language."""
        self.texts += row.texts
        self.segments += row.segments
        self.automatic_replies += row.texts if row.is_reply else 0
        texts, segments = self.by_template.get((row.template, row.language), (0, 0))
        self.by_template[row.template, row.language] = (texts + row.texts, segments + row.segments)


@dataclass(frozen=True)
class _Asked:
    sites: Collection[UUID]
    # When each week begins, and when the last one ends.
    begins: Sequence[datetime]

    def within(self, moment: Any) -> ColumnElement[bool]:
        return and_(moment >= self.begins[0], moment < self.begins[-1])

    def week(self, moment: Any) -> ColumnElement[int]:
        """The place of its week among those asked for."""
        return case(*((moment < ends, place) for place, ends in enumerate(self.begins[1:]))).label("week")


def weekly_counts(
    txn: Transaction, sites: Collection[UUID], begins: Sequence[datetime]
) -> Mapping[tuple[UUID, int], WeekCounts]:
    """By site and place of the week. ``begins`` holds when each week begins and, as its last, when the last one ends.

    All sites in one time zone go in one call: a week begins on the wall of the site. Counted is what left in the week,
    by the time at which we spoke, what came in it, and what came to its end in it.
    """
    asked = _Asked(list(sites), begins)
    counts = {(site, week): WeekCounts() for site in asked.sites for week in range(len(begins) - 1)}
    for row in txn.connection.execute(_sent(asked)):
        counts[row.site_id, row.week].add_texts(row)
    for row in txn.connection.execute(_received(asked)):
        counts[row.site_id, row.week].received += row.texts
    for row in txn.connection.execute(_ended(asked)):
        if row.status == MessageStatus.FAILED:
            counts[row.site_id, row.week].failed += row.texts
        else:
            counts[row.site_id, row.week].suppressed[row.reason or ""] += row.texts
    return counts


def _sent(asked: _Asked) -> Select[Any]:
    is_reply = and_(Message.in_reply_to.is_not(None), Message.template != BY_A_PERSON).label("is_reply")
    each = (
        select(
            Message.site_id, asked.week(Attempt.started_at), Attempt.template, Attempt.language, is_reply,
            func.coalesce(Attempt.segments, 0).label("segments"),
        )
        .join(Message, Message.id == Attempt.message_id)
        .where(
            Message.site_id.in_(asked.sites),
            asked.within(Attempt.started_at),
            Attempt.channel == ChannelKind.SMS,
            Attempt.status == AttemptStatus.ACCEPTED,
        )
        .subquery()
    )  # fmt: skip
    alike = (each.c.site_id, each.c.week, each.c.template, each.c.language, each.c.is_reply)
    return select(*alike, func.count().label("texts"), func.sum(each.c.segments).label("segments")).group_by(*alike)


def _received(asked: _Asked) -> Select[Any]:
    each = (
        select(InboundMessage.site_id, asked.week(InboundMessage.received_at))
        .where(
            InboundMessage.site_id.in_(asked.sites),
            asked.within(InboundMessage.received_at),
            InboundMessage.channel == ChannelKind.SMS,
            # What a gateway said of a message of ours is no text of anybody's.
            or_(InboundMessage.handled_how.is_(None), InboundMessage.handled_how != UNREADABLE_REPORT),
        )
        .subquery()
    )
    return _counted(each, each.c.site_id, each.c.week)


def _ended(asked: _Asked) -> Select[Any]:
    failed = and_(Message.status == MessageStatus.FAILED, Message.channel == ChannelKind.SMS)
    each = (
        select(Message.site_id, asked.week(Message.settled_at), Message.status, Message.reason)
        .where(
            Message.site_id.in_(asked.sites),
            asked.within(Message.settled_at),
            or_(Message.status == MessageStatus.SUPPRESSED, failed),
        )
        .subquery()
    )
    return _counted(each, each.c.site_id, each.c.week, each.c.status, each.c.reason)


def _counted(each: Any, *alike: ColumnElement[Any]) -> Select[Any]:
    return select(*alike, func.count().label("texts")).select_from(each).group_by(*alike)
