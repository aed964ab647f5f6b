"""Rows are found among many by index, on SQLite as on PostgreSQL: a table of a whole trial is never read through."""

from uuid import uuid4

from sqlalchemy import create_engine, select, text
from sqlalchemy.dialects import sqlite

from backend.among import among
from notifications.models import Message


def test_whoever_asks_among_many_ids_and_one_thing_more_has_the_index_used() -> None:
    engine = create_engine("sqlite://")
    Message.__table__.create(engine)  # type: ignore[attr-defined]
    asked = select(Message.id).where(among(Message.id, "ids"), Message.template == "hello")

    with engine.connect() as connection:
        words = str(asked.compile(dialect=sqlite.dialect(paramstyle="named")))
        plan = connection.execute(text(f"EXPLAIN QUERY PLAN {words}"), {"ids": f'["{uuid4().hex}"]', "template_1": "x"})
        steps = [row.detail for row in plan]

    assert any(step.startswith("SEARCH message USING") for step in steps), steps
