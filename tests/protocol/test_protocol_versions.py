"""Protocol versions: added when the content is new, never changed, read once."""

from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from backend.audit import AuditEvent
from backend.db import Database, system
from backend.errors import NotFound
from backend.protocol.load import current_protocol, current_version, load_protocol, protocol_of
from backend.protocol.models import ProtocolVersion
from schemas.protocol import ProtocolFile
from schemas.seed_files import read_seed_file
from tests.protocol.test_protocol_files import SECOND

SEEDING = system("seed")


@pytest.fixture
def content() -> dict[str, Any]:
    """An invented study that no database has."""
    return read_seed_file(SECOND, ProtocolFile())


def test_a_study_loaded_twice_is_loaded_once(db: Database, content: dict[str, Any]) -> None:
    with db.transaction(SEEDING) as txn:
        first = load_protocol(txn, content)
        first_id = first.version.id
    with db.transaction(SEEDING) as txn:
        second = load_protocol(txn, content)

        assert (first.is_new, second.is_new) == (True, False)
        assert second.version.id == first_id
        assert second.version.version == 1


def test_a_changed_content_is_a_new_version_beside_the_old_one(db: Database, content: dict[str, Any]) -> None:
    with db.transaction(SEEDING) as txn:
        old = load_protocol(txn, content).version.id
        new = load_protocol(txn, {**content, "sites": 2}).version

        assert new.version == 2
        assert protocol_of(txn, old).sites == 1
        assert protocol_of(txn, new.id).sites == 2


def test_going_back_to_an_older_content_is_a_new_version_too(db: Database, content: dict[str, Any]) -> None:
    with db.transaction(SEEDING) as txn:
        for sites in (1, 2, 1):
            load_protocol(txn, {**content, "sites": sites})

        versions = txn.session.scalar(
            select(func.max(ProtocolVersion.version)).where(ProtocolVersion.study == content["study"])
        )
        assert versions == 3


def test_new_patients_enter_the_study_loaded_last(db: Database, clock: Any, content: dict[str, Any]) -> None:
    clock.move_to("2027-03-02T08:00:00+08:00")
    with db.transaction(SEEDING) as txn:
        loaded = load_protocol(txn, content).version

        assert current_version(txn).id == loaded.id
        assert current_protocol(txn).study == "INVENTED-2"


def test_a_protocol_is_read_once(db: Database, content: dict[str, Any]) -> None:
    with db.transaction(SEEDING) as txn:
        version = load_protocol(txn, content).version

        assert protocol_of(txn, version.id) is protocol_of(txn, version.id)


def test_an_unknown_version_is_not_found(db: Database) -> None:
    with db.reading(SEEDING) as txn, pytest.raises(NotFound):
        protocol_of(txn, uuid4())


def test_loading_leaves_a_trace(db: Database, content: dict[str, Any]) -> None:
    with db.transaction(SEEDING) as txn:
        version = load_protocol(txn, content).version

        verbs = txn.session.scalars(select(AuditEvent.verb).where(AuditEvent.record_id == str(version.id))).all()
        assert set(verbs) == {"protocol.loaded"}
