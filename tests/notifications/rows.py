"""Rows the mailroom only points at. It has never heard what they hold, so neither do its tests."""

from datetime import date, datetime, time
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Column, insert

from backend import tables  # noqa: F401 - foreign keys need every table
from backend.db import Base, Transaction
from backend.sealing import STUDY, DataKey, make_data_key

ANY: dict[type, Any] = {
    str: lambda: uuid4().hex,
    int: lambda: uuid4().int % 1_000_000,
    bool: lambda: False,
    float: lambda: 0.0,
    date: lambda: date(2027, 1, 1),
    time: lambda: time(9),
    datetime: lambda: datetime.fromisoformat("2027-01-01T00:00:00+00:00"),
    dict: dict,
}


def a_row(txn: Transaction, table_name: str, **known: Any) -> UUID:
    """A row of that table, with something in every column that needs something; gives its id."""
    table = Base.metadata.tables[table_name]
    values = {"id": uuid4(), **known}
    for column in table.columns:
        if column.name not in values and not column.nullable:
            values[column.name] = _anything(txn, column)
    txn.session.execute(insert(table).values(values))
    return values["id"]


def a_patient(txn: Transaction) -> UUID:
    """A patient with a data key."""
    patient_id = a_row(txn, "patient")
    make_data_key(txn, patient_id)
    return patient_id


def the_studys_key(txn: Transaction) -> None:
    """Seals what belongs to no patient; made once when a study is loaded."""
    if txn.session.get(DataKey, STUDY) is None:
        make_data_key(txn, STUDY)


def _anything(txn: Transaction, column: Column[Any]) -> Any:
    for key in column.foreign_keys:
        return a_row(txn, key.column.table.name)
    return ANY.get(_kind(column), dict)()


def _kind(column: Column[Any]) -> type:
    try:
        kind = column.type.python_type
    except NotImplementedError:
        kind = dict
    return datetime if type(column.type).__name__ == "UTCDateTime" else kind
