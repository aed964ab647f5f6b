"""CTCAE as it was loaded: its terms, versions side by side, and a row for each time that something was new."""

from datetime import datetime
from typing import Any

from sqlalchemy import UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from backend.db import Base, Json, WithId


class CtcaeTerm(WithId, Base):
    """One term of one version. Its code, name, organ class and grades never change once they are here.

    What explains it may: ``wording`` is ours, by language; ``published`` is the text of NCI's own workbook, which a
    site loads itself.
    """

    __tablename__ = "ctcae_term"
    __table_args__ = (UniqueConstraint("version", "code"),)

    version: Mapped[str]
    # The MedDRA lowest level term, eight digits.
    code: Mapped[str]
    name: Mapped[str]
    soc: Mapped[str]
    grades: Mapped[list[int]] = mapped_column(Json())
    # Whether it is an "Other, specify" term, which needs words of its own.
    specify: Mapped[bool]
    # The name in Chinese, translated by us; None where there is none yet.
    name_zh: Mapped[str | None]
    synonyms: Mapped[list[str]] = mapped_column(Json())
    # By language: ``criteria`` by grade, and ``hints``, what to ask in order to grade it.
    wording: Mapped[dict[str, Any] | None]
    # Gradings of our own for what the version has no term for, with their words by language.
    own_gradings: Mapped[list[dict[str, Any]]] = mapped_column(Json())
    # ``grades`` by grade, ``definition`` and ``note`` as NCI publishes them; None until its workbook is imported.
    published: Mapped[dict[str, Any] | None]


class CtcaeLoad(WithId, Base):
    """That a version's terms were loaded, from where, and how many of them were new or explained anew. Insert-only."""

    __tablename__ = "ctcae_load"

    version: Mapped[str]
    # ``study``: the files of ``followup seed``; ``workbook``: NCI's own.
    source: Mapped[str]
    content_hash: Mapped[str]
    terms: Mapped[int]
    added: Mapped[int]
    changed: Mapped[int]
    loaded_at: Mapped[datetime]
