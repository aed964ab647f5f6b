"""Loading adds a version only when the content has changed, and versions never change."""

from copy import deepcopy

import pytest
from sqlalchemy import func, select

from backend.audit import AuditEvent
from backend.db import system
from backend.errors import NotFound
from backend.instruments.definition import find_instrument, instrument, terminology
from backend.instruments.load import Loaded, load_instruments, load_terminology
from backend.instruments.models import InstrumentVersion
from tests.study import contents

SEED = system("seed")


def named(name, **changes):
    return {**deepcopy(contents()["core"]), "name": name, **changes}


def test_new_content_becomes_version_one_and_the_same_content_nothing(db):
    with db.transaction(SEED) as txn:
        first = load_instruments(txn, [named("toy")])
    with db.transaction(SEED) as txn:
        second = load_instruments(txn, [named("toy")])

    assert first == [Loaded("toy", 1, is_new=True)]
    assert second == [Loaded("toy", 1, is_new=False)]


def test_changed_content_becomes_the_next_version_and_the_old_one_stays(db):
    with db.transaction(SEED) as txn:
        load_instruments(txn, [named("toy")])
    with db.transaction(SEED) as txn:
        load_instruments(txn, [named("toy", title={"en": "New title", "zh-CN": "新标题"})])

    with db.reading(SEED) as txn:
        assert instrument(txn, "toy").version == 2
        assert instrument(txn, "toy").content["title"]["en"] == "New title"
        assert instrument(txn, "toy", 1).content["title"]["en"] == "Common symptoms"


def test_going_back_to_earlier_content_is_a_new_version_too(db):
    for title in ("One", "Two", "One"):
        with db.transaction(SEED) as txn:
            load_instruments(txn, [named("toy", title={"en": title, "zh-CN": title})])

    with db.reading(SEED) as txn:
        assert instrument(txn, "toy").version == 3


def test_one_instrument_changing_leaves_the_others_as_they_are(db):
    with db.transaction(SEED) as txn:
        load_instruments(txn, [named("toy"), named("other")])
    with db.transaction(SEED) as txn:
        loaded = load_instruments(txn, [named("toy", notice={"en": "Changed", "zh-CN": "改了"}), named("other")])

    assert loaded == [Loaded("toy", 2, is_new=True), Loaded("other", 1, is_new=False)]


def test_loading_leaves_a_trace(db):
    with db.transaction(SEED) as txn:
        load_instruments(txn, [named("toy")])

    with db.reading(SEED) as txn:
        row = txn.session.scalars(select(InstrumentVersion).where(InstrumentVersion.name == "toy")).one()
        traces = select(func.count()).where(AuditEvent.record_id == row.row_id, AuditEvent.verb == "instrument.loaded")
        assert txn.session.scalar(traces)


def test_an_instrument_or_version_that_does_not_exist_is_not_found(db):
    with db.transaction(SEED) as txn:
        load_instruments(txn, [named("toy")])

    with db.reading(SEED) as txn:
        assert find_instrument(txn, "toy", 9) is None
        with pytest.raises(NotFound):
            instrument(txn, "toy", 9)
        with pytest.raises(NotFound):
            instrument(txn, "nothing of the kind")


def test_terminology_is_versioned_likewise(db):
    term = {"code": "10028813", "soc": "Gastrointestinal disorders", "term": "Nausea", "grades": [1, 2, 3]}
    with db.transaction(SEED) as txn:
        first = load_terminology(txn, {"name": "toy", "edition": "5.0", "terms": [term]})
        again = load_terminology(txn, {"name": "toy", "edition": "5.0", "terms": [term]})

    assert (first.is_new, again.is_new) == (True, False)
    with db.reading(SEED) as txn:
        known = terminology(txn, "toy").terms["10028813"]
        assert (known.name, known.grades) == ("Nausea", (1, 2, 3))
