"""What a transaction is done with: one connection, and a session on it; each is there from when it is first asked for.

Most transactions of a worker need no session at all, and one costs more than a statement does.
"""

from typing import Any

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import PendingRollbackError
from sqlalchemy.orm import Session


class UnitOfWork:
    """Begins with the first statement, and ends with ``commit`` or ``roll_back``. ``close`` it whatever happened.

    ``notes`` is for what those who act in it keep for each other, also over a new beginning.
    """

    def __init__(self, engine: Engine) -> None:
        """Nothing is asked of the database yet."""
        self.engine = engine
        self.notes: dict[str, Any] = {}
        self._connection: Connection | None = None
        self._session: Session | None = None

    # By hand: ``cached_property`` of Python 3.11 has one lock for all instances, and a beginning may have to wait.

    @property
    def connection(self) -> Connection:
        """For statements of plain columns: the session would first look through each for where it belongs.

        Whoever asks for it has begun: on SQLite a writer has the turn from here on. Raises ``PendingRollbackError``
        after a flush that failed, until what it was part of is taken back.
        """
        if self._connection is None:
            self._connection = _begun(self.engine)
        elif self._session is not None and not self._session.is_active:
            # Its savepoint is gone already, and what is said now would be part of what surrounds that.
            raise PendingRollbackError("A flush has failed; take back what it was part of.")
        return self._connection

    @property
    def session(self) -> Session:
        """For rows that are changed as objects."""
        if self._session is None:
            self._session = SessionOfWork(self)
        return self._session

    def commit(self) -> None:
        """Keep everything. Raises if part of it failed and was not taken back."""
        if self._session is not None:
            self._session.commit()
        if self._connection is not None:
            # What the session knows nothing of.
            self._connection.commit()

    def roll_back(self) -> None:
        """Keep nothing, and hold nothing: the connection goes back, for there are few, and others wait for it.

        It can be used again, and then begins anew with what is committed by that time.
        """
        try:
            if self._session is not None:
                self._session.rollback()
        finally:
            self._give_back()

    def close(self) -> None:
        """Hold nothing any more. What was neither kept nor taken back until now is taken back."""
        session, self._session = self._session, None
        try:
            if session is not None:
                session.close()
        finally:
            self._give_back()

    def _give_back(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


def _begun(engine: Engine) -> Connection:
    connection = engine.connect()
    try:
        connection.begin()
    except BaseException:
        connection.close()
        raise
    return connection


class SessionOfWork(Session):
    """Works on the one connection of its unit, and decides there about everything that was begun on it.

    Nothing is flushed behind our back: the audit trail must still see what a row was before the change. Rows still say
    after the commit what they said in it.
    """

    def __init__(self, work: UnitOfWork) -> None:
        """Asks for the connection when it needs it."""
        super().__init__(autoflush=False, expire_on_commit=False, join_transaction_mode="control_fully")
        self.work = work

    def get_bind(self, *_about: Any, **_more: Any) -> Connection:
        """There is one for everything."""
        return self.work.connection
