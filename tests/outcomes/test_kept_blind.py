"""Whoever the protocol keeps blind reads no arm, and nothing else from which an arm could be told."""

from typing import Any

import pytest
from sqlalchemy import select

from backend.db import Database, system
from backend.protocol.load import load_protocol
from backend.protocol.models import ProtocolVersion
from tests.adverse_events.sent import FEVER, in_control
from tests.adverse_events.site import SINCE, Site
from tests.databases import KINDS
from tests.outcomes.test_figures_agree import Reader
from tests.people import ben, coordinator, monitor


@pytest.fixture
def site(db: Database, client: Any, clock: Any) -> Site:
    """Ann has had cells, told of a fever by her arm's daily check, and been asked it for a week; Ben has no cells."""
    made = Site(db, client)
    made.infusion_planned()
    made.infused()
    made.sign(made.confirm(made.candidate()).json)
    his = ben(db, **SINCE)
    event = in_control(source="visit", term_code=FEVER, grade=2)
    made.sign(made.send("POST", f"/patients/{his.id}/adverse-events", event).json)
    clock.move_to("2027-03-09T09:00:00+08:00")
    made.nurse = coordinator(db)
    return made


@pytest.fixture
def blind(db: Database, client: Any, site: Site) -> Reader:
    """A monitor, whose role may compare no arms."""
    with db.transaction(system("test")) as txn:
        first = txn.session.scalars(select(ProtocolVersion)).one()
        load_protocol(txn, first.content | {"blinded_roles": ["monitor"]})
    return Reader(client, monitor(db).headers)


@pytest.mark.parametrize("database_url", KINDS, indirect=True)
def test_assessments_of_one_arm_alone_are_not_shown_and_not_counted(client: Any, site: Site, blind: Reader) -> None:
    care = Reader(client, site.nurse.headers)

    keys = {row["key"].partition(".")[0] for row in blind.rows("/adherence")}
    shown, whole = blind.data("/adherence"), care.data("/adherence")

    assert "safety" in {row["key"].partition(".")[0] for row in care.rows("/adherence")}
    assert keys
    assert "safety" not in keys
    assert len({one["expected"] for one in shown["patients"]}) == 1
    assert len({one["expected"] for one in whole["patients"]}) == 2
    assert shown["definition"].startswith(whole["definition"])
    assert "what every arm is asked" in shown["definition"]


@pytest.mark.parametrize("database_url", KINDS, indirect=True)
def test_which_questions_found_an_event_and_under_which_treatment_it_emerged_is_left_blank(
    client: Any, site: Site, blind: Reader
) -> None:
    care = Reader(client, site.nurse.headers)

    rows, seen = blind.rows("/adverse-events"), care.rows("/adverse-events")
    shown = blind.data("/adverse-events")

    assert len(rows) == len(seen) == 2
    assert {row["cells_emergent"] for row in seen} == {"True", "False"}
    for column in ("shared", "cells_emergent", "drug_emergent"):
        assert {row[column] for row in rows} == {""}
    assert {row["study_emergent"] for row in rows} == {"True"}
    assert shown["shared_assessments"] is None
    assert {one["shared"] for one in shown["events"]} == {None}
    assert {one["reports"] for one in shown["patients"]} == {0}
    assert {one["reports"] for one in care.data("/adverse-events")["patients"]} == {0, 1}
    assert "NK" not in blind.told("/adverse-events")


@pytest.mark.parametrize("emergent", ["cells", "drug"])
def test_events_under_one_treatment_are_refused(site: Site, blind: Reader, emergent: str) -> None:
    for accept in ("application/json", "text/csv", "image/svg+xml"):
        refused = blind.ask("/adverse-events", accept, emergent=emergent)

        assert (refused.status_code, refused.json["code"]) == (403, "arms_blinded")
    assert blind.ask("/adverse-events", emergent="all").status_code == 200
