"""By which index a condition is answered: that depends on how it is worded."""

from sqlalchemy import ColumnElement, Text, case, false, literal_column, true


def word(of: str) -> ColumnElement[str]:
    """A word of ours that stands in the statement itself, for conditions by which a partial index may be chosen.

    Passed beside it, it could be any: SQLite reads and plans the statement anew each time, to see whether one serves.
    """
    return literal_column(f"'{of}'", Text())


def whichever_index(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    """The same condition, by which no index is chosen.

    Asked for what some patients were sent, SQLite would go by the state: through everything ever sent to anybody.
    """
    return case((condition, true()), else_=false())
