"""What SQLAlchemy has once put into SQL serves every database of a test process, as it serves a server all its life.

It keeps that for each engine and for each dialect made with it. A test has both of its own, so every test put every
statement into words anew, which took a sixth of the suite's time. Here two dialects of a kind count as one, and the
engines made with them share one memory. Connections, pools and what listens to them stay each engine's own.

So does what a dialect asks a server about itself at its first connection: there is one server of each kind here.
"""

from typing import Any

from sqlalchemy import Connection, Engine
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.util import LRUCache

_REMEMBERED: LRUCache[Any, Any] = LRUCache(10_000)
_LEARNED: dict[type, dict[str, Any]] = {}


def remember() -> None:
    """From now on, for every engine this process makes."""
    registry.register("sqlite", __name__, "Sqlite")
    registry.register("postgresql.psycopg", __name__, "Postgres")


class _OneOfItsKind(DefaultDialect):
    """Of all the dialects made of this class there might as well be one."""

    supports_statement_cache = True

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other)

    def __hash__(self) -> int:
        return hash(type(self))

    @classmethod
    def engine_created(cls, engine: Engine) -> None:
        """SQLAlchemy says so of each engine before anybody has it."""
        engine.update_execution_options(compiled_cache=_REMEMBERED)

    def initialize(self, connection: Connection) -> None:
        """Ask the server at this connection who it is, unless one of this class has asked before."""
        if type(self) not in _LEARNED:
            before = dict(vars(self))
            super().initialize(connection)
            _LEARNED[type(self)] = {name: of for name, of in vars(self).items() if before.get(name, self) is not of}
        vars(self).update(_LEARNED[type(self)])


class Sqlite(_OneOfItsKind, SQLiteDialect_pysqlite):
    """That of ``sqlite:///``."""

    supports_statement_cache = True


class Postgres(_OneOfItsKind, PGDialect_psycopg):
    """That of ``postgresql+psycopg://``."""

    supports_statement_cache = True
