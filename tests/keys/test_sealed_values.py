"""A sealed value opens in its own place and as it was sealed, or it is named as wrong: never anything in between."""

import base64
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Table

from backend.db import Database
from backend.errors import WrongDataKey
from backend.sealing import STUDY, DataKey, make_data_key, seal, unseal
from backend.tables import metadata
from tests import people
from tests.databases import Databases
from tests.keys.life import API, TEST

SEALED = sorted(
    (table.name, column.name)
    for table in metadata.sorted_tables
    for column in table.columns
    if column.name.endswith("_sealed")
)
NAMES_OF_THINGS = frozenset({"site", "job_run", "instrument_version", "terminology_version", "ctcae_term"})
WRONG = ["", "A", "not base64!", "手抖", "AAAA", "A" * 400, "=" * 8, "AAAA\x00", "\udcff"]


@pytest.fixture(params=["sqlite"])
def database_url(request: pytest.FixtureRequest, databases: Databases) -> Iterator[str]:
    """Sealing happens before any database sees a value."""
    url = databases.fresh_url(request.param)
    yield url
    databases.drop(url)


class Place:
    """One row of any table, as far as sealing goes."""

    def __init__(self, table: str, row_id: str, **columns: str | None) -> None:
        self.__tablename__, self.row_id, self.key_owner_id = table, row_id, STUDY
        vars(self).update(columns)


def study_key(txn: Any) -> None:
    if txn.session.get(DataKey, STUDY) is None:
        make_data_key(txn, STUDY)


def test_the_sealed_columns_are_found_by_their_name() -> None:
    assert len(SEALED) > 20
    assert ("patient", "name_sealed") in SEALED
    assert [table.name for table in metadata.sorted_tables if is_sealed_otherwise(table)] == []


def is_sealed_otherwise(table: Table) -> bool:
    """A column that holds identifiers under another name would be missed here."""
    named = {"name", "phone", "email", "text", "note", "body", "informant", "cause", "relation"}
    return table.name not in NAMES_OF_THINGS and any(column.name in named for column in table.c)


def test_what_is_pasted_into_another_row_column_or_table_does_not_open(db: Database) -> None:
    with db.transaction(TEST) as txn:
        study_key(txn)
        for table, column in SEALED:
            sealed = seal(txn, Place(table, "one"), column, "Qiu Wanderlust")
            assert unseal(txn, Place(table, "one", **{column: sealed}), column) == "Qiu Wanderlust"

            others = [(its_table, "one", its) for its_table, its in SEALED if (its_table, its) != (table, column)]
            for its_table, row_id, its in [(table, "other", column), *others]:
                with pytest.raises(WrongDataKey):
                    unseal(txn, Place(its_table, row_id, **{its: sealed}), its)


def test_every_altered_or_shortened_ciphertext_is_refused_by_name(db: Database) -> None:
    with db.transaction(TEST) as txn:
        study_key(txn)
        sealed = seal(txn, Place("patient", "one"), "name_sealed", "Qiu")
        raw = base64.b64decode(sealed or "")
        flipped = [raw[:at] + bytes([raw[at] ^ 1 << bit]) + raw[at + 1 :] for at in range(len(raw)) for bit in range(8)]
        shortened = [raw[:length] for length in range(len(raw))]

        for broken in [base64.b64encode(one).decode() for one in flipped + shortened] + WRONG:
            with pytest.raises(WrongDataKey):
                unseal(txn, Place("patient", "one", name_sealed=broken), "name_sealed")


def test_a_data_key_that_was_altered_opens_nothing(db: Database) -> None:
    ann, ben = people.ann(db), people.ben(db)
    with db.transaction(TEST) as txn:
        hers, his = txn.session.get_one(DataKey, ann.id), txn.session.get_one(DataKey, ben.id)
        hers.wrapped = his.wrapped

    with db.reading(TEST) as txn, pytest.raises(WrongDataKey):
        unseal(txn, txn.session.get_one(type(ann), ann.id), "name_sealed")


@pytest.mark.parametrize("stored", WRONG[:6])
def test_a_record_with_a_broken_value_is_503_and_shows_nothing(db: Database, client: Any, stored: str) -> None:
    ann, coordinator = people.ann(db), people.coordinator(db)
    with db.transaction(TEST) as txn:
        txn.session.get_one(type(ann), ann.id).phone_sealed = stored

    answer = client.get(f"{API}/patients/{ann.id}", headers=coordinator.headers)

    assert (answer.status_code, answer.json["code"]) == (503, "wrong_data_key")
    assert "Ann" not in answer.text
