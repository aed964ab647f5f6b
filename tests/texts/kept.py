"""Texts put through the server's own doors into a database: kept as they came, and what becomes of each."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, select

from backend import clock
from backend.conversations import handle
from backend.conversations.loops import ALWAYS_SAID
from backend.conversations.models import ConversationAnswer
from backend.conversations.strangers import says_wrong_number
from backend.db import Database, system
from backend.jobs import Work
from backend.triage.models import CandidateFinding
from notifications import inbound
from notifications.inbound import ReceivedText, receive
from notifications.models import InboundMessage, Message
from tests import people

READER = system("test")
# Whoever writes of a death, STOP or "wrong number" is met with silence afterwards: those have a telephone of their own.
SILENCED_BY = ("death", "danger and death", "keyword")
OTHER_PHONE = "+8613800138777"
STRANGERS_PHONE = "+8613800138999"
TEXTS_A_WEEK = 30
# So much that nobody takes two of them for machines.
BETWEEN_TEXTS, WEEK = timedelta(minutes=20), timedelta(days=7)
UNREAD = (None, inbound.BEING_READ, inbound.FAILED)


def not_kept(db: Database, texts: Sequence[str], first: int) -> list[str]:
    """Keep texts as a webhook does, read them back in another transaction, and tell of those that have changed.

    ``first`` numbers them for the provider, for of two with one number it has sent one twice.
    """
    with db.transaction(inbound.GATEWAY) as txn:
        rows = [inbound.keep(txn, _received(text, first + place)) for place, text in enumerate(texts)]
        ids = [row.id for row in rows if row is not None]
    if len(ids) != len(texts):
        return [f"{len(texts) - len(ids)} of {len(texts)} texts were not kept"]
    with db.reading(READER) as txn:
        kept = [inbound.text_of(txn, txn.session.get_one(InboundMessage, one)) for one in ids]
    return [
        f"{ascii(text)} is kept as {ascii(found)}"
        for text, found in zip(texts, kept, strict=True)
        if found != _whole(text)
    ]


def _received(text: str, number: int, phone: str = STRANGERS_PHONE) -> ReceivedText:
    return ReceivedText(f"TEXT{number}", phone, "", text)


def _whole(text: str) -> str:
    """The text, with a question mark for each half of a character, which no encoding can carry."""
    return "".join("?" if "\ud800" <= one <= "\udfff" else one for one in text)


@dataclass
class Doors:
    """Three patients who write; two of them are asked their questions by text, week by week."""

    work: Work
    count: int = 0

    @property
    def db(self) -> Database:
        """Where they are kept."""
        return self.work.db

    def open(self) -> "Doors":
        """Enrol them, and ask."""
        people.ann(self.db)
        people.ben(self.db, caregivers=())
        people.enrolled(self.db, replace(people.ANN, name="Cora Lin", phone=OTHER_PHONE))
        self._ask()
        return self

    def answers(self) -> int:
        """How many answers to questionnaires were among the texts."""
        with self.db.reading(READER) as txn:
            return txn.session.scalar(select(func.count(ConversationAnswer.id))) or 0

    def _ask(self) -> None:
        self.work.see_to_surveys()
        self.work.plan()
        self.work.dispatch()

    def faults(self, text: str, became: str) -> list[str]:
        """Write a text from a telephone, let it be understood, and tell what is wrong with what became of it."""
        self.count += 1
        is_the_last_word = became in SILENCED_BY or says_wrong_number(text)
        phone = OTHER_PHONE if is_the_last_word else (people.ANNS_PHONE, people.BENS_PHONE)[self.count % 2]
        inbound_id = receive(self.db, _received(text, -self.count, phone))
        assert inbound_id is not None, "No two have the same number."
        handle.understand(self.db, inbound_id)
        # The next question must have left before the next text can answer it.
        self.work.dispatch()
        is_over = self.count % TEXTS_A_WEEK == 0
        clock.set_ahead(clock.ahead() + (WEEK if is_over else BETWEEN_TEXTS))
        if is_over:
            self._ask()
        return [f"{ascii(text[:120])} ({became}): {one}" for one in self._wrong(inbound_id, text, became)]

    def _wrong(self, inbound_id: UUID, text: str, became: str) -> Iterator[str]:
        with self.db.reading(READER) as txn:
            row = txn.session.get_one(InboundMessage, inbound_id)
            if inbound.text_of(txn, row) != _whole(text):
                yield "is not kept as it came"
            if row.handled_how in UNREAD:
                yield f"could not be understood: {row.handled_how}"
            if became == "keyword" and row.keyword is None:
                yield "was not obeyed"
            if "danger" in became and not self._has_rung(inbound_id):
                yield "called nobody, or was not answered at once"

    def _has_rung(self, inbound_id: UUID) -> bool:
        """Whether somebody is called, and the writer hears the emergency number, or kind words after a death."""
        found = select(CandidateFinding.id).where(CandidateFinding.inbound_message_id == inbound_id)
        reply = select(Message.template).where(Message.key == f"reply:{inbound_id}")
        with self.db.reading(READER) as txn:
            return txn.session.scalar(found.limit(1)) is not None and txn.session.scalar(reply) in ALWAYS_SAID
