"""What a patient's inbox shows."""

from collections.abc import Callable

from backend.db import Transaction
from backend.terms import ChannelKind, Language, Recipient
from notifications import ReceivedText, Send
from notifications.channels import Refusal, Undeliverable
from notifications.channels.simulator import Simulator
from notifications.conversation import Line, conversation_with
from notifications.inbound import keep
from notifications.models import Message
from tests.notifications.conftest import ANNS_NUMBER, TESTER, Mailroom


def in_the_app(_txn: Transaction, _message: Message) -> Send:
    return Send(ChannelKind.IN_APP, "", Language.ENGLISH, {"date": "2027-03-17", "phone": "1"})


def lines(mailroom: Mailroom, limit: int = 50, after: Line | None = None) -> list[Line]:
    with mailroom.db.reading(TESTER) as txn:
        before = (after.at, after.id) if after else None
        return conversation_with(txn, mailroom.ann, limit=limit, before=before)


def test_an_inbox_holds_both_sides_newest_first_page_by_page(mailroom: Mailroom, later: Callable[[str], None]) -> None:
    mailroom.queue()
    mailroom.dispatch(in_the_app)
    later("2027-03-01T09:00:00+08:00")
    with mailroom.db.transaction(TESTER) as txn:
        keep(txn, ReceivedText("app-1", "", "", "1", ChannelKind.IN_APP, mailroom.ann))
    later("2027-03-01T10:00:00+08:00")
    mailroom.queue("thanks", template="thanks_reply")
    mailroom.dispatch(in_the_app)

    first = lines(mailroom, limit=2)
    rest = lines(mailroom, limit=2, after=first[-1])

    assert [line.text for line in first] == ["Thank you, we have noted your answer. Take care.", "1"]
    assert [line.direction for line in rest] == ["outbound"]


def test_an_inbox_does_not_show_what_went_to_a_caregiver_or_was_refused(mailroom: Mailroom) -> None:
    mailroom.queue("caregiver", recipient=Recipient.CAREGIVER)
    mailroom.dispatch(in_the_app)
    mailroom.channels[ChannelKind.SMS] = Simulator(
        mailroom.db, {ANNS_NUMBER: Undeliverable("21211", Refusal.NUMBER_OF_NO_USE)}
    )
    mailroom.queue("refused")
    mailroom.dispatch()

    assert lines(mailroom) == []
