"""What a site's texts come to, week by week on its own wall: the arithmetic over a fixed set, as JSON and as CSV."""

import csv
import io
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import select

from backend.db import Database, system
from backend.sealing import STUDY, unseal
from backend.terms import Role
from notifications.inbound import ReceivedText, keep
from notifications.models import Attempt, Message
from notifications.templates import segment_count
from tests.people import ann, ben, coordinator, member, monitor, site_row
from tests.phone import plan_and_send

COUNTS = "/api/v1/messages/counts"
TEST = system("test")
# The last moment of one week and the first of the next, in Shanghai and, where the clock changes that night, in Berlin.
SUNDAY, MONDAY = "2027-03-28T23:59:59+08:00", "2027-03-29T00:00:00+08:00"
BERLIN_SUNDAY, BERLIN_MONDAY = "2027-03-28T23:59:59+02:00", "2027-03-29T00:00:00+02:00"


def two_sites(db: Database) -> list[UUID]:
    with db.transaction(TEST) as txn:
        here, there = site_row(txn, "site-01"), site_row(txn, "site-02")
        there.time_zone = "Europe/Berlin"
        return [here.id, there.id]


def message(txn: Any, site_id: UUID, at: datetime, **columns: Any) -> Message:
    usual = {
        "recipient": "patient", "site_id": site_id, "template": "visit_reminder", "values": {}, "key": str(uuid4()),
        "urgency": "routine", "priority": 2, "send_at": at, "next_try_at": at, "tries": 1, "status": "delivered",
        "channel": "sms", "language": "en", "created_at": at, "settled_at": at,
    }  # fmt: skip
    row = Message(**(usual | columns))
    txn.session.add(row)
    txn.session.flush()
    return row


def sent(db: Database, site_id: UUID, at: str, *, segments: int | None = 1, times: int = 1, **columns: Any) -> None:
    """So many texts that a provider took, unless ``columns`` say what else became of the attempt."""
    moment = datetime.fromisoformat(at)
    of_attempt = {name: columns.pop(name) for name in ("status", "channel") if name in columns}
    with db.transaction(TEST) as txn:
        for _ in range(times):
            row = message(txn, site_id, moment, **columns)
            usual = {
                "message_id": row.id, "key_owner_id": STUDY, "number": 1, "channel": "sms", "gateway": "simulator",
                "language": row.language, "template": row.template, "template_version": 1, "segments": segments,
                "status": "accepted", "started_at": moment, "called_at": moment, "looks": 0,
            }  # fmt: skip
            txn.session.add(Attempt(**(usual | of_attempt)))


def ended(db: Database, site_id: UUID, at: str, status: str, reason: str | None, **columns: Any) -> None:
    with db.transaction(TEST) as txn:
        message(txn, site_id, datetime.fromisoformat(at), status=status, reason=reason, **columns)


def came(db: Database, site_id: UUID | None, at: str, how: str | None = None, channel: str = "sms") -> UUID:
    with db.transaction(TEST) as txn:
        kept = keep(txn, ReceivedText(str(uuid4()), "+8613800138077", "", "plums"))
        assert kept is not None
        kept.received_at, kept.site_id, kept.handled_how = datetime.fromisoformat(at), site_id, how
        kept.channel = channel
        return kept.id


def a_fixed_set(db: Database, here: UUID, there: UUID) -> None:
    answered = came(db, here, SUNDAY)
    came(db, here, MONDAY)
    came(db, here, MONDAY, "unreadable_report")
    came(db, here, MONDAY, channel="in_app")
    came(db, None, MONDAY)
    sent(db, here, SUNDAY, times=3)
    sent(db, here, SUNDAY, segments=2, language="zh-CN")
    sent(db, here, SUNDAY, template="help_reply", in_reply_to=answered)
    sent(db, here, SUNDAY, template="letter", in_reply_to=answered, segments=4)
    sent(db, here, MONDAY, segments=None)
    sent(db, here, MONDAY, status="refused")
    sent(db, here, MONDAY, channel="in_app", segments=None)
    sent(db, there, BERLIN_SUNDAY, times=2)
    sent(db, there, BERLIN_MONDAY)
    ended(db, here, SUNDAY, "suppressed", "opted_out", channel=None)
    ended(db, here, SUNDAY, "suppressed", "=1+1", channel=None)
    ended(db, here, SUNDAY, "cancelled", "died", channel=None)
    ended(db, here, MONDAY, "failed", None)
    ended(db, here, MONDAY, "failed", None, channel="email")


def test_a_fixed_set_of_texts_is_counted_by_week_and_site(db, client):
    here, there = two_sites(db)
    a_fixed_set(db, here, there)
    watcher = monitor(db)
    asked = f"{COUNTS}?from=2027-03-24&to=2027-03-30"

    items = client.get(asked, headers=watcher.headers).json["items"]
    table = client.get(asked, headers={**watcher.headers, "Accept": "text/csv"})

    plain = ("site", "week", "starts_on", "texts", "segments", "automatic_replies", "received", "failed")
    assert [tuple(one[name] for name in plain) for one in items[:4]] == [
        ("site-01", "2027-W12", "2027-03-22", 6, 10, 1, 1, 0),
        ("site-01", "2027-W13", "2027-03-29", 1, 0, 0, 1, 1),
        ("site-02", "2027-W12", "2027-03-22", 2, 2, 0, 0, 0),
        ("site-02", "2027-W13", "2027-03-29", 1, 1, 0, 0, 0),
    ]
    assert items[0]["suppressed"] == [{"reason": "=1+1", "messages": 1}, {"reason": "opted_out", "messages": 1}]
    assert [tuple(one.values()) for one in items[0]["by_template"]] == [
        ("en", 1, "help_reply", 1),
        ("en", 4, "letter", 1),
        ("en", 3, "visit_reminder", 3),
        ("zh-CN", 2, "visit_reminder", 1),
    ]
    rows = list(csv.DictReader(io.StringIO(table.get_data(as_text=True))))
    assert sum(int(row["segments"] or 0) for row in rows) == 13
    assert sum(int(row["messages"]) for row in rows if row["counted"] == "texts") == 10
    assert [row["reason"] for row in rows if row["counted"] == "suppressed"] == ["'=1+1", "opted_out"]


def test_who_counts_what_and_which_weeks(db, client, clock):
    here, there = two_sites(db)
    sent(db, here, SUNDAY)
    person, manager = coordinator(db), member(db, Role.DATA_MANAGER, "*")

    def asked(query: str, whose: Any = person) -> Any:
        return client.get(f"{COUNTS}?{query}", headers=whose.headers)

    usual = [one["week"] for one in asked("").json["items"]]

    assert usual == ["2027-W06", "2027-W07", "2027-W08", "2027-W09"]
    assert {one["site"] for one in asked("", manager).json["items"]} > {"site-01", "site-02"}
    assert {one["site"] for one in asked("site=site-02", manager).json["items"]} == {"site-02"}
    assert asked("site=site-02").status_code == 422
    assert asked("", member(db, Role.ADMINISTRATOR, "*")).status_code == 403
    assert list(asked("from=2027-03-02&to=2027-02-27").json["errors"]) == ["to"]
    assert len(asked("from=2026-01-01&to=2026-12-31").json["items"]) == 53
    assert list(asked("from=2025-12-28&to=2026-12-31").json["errors"]) == ["from"]
    assert asked("from=2027-01-03&to=2027-01-03").json["items"][0]["week"] == "2026-W53"
    assert there != here


def test_each_text_is_kept_with_what_it_costs_and_what_stands_in_the_app_with_nothing(db, work, clock, client):
    ann(db, channels=("in_app",))
    ben(db, caregivers=())
    clock.move_to("2027-03-04T09:30:00+08:00")
    plan_and_send(work)

    with db.reading(TEST) as txn:
        rows = txn.session.scalars(select(Attempt)).all()
        kept = [(one.channel, one.segments, segment_count(unseal(txn, one, "body_sealed") or "")) for one in rows]

    assert {channel for channel, _, _ in kept} == {"sms", "in_app"}
    assert all(segments == (counted if channel == "sms" else None) for channel, segments, counted in kept)
    texts = sum(segments or 0 for _, segments, _ in kept)
    assert f"followup_text_segments {float(texts)}" in client.get("/metrics").get_data(as_text=True)
