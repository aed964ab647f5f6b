"""The audit trail sealed into hash chains: one a site, and one for what belongs to no site.

Seals are rows of their own, so that nothing that is sealed is ever updated.
"""

from sqlalchemy import BigInteger, Integer
from sqlalchemy.orm import Mapped, mapped_column

from backend.db import Base

STUDY_CHAIN = "study"
BIG = BigInteger().with_variant(Integer, "sqlite")


class AuditChain(Base):
    """The head of a chain: whoever holds this row may add to the chain."""

    __tablename__ = "audit_chain"

    chain: Mapped[str] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(BIG)
    hash: Mapped[str]


class AuditSeal(Base):
    """One entry's place in its chain. Triggers refuse to change or delete it."""

    __tablename__ = "audit_seal"

    chain: Mapped[str] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(BIG, primary_key=True)
    entry_id: Mapped[int] = mapped_column(BIG, unique=True)
    hash: Mapped[str]
