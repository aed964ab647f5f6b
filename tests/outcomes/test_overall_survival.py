"""Overall survival: until when a patient counts, where a partial date is placed, and what each reader is shown."""

import csv
import io
from datetime import date
from uuid import uuid4
from xml.etree import ElementTree

import pytest

from backend.db import Database, system
from backend.outcomes.overall_survival import Life, follow_up, survival_of
from backend.patients import life
from backend.patients.models import Patient
from backend.terms import EvidenceSource
from tests.databases import KINDS
from tests.people import ann, ben, coordinator, monitor

API = "/api/v1/outcomes/overall-survival"
RANDOMISED = date(2027, 3, 1)


def somebody(died_on: str | None = None, alive: str = "2027-03-01", **known: object) -> Life:
    seen = date.fromisoformat(alive)
    facts = {"arm": "nk", "randomised_on": RANDOMISED, "last_alive_on": seen, "alive_until": seen, **known}
    return Life(patient_id=uuid4(), subject_number="01-0001", site_id=uuid4(), died_on=died_on, **facts)  # type: ignore[arg-type]


PLACED = [
    # As reported, last known alive, the day in the analysis, days counted, whether it was placed by the rule.
    ("2027-05-17", "2027-04-01", "2027-05-17", 78, False),
    ("2027-05", "2027-04-01", "2027-05-01", 62, True),
    ("2027-05", "2027-05-20", "2027-05-20", 81, True),
    ("2027", "2027-04-01", "2027-04-01", 32, True),
    ("2027-03", "2027-03-01", "2027-03-02", 2, True),
    ("2027-05", "2027-06-09", "2027-05-31", 92, True),
    ("2028", "2027-12-30", "2028-01-01", 307, True),
]


@pytest.mark.parametrize(("died_on", "alive", "end_on", "days", "is_imputed"), PLACED)
def test_a_death_is_placed_as_the_definition_says(died_on, alive, end_on, days, is_imputed) -> None:
    counted = follow_up(somebody(died_on, alive), None)

    assert (counted.has_died, counted.end_on.isoformat()) == (True, end_on)
    assert (counted.days, counted.is_imputed) == (days, is_imputed)


def test_a_cut_off_ignores_what_came_after_it() -> None:
    cutoff = date(2027, 6, 30)
    died_later = follow_up(somebody("2027-07-01", "2027-06-15"), cutoff)
    # Known to have lived in August: nobody dies in June for an analysis.
    lived_on = follow_up(somebody("2027", "2027-06-20", alive_until=date(2027, 8, 1)), cutoff)
    came_later = somebody(randomised_on=date(2027, 7, 1))

    assert (died_later.has_died, died_later.end_on) == (False, date(2027, 6, 15))
    assert (lived_on.has_died, lived_on.end_on) == (False, date(2027, 6, 20))
    assert survival_of([came_later], cutoff).followed == ()


def test_whoever_died_on_the_day_of_randomisation_was_followed_for_one_day() -> None:
    assert follow_up(somebody("2027-03-01"), None).days == 1


@pytest.fixture
def trial(db: Database, clock) -> dict[str, Patient]:
    """Ann has died in May, known to the month; Ben was seen alive in June; somebody of another site has not."""
    clock.move_to("2027-07-01T09:00:00+08:00")
    when = {"consented_on": date(2027, 2, 25), "randomised_on": RANDOMISED}
    known = {"ann": ann(db, **when), "ben": ben(db, **when), "far": ann(db, "site-02", phone="+8613800138055", **when)}
    with db.transaction(system("test")) as txn:
        hers, his = (txn.session.get_one(Patient, known[name].id) for name in ("ann", "ben"))
        life.add_evidence(txn, hers, as_of=date(2027, 5, 10), source=EvidenceSource.PHONE)
        life.add_evidence(txn, his, as_of=date(2027, 6, 10), source=EvidenceSource.VISIT)
        life.record_death(txn, hers, "2027-05")
    return known


@pytest.mark.parametrize("database_url", KINDS, indirect=True)
def test_the_figures_open_into_their_patients(db, client, trial) -> None:
    person = coordinator(db)

    shown = client.get(API, headers={**person.headers, "Accept-Language": "en"}).json

    patients = {one["patient"]["id"]: one for one in shown["patients"]}
    hers, his = patients[str(trial["ann"].id)], patients[str(trial["ben"].id)]
    assert str(trial["far"].id) not in patients
    assert (hers["has_died"], hers["reported_died_on"], hers["end_on"], hers["days"]) == (
        True,
        "2027-05",
        "2027-05-10",
        71,
    )
    assert (his["has_died"], his["end_on"], his["days"]) == (False, "2027-06-10", 102)
    assert (shown["together"]["patients"], shown["together"]["events"], shown["imputed"]) == (2, 1, 1)
    assert [(arm["arm"], arm["patients"], arm["events"]) for arm in shown["arms"]] == [("control", 1, 0), ("nk", 1, 1)]
    assert sum(step["events"] + step["censored"] for step in shown["together"]["steps"]) == 2
    assert shown["together"]["numbers_at_risk"][0] == {"month": 0, "at_risk": 2}
    assert "randomisation" in shown["definition"]


def test_the_same_comes_as_csv_and_as_a_picture_in_either_language(db, client, trial) -> None:
    reader = monitor(db)

    table = client.get(API, headers={**reader.headers, "Accept": "text/csv"})
    drawn = client.get(API, headers={**reader.headers, "Accept": "image/svg+xml", "Accept-Language": "zh-CN"})

    rows = list(csv.DictReader(io.StringIO(table.text)))
    root = ElementTree.fromstring(drawn.text)
    words = " ".join(root.itertext())
    assert (table.mimetype, len(rows), {row["site"] for row in rows}) == ("text/csv", 3, {"site-01", "site-02"})
    assert drawn.mimetype == "image/svg+xml"
    assert root[0].tag.endswith("title")
    assert root[0].text == "总生存期"
    assert "在险人数" in words
    assert client.get(API, headers={**reader.headers, "Accept": "image/png"}).status_code == 406


def test_filters_choose_and_mistakes_are_named(db, client, trial) -> None:
    reader = monitor(db)

    def ask(**query: str):
        return client.get(API, query_string=query, headers=reader.headers)

    assert [arm["arm"] for arm in ask(arm="nk").json["arms"]] == ["nk"]
    assert len(ask(site="site-02").json["patients"]) == 1
    assert ask(cutoff="2027-04-30").json["together"]["events"] == 0
    assert {one["end_on"] for one in ask(cutoff="2027-05-01").json["patients"]} >= {"2027-03-01"}
    for query, field in (({"cutoff": "2027-02-28"}, "cutoff"), ({"arm": "x"}, "arm"), ({"site": "site-99"}, "site")):
        refused = ask(**query)
        assert (refused.status_code, list(refused.json["errors"])) == (422, [field])
    assert client.get(API, query_string={"site": "site-02"}, headers=coordinator(db).headers).status_code == 422
