"""The mailroom's tables: what is to be said, each try at saying it, and what was said to us."""

from datetime import date, datetime, time
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from backend.db import Base, WithId
from backend.sealing import STUDY
from backend.terms import AttemptStatus, MessageStatus


def _partial(name: str, *columns: str, where: str, unique: bool = False) -> Index:
    return Index(name, *columns, unique=unique, sqlite_where=text(where), postgresql_where=text(where))


class Message(WithId, Base):
    """An intent: what to say, to whom, when, and why (the key). Never an address and never a rendered text.

    ``send_at`` is the plan; ``next_try_at`` is what the dispatcher goes by, and moves with postponements and retries.
    """

    __tablename__ = "message"
    __table_args__ = (
        _partial("uq_message_patient_id_key", "patient_id", "key", where="patient_id IS NOT NULL", unique=True),
        _partial(
            "uq_message_site_id_key",
            "site_id",
            "key",
            where="patient_id IS NULL AND site_id IS NOT NULL",
            unique=True,
        ),
        _partial("uq_message_key", "key", where="patient_id IS NULL AND site_id IS NULL", unique=True),
        _partial("ix_message_due", "priority", "next_try_at", "id", where="status = 'queued'"),
        _partial("ix_message_leased", "lease_until", where="status IN ('claimed', 'sending')"),
        _partial("ix_message_in_doubt", "id", where="status = 'in_doubt'"),
        _partial("ix_message_unheard", "settled_at", "id", where="answered_at IS NULL AND opened_at IS NULL"),
        Index("ix_message_status", "status"),
        _partial("ix_message_missed", "template", where="status = 'suppressed' AND reason = 'expired'"),
        _partial("ix_message_unanswered", "patient_id", where="asks IS NOT NULL AND answered_at IS NULL"),
        Index("ix_message_patient_id_send_at_id", "patient_id", "send_at", "id"),
        Index("ix_message_site_id_send_at_id", "site_id", "send_at", "id"),
    )

    recipient: Mapped[str]
    patient_id: Mapped[UUID | None] = mapped_column(ForeignKey("patient.id"))
    caregiver_id: Mapped[UUID | None] = mapped_column(ForeignKey("caregiver.id"), index=True)
    staff_id: Mapped[UUID | None] = mapped_column(ForeignKey("staff_member.id"), index=True)
    site_id: Mapped[UUID | None] = mapped_column(ForeignKey("site.id"))
    in_reply_to: Mapped[UUID | None] = mapped_column(ForeignKey("inbound_message.id"), index=True)
    template: Mapped[str]
    values: Mapped[dict[str, Any]]
    # What a person wrote, where the template only frames it. Sealed under the patient's key.
    words_sealed: Mapped[str | None]
    key: Mapped[str]
    agenda_key: Mapped[str | None]
    asks: Mapped[str | None]
    urgency: Mapped[str]
    priority: Mapped[int]
    local_date: Mapped[date | None]
    local_time: Mapped[time | None]
    zone: Mapped[str | None]
    send_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    next_try_at: Mapped[datetime]
    tries: Mapped[int]
    status: Mapped[str]
    reason: Mapped[str | None]
    lease_until: Mapped[datetime | None]
    lease_token: Mapped[UUID | None]
    channel: Mapped[str | None]
    language: Mapped[str | None]
    created_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]
    answered_at: Mapped[datetime | None]
    # When the app first showed it to the patient.
    opened_at: Mapped[datetime | None]

    @property
    def key_owner_id(self) -> UUID:
        """The patient's own data key; words to nobody in particular are under the study's."""
        return self.patient_id or STUDY

    @property
    def is_unsent(self) -> bool:
        """Whether it can still be recalled: nobody has begun to say it."""
        return self.status in UNSENT


UNSENT = (MessageStatus.QUEUED, MessageStatus.CLAIMED)


class Attempt(WithId, Base):
    """One call to a provider. Its id travels with the call, so that whatever comes back can be matched."""

    __tablename__ = "message_attempt"
    __table_args__ = (
        UniqueConstraint("message_id", "number"),
        Index("ix_message_attempt_patient_id_started_at_id", "patient_id", "started_at", "id"),
        _partial("ix_message_attempt_provider_id", "provider_id", where="provider_id IS NOT NULL"),
        _partial("ix_message_attempt_called_at", "called_at", where="provider_id IS NOT NULL"),
        _partial("ix_message_attempt_texts", "started_at", where="channel = 'sms'"),
        _partial("ix_message_attempt_accepted", "settled_at", where="status = 'accepted'"),
        _partial("ix_message_attempt_filtered", "template", "template_version", where="refusal = 'filtered'"),
    )

    message_id: Mapped[UUID] = mapped_column(ForeignKey("message.id"))
    patient_id: Mapped[UUID | None] = mapped_column(ForeignKey("patient.id"))
    key_owner_id: Mapped[UUID]
    number: Mapped[int]
    channel: Mapped[str]
    # Whom it was given to. Nobody else can be asked what became of it.
    gateway: Mapped[str | None]
    language: Mapped[str]
    template: Mapped[str]
    template_version: Mapped[int]
    address_sealed: Mapped[str | None]
    body_sealed: Mapped[str | None]
    # How many text messages it was, as carriers count and charge them; None where it was no text.
    segments: Mapped[int | None]
    status: Mapped[str]
    provider_id: Mapped[str | None]
    code: Mapped[str | None]
    # The class of the code, by which it was decided what to do next.
    refusal: Mapped[str | None]
    started_at: Mapped[datetime]
    # In real time, which is what a provider knows of.
    called_at: Mapped[datetime | None]
    settled_at: Mapped[datetime | None]
    looks: Mapped[int]
    # How often the provider could not be asked; None as zero.
    failed_looks: Mapped[int | None]
    looked_at: Mapped[datetime | None]

    @property
    def is_open(self) -> bool:
        """Whether we do not know yet what became of it."""
        return self.status in (AttemptStatus.SENDING, AttemptStatus.IN_DOUBT)


class Receipt(WithId, Base):
    """What a provider said later about one attempt, kept even when it changed nothing."""

    __tablename__ = "message_receipt"
    __table_args__ = (UniqueConstraint("attempt_id", "status"),)

    attempt_id: Mapped[UUID] = mapped_column(ForeignKey("message_attempt.id"))
    status: Mapped[str]
    code: Mapped[str | None]
    at: Mapped[datetime]


class InboundMessage(WithId, Base):
    """A text that reached us, kept once by the provider's id before anything tried to understand it."""

    __tablename__ = "inbound_message"
    __table_args__ = (
        UniqueConstraint("provider_id"),
        _partial("ix_inbound_message_unhandled", "received_at", "id", where="handled_at IS NULL"),
        _partial(
            "ix_inbound_message_not_looked_at",
            "received_at",
            "id",
            where="handled_at IS NULL AND handled_how IS NULL",
        ),
        Index("ix_inbound_message_number_index_received_at", "number_index", "received_at"),
        Index("ix_inbound_message_patient_id_received_at_id", "patient_id", "received_at", "id"),
    )

    provider_id: Mapped[str]
    channel: Mapped[str]
    key_owner_id: Mapped[UUID]
    number_index: Mapped[str | None]
    number_sealed: Mapped[str | None]
    to_number: Mapped[str | None]
    text_sealed: Mapped[str | None]
    received_at: Mapped[datetime]
    # What the writer says it answers, where the app let them say so. What that is, the trial knows.
    in_reply_to: Mapped[UUID | None]
    keyword: Mapped[str | None]
    handled_at: Mapped[datetime | None]
    handled_how: Mapped[str | None]
    # What came of a text that a person has read.
    resolved_by: Mapped[UUID | None]
    outcome_sealed: Mapped[str | None]
    note_sealed: Mapped[str | None]
    patient_id: Mapped[UUID | None] = mapped_column(ForeignKey("patient.id"))
    site_id: Mapped[UUID | None] = mapped_column(ForeignKey("site.id"), index=True)


class OptOut(WithId, Base):
    """A number that said STOP, and, once it has, when it said START.

    A STOP may have reached the carrier alone: then ``refused_attempt`` is how we came to know of it. While it stands,
    not even the answer to a STOP can go there.
    """

    __tablename__ = "opt_out"
    __table_args__ = (
        _partial("uq_opt_out_number_index", "number_index", where="started_at IS NULL", unique=True),
        Index("ix_opt_out_number_index", "number_index"),
    )

    number_index: Mapped[str] = mapped_column(info={"audited": False})
    stopped_at: Mapped[datetime]
    stopped_by: Mapped[UUID | None] = mapped_column(ForeignKey("inbound_message.id"), index=True)
    refused_attempt: Mapped[UUID | None] = mapped_column(ForeignKey("message_attempt.id"), index=True)
    started_at: Mapped[datetime | None]
    started_by: Mapped[UUID | None] = mapped_column(ForeignKey("inbound_message.id"), index=True)


class NumberStop(WithId, Base):
    """A number that a provider says takes no texts, and, once somebody has seen to it, since when it is tried again."""

    __tablename__ = "number_stop"
    __table_args__ = (
        _partial("uq_number_stop_number_index", "number_index", where="lifted_at IS NULL", unique=True),
        Index("ix_number_stop_number_index", "number_index"),
    )

    number_index: Mapped[str] = mapped_column(info={"audited": False})
    stopped_at: Mapped[datetime]
    # None: no provider, but a person who telephoned and reached a stranger.
    refused_attempt: Mapped[UUID | None] = mapped_column(ForeignKey("message_attempt.id"), index=True)
    code: Mapped[str]
    lifted_at: Mapped[datetime | None]
    lifted_because: Mapped[str | None]


class GatewayBreaker(WithId, Base):
    """A way out that refused us as a whole, one row a channel. All of its times are real ones."""

    __tablename__ = "gateway_breaker"
    __table_args__ = (UniqueConstraint("channel"),)

    channel: Mapped[str]
    # None: it works.
    opened_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    code: Mapped[str]
    # How often it has opened in all, and how many messages in a row were refused since it last did.
    openings: Mapped[int]
    refusals: Mapped[int]
    refused_at: Mapped[datetime | None]
    next_probe_at: Mapped[datetime]


class JobRun(WithId, Base):
    """A run of a periodic job that did something, or failed. Runs that found nothing leave only a heartbeat."""

    __tablename__ = "job_run"
    __table_args__ = (Index("ix_job_run_name_started_at", "name", "started_at"),)

    name: Mapped[str]
    started_at: Mapped[datetime]
    milliseconds: Mapped[int]
    counts: Mapped[dict[str, Any]]
    error: Mapped[str | None]


class WorkerHeartbeat(WithId, Base):
    """A process that ticks, and when it last did, in real time."""

    __tablename__ = "worker_heartbeat"

    started_at: Mapped[datetime]
    beat_at: Mapped[datetime] = mapped_column(index=True)


class SimulatedText(WithId, Base):
    """One text on a simulated phone. The attempt id is unique, so exactly once can be counted."""

    __tablename__ = "simulated_text"
    __table_args__ = (
        UniqueConstraint("attempt_id"),
        Index("ix_simulated_text_number_index_at", "number_index", "at"),
    )

    # The simulator stands for a provider, which has never heard of our tables: hence no foreign key.
    attempt_id: Mapped[UUID | None]
    number_index: Mapped[str]
    direction: Mapped[str]
    text_sealed: Mapped[str | None]
    at: Mapped[datetime]

    @property
    def key_owner_id(self) -> UUID:
        """Simulated phones belong to nobody, so the study's key seals them."""
        return STUDY
