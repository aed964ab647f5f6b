"""Whoever is told to call when something cannot wait is given the number that is answered at night."""

import re
from pathlib import Path

from backend.conversations.whom_to_call import FOR_NEED, number_in
from backend.staff.models import Site

TEXTS = Path(__file__).parents[2] / "notifications" / "templates" / "en"
IN_NEED = re.compile(r"worse|unwell|urgent|cannot wait|wrong|at once|\bnow\b", re.IGNORECASE)


def test_every_text_that_names_a_number_for_somebody_in_need_names_the_one_answered_at_night() -> None:
    sentences = {file.stem: re.split(r"(?<=[.?!])\s", file.read_text("utf-8")) for file in TEXTS.glob("*.txt")}

    found = {name for name, said in sentences.items() if any("{phone}" in one and IN_NEED.search(one) for one in said)}

    assert {name for name in found if not name.endswith(("_email", "_sms"))} == FOR_NEED


def test_the_office_is_named_where_there_is_no_hurry_and_there_is_an_office() -> None:
    site = Site(code="site-01", emergency_phone="+86 10 6693 1000", office_phone="+86 10 6693 2000")
    numbers = [number_in(name, site) for name in ("danger_reply", "visit_reminder")]
    site.office_phone = None

    assert numbers == [site.emergency_phone, "+86 10 6693 2000"]
    assert number_in("visit_reminder", site) == site.emergency_phone
