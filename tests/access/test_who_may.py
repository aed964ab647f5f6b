"""Every route, for everybody, for what is theirs, another patient's, another site's and nobody's."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from backend.access import ALLOWED
from backend.api import document
from backend.api.permissions import Who
from tests.access.world import API, OTHER_SITE, OWN, SAME_SITE, UNKNOWN, Asker, Records, World
from tests.promises.permissions_page import routes

# What a caller meets when it is theirs to pass and the record cannot take it twice.
PASSED = "let in"
NO_MORE = frozenset({409, 412})
# What people do with their own sessions and factors has tests of its own; here only who is refused.
OF_ONESELF = "sign_in."
WITH_A_TAG = {("patients.OnePatient", "PATCH"), ("adverse_events.OneEvent", "PATCH")}
ENDS_PHONES = ("patients.Devices", "DELETE")
# Where the example is not for everybody who may: the administrator of one site gives roles there only.
# The others would come a second time to what the world of these tests has already.
TAILORED: dict[str, dict[str, Any]] = {
    "post_staff": {"roles": [{"role": "monitor", "site": "site-01"}]},
    "post_patients_cycles": {"number": 2, "donor_collection_on": "2027-02-28"},
    "patch_patients_cycles_by_number": {"day_1_on": "2027-03-03"},
    "post_patients_discontinuations": {"treatment": "cells", "on": "2027-03-01"},
    "post_patients_hospitalisations": {"admitted_on": "2027-02-20", "discharged_on": "2027-02-22"},
    "post_patients_reports_corrections": {"of_version": 1},
    "patch_patients_hospitalisations_by_stay_id": {"discharged_on": "2027-03-01"},
}
# Nobody of the world has one: what happens to it has tests of its own.
NOT_THERE = {("staff.MemberAuthenticator", "DELETE"), ("triage.Claims", "DELETE"), ("triage.Snoozes", "DELETE")}
# Nobody of it is lost, and by then a relative has told of a death and contact is held.
NOT_THERE |= {("dispositions.Dispositions", "POST"), ("dispositions.DispositionEndings", "POST")}
NOT_THERE |= {("letters.PatientLetters", "POST")}
# Nobody's number has been changed.
NOT_THERE |= {("patients.PhoneConfirmations", "POST")}
NOT_THERE |= {("pauses.PauseEnds", "POST"), ("worklist.Reopenings", "POST"), ("closing.Reopenings", "POST")}
NOT_THERE |= {("inbox.InboxReopenings", "POST")}
# Acts on the calendar, which can be looked at without being done.
PREVIEWED = (
    "/cycles",
    "/pauses",
    "/hospitalisations",
    "/discontinuations",
    "/withdrawals",
    "/reversals",
    "/protocol-moves",
)
# Belongs to no one site: whoever may, may everywhere.
STUDYWIDE = {("staff.Sites", "POST")}
# Shows the sites where one may, and of the others nothing.
OF_WHERE_ONE_MAY = {("concordance.Concordance", "GET")}
SAME_BUT_FOR = {"x-request-id", "date"}


@pytest.fixture
def world(db, client) -> World:
    return World(db, client)


def doors(app) -> Iterator[tuple[str, Any, Any]]:
    """(method, rule, who) of every route that asks who it is."""
    for method, _, rule, wanted in routes(app):
        if wanted is not Who.ANYONE:
            yield method, rule, wanted


def address(rule, records: Records) -> str:
    """The route's address for these records. An address that names something else needs an entry in ``Records``."""
    of_death = "denied_report_id" if rule.endpoint == "survival.Denials" else "death_report_id"
    names = {
        name: of_death if "/death-reports/" in rule.rule and name == "report_id" else name for name in rule.arguments
    }
    if rule.endpoint == "corrections.PatientCorrections":
        # The phone has corrected the other one by then.
        names["report_id"] = "calm_report_id"
    if rule.endpoint in ("triage.Snoozes", "questions.Questions"):
        # An emergency cannot be put off, and by the time of the question it has been confirmed.
        names["candidate_id"] = "calm_candidate_id"
    if rule.endpoint == "closing.Dismissals":
        # What is urgent an investigator dismisses.
        names["candidate_id"] = "plain_candidate_id"
    if rule.endpoint == "closing.Merges":
        # Into the calm one.
        names["candidate_id"] = "double_candidate_id"
    if rule.endpoint == "adverse_events.Voidings":
        # What was signed an investigator voids.
        names["event_id"] = "draft_event_id"
    return rule.build({name: getattr(records, called) for name, called in names.items()})[1]


def expected(wanted, endpoint: str, method: str, asker: Asker, whose: str) -> object:
    """The rule of docs/permissions.md, said once more: 401, 403, 404 or let in."""
    if wanted is Who.ANYONE:
        return PASSED
    if not asker.is_known:
        return 401
    if wanted in (Who.PATIENT, Who.STAFF, Who.SIGNED_IN):
        is_right = {Who.PATIENT: asker.is_patient, Who.STAFF: not asker.is_patient, Who.SIGNED_IN: True}[wanted]
        return 403 if not is_right else PASSED if whose == OWN else 404
    if not asker.held & ALLOWED[wanted]:
        return 403
    if (endpoint, method) in OF_WHERE_ONE_MAY:
        return PASSED
    if (endpoint, method) in STUDYWIDE:
        return PASSED if "*" in asker.roles else 403
    if whose == UNKNOWN:
        return 404
    at_the_site = asker.at("site-02" if whose == OTHER_SITE else "site-01")
    return PASSED if at_the_site & ALLOWED[wanted] else 403 if at_the_site else 404


def example(rule, method: str) -> Any:
    """A body that would be accepted; None where there is none."""
    named = document.operation_id(rule, method)
    body = document.examples().get(named, {}).get("request")
    return body and {**body, **TAILORED.get(named, {}), **({"id": str(uuid4())} if "id" in body else {})}


def of_the_site(body: Any, records: Records) -> Any:
    """On call can only be who works at the very site, and a deviation is of its own patient."""
    body = {**body, "patient": str(records.patient_id)} if body and "patient" in body else body
    # So is what a reversal is about.
    body = {**body, "of": str(records.discontinuation_id)} if body and "of" in body else body
    body = {**body, "into": str(records.calm_candidate_id)} if body and "into" in body else body
    on_call = body and body.get("shifts")
    return {"shifts": [{**one, "staff_id": str(records.staff_id)} for one in on_call]} if on_call else body


def knock(world: World, rule, method: str, asker: Asker, records: Records, *, body: Any = None, query: Any = None):
    """Ask, with a body that would be accepted unless one is given; where there can be a preview, only that."""
    body = body or of_the_site(example(rule, method), records)
    query = {"preview": "true"} if method != "GET" and any(one in rule.rule for one in PREVIEWED) else query
    path = address(rule, records)
    tag = {"If-Match": world.tag(path)} if (rule.endpoint, method) in WITH_A_TAG else {}
    return world.client.open(path, method=method, json=body, query_string=query, headers={**asker.headers, **tag})


def whose_records(rule, asker: Asker) -> Iterator[str]:
    """Whose records it makes a difference to ask for."""
    yield OWN
    if not rule.arguments or not asker.is_known:
        return
    if asker.is_patient and "report_id" in rule.arguments:
        yield SAME_SITE
    # A version is of the whole study, and where it shall hold stands in the body. So is a term.
    is_studywide = bool({"version", "code"} & rule.arguments)
    if not is_studywide and (not rule.rule.startswith(f"{API}/me/") or "report_id" in rule.arguments):
        yield OTHER_SITE
    yield UNKNOWN


def seen(answer) -> object:
    """What came of it: a refusal's status, or let in."""
    if answer.status_code < 300 or answer.status_code in NO_MORE:
        return PASSED
    return answer.status_code


def without_names_of_the_request(answer) -> tuple[Any, Any]:
    body = {name: value for name, value in answer.json.items() if name != "request_id"}
    return body, sorted((name, value) for name, value in answer.headers if name.lower() not in SAME_BUT_FOR)


def visits(world: World, method: str, rule, wanted, asker: Asker) -> Iterator[tuple[str, Any, object]]:
    """(whose, answer, what it should have been), what is one's own last: an act can be possible only once."""
    for whose in reversed(list(whose_records(rule, asker))):
        should = expected(wanted, rule.endpoint, method, asker, whose)
        if should != PASSED or not rule.endpoint.startswith(OF_ONESELF):
            yield whose, knock(world, rule, method, asker, world.records[whose]), should


def test_every_address_names_records_that_the_world_of_these_tests_has(app):
    known = set(Records.__dataclass_fields__)

    assert [rule.rule for _, rule, _ in doors(app) if not rule.arguments <= known] == []


class Findings:
    """What was met at the doors that should not have been, and which doors opened at all."""

    def __init__(self) -> None:
        self.wrong: list[Any] = []
        self.telling: list[Any] = []
        self.opened: set[tuple[str, str]] = set()

    def visit(self, world: World, door: tuple[str, Any, Any], who: str, asker: Asker) -> None:
        """One person at one door, for everybody's records."""
        method, rule, wanted = door
        hidden = []
        for whose, answer, should in visits(world, method, rule, wanted, asker):
            if seen(answer) != should:
                self.wrong.append((method, rule.rule, who, whose, answer.status_code, answer.text[:150]))
            if answer.status_code < 300:
                self.opened.add((method, rule.rule))
            if answer.status_code == 404:
                hidden.append(without_names_of_the_request(answer))
        if any(one != hidden[0] for one in hidden):
            self.telling.append((method, rule.rule, who, hidden))


def test_everybody_meets_the_status_that_the_table_says_and_what_is_not_theirs_looks_like_nothing(app, world):
    found, expected_to_open = Findings(), set()
    for method, rule, wanted in doors(app):
        for who, asker in world.people_once().items():
            found.visit(world, (method, rule, wanted), who, asker)
        if (rule.endpoint, method) == ENDS_PHONES:
            world.sign_the_phone_in_again()
        if not rule.endpoint.startswith(OF_ONESELF) and (rule.endpoint, method) not in NOT_THERE:
            expected_to_open.add((method, rule.rule))

    assert found.wrong == [], "\n".join(map(str, found.wrong))
    assert found.telling == []
    assert expected_to_open - found.opened == set()
