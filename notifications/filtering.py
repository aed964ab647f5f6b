"""Templates that carriers take offence at: one message may be an accident, three are the words."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import distinct, func, select

from backend.db import Transaction
from notifications.channels import Refusal
from notifications.models import Attempt

ENOUGH = 3


@dataclass(frozen=True)
class Filtered:
    """How many messages of one version of a template were filtered."""

    template: str
    version: int
    messages: int


def filtered_templates(txn: Transaction, *, at_least: int = ENOUGH) -> Sequence[Filtered]:
    """Those of which so many messages were filtered, by name. New words are a new version, and counted anew."""
    many = func.count(distinct(Attempt.message_id))
    found = (
        select(Attempt.template, Attempt.template_version, many)
        .where(Attempt.refusal == Refusal.FILTERED)
        .group_by(Attempt.template, Attempt.template_version)
        .having(many >= at_least)
        .order_by(Attempt.template, Attempt.template_version)
    )
    return [Filtered(*row) for row in txn.session.execute(found)]
