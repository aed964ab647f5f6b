"""``among(column, "ids")``: whether a column's value is one of many, given as one parameter however many they are.

``IN`` with a parameter for each value is another statement for every number of values: it is put into words, read and
planned anew each time, which for a hundred of them takes longer than to answer it.
"""

from collections.abc import Collection
from typing import Any, Self
from uuid import UUID

import orjson
from sqlalchemy import ARRAY, ColumnElement, Dialect, Text, Uuid, bindparam
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.operators import OperatorType
from sqlalchemy.types import Boolean, TypeDecorator, TypeEngine


class _Many(TypeDecorator[Collection[Any]]):
    """All values in one: an array on PostgreSQL, a JSON list on SQLite."""

    impl = Text
    cache_ok = True

    def __init__(self, *, are_ids: bool) -> None:
        super().__init__()
        self.are_ids = are_ids

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """The type as this database knows it."""
        if dialect.name == "postgresql":
            return dialect.type_descriptor(ARRAY(Uuid() if self.are_ids else Text()))
        return dialect.type_descriptor(Text())

    def process_bind_param(self, value: Collection[Any] | None, dialect: Dialect) -> Any:
        """As it is sent. SQLite keeps ids as their digits."""
        values = list(value or ())
        if dialect.name == "postgresql":
            return values
        return orjson.dumps([one.hex if isinstance(one, UUID) else one for one in values]).decode()


class _Among(FunctionElement[bool]):
    inherit_cache = True
    name = "among"
    type = Boolean()

    def self_group(self, against: OperatorType | None = None) -> Self:
        """As it is. Else SQLite is told to compare it with 1, uses no index for that, and reads the whole table."""
        return self


def among(column: ColumnElement[Any] | InstrumentedAttribute[Any], name: str) -> ColumnElement[bool]:
    """Whether the value of ``column``, ids or texts, is one of those passed as the parameter ``name``."""
    are_ids = isinstance(column.type, Uuid)
    return _Among(column, bindparam(name, type_=_Many(are_ids=are_ids)))


@compiles(_Among, "postgresql")
def _on_postgres(element: _Among, compiler: SQLCompiler, **words: Any) -> str:
    column, values = (compiler.process(one, **words) for one in element.clauses)
    return f"{column} = ANY ({values})"


@compiles(_Among, "sqlite")
def _on_sqlite(element: _Among, compiler: SQLCompiler, **words: Any) -> str:
    column, values = (compiler.process(one, **words) for one in element.clauses)
    return f"{column} IN (SELECT value FROM json_each({values}))"
