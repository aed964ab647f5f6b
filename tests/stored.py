"""Everything a database holds, as whoever stole it would read it."""

from sqlalchemy import MetaData, select

from backend.db import Database, system


def everything_stored(db: Database) -> str:
    """Every row of every table there is, as text."""
    found = MetaData()
    found.reflect(db.engine)
    with db.reading(system("test")) as txn:
        return "\n".join(
            str(tuple(row)) for table in found.tables.values() for row in txn.session.execute(select(table))
        )
