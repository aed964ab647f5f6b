"""The web server killed while it answers: what the phone sends again is kept once, and answered as before."""

import random
import time
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import date, timedelta
from http.client import HTTPException
from typing import Any
from uuid import uuid4

from sqlalchemy import func, select

from backend import clock
from backend.audit import AuditEvent
from backend.db import Database
from backend.patients.models import Patient
from tests import people
from tests.faults import stored
from tests.faults.serving import TEST, Answer, Serving, a_code, a_patient, report

KILLS = 2
REPORTING = 3
# A report takes some tens of milliseconds here; the kill falls before, within or after it.
LATEST_KILL = 0.15


def heard(call: Future[Answer]) -> Answer | None:
    """The answer; None when the server died first."""
    try:
        return call.result()
    except (OSError, HTTPException):
        return None


def killed_while_answering(server: Serving, chance: random.Random, calls: list[tuple[Any, ...]]) -> list[Answer | None]:
    """Make all the calls at once, and kill both processes of the server at some moment of that."""
    with ThreadPoolExecutor(len(calls)) as clients:
        under_way = [clients.submit(server.call, *call) for call in calls]
        time.sleep(chance.random() * LATEST_KILL)
        server.kill()
        answers = [heard(call) for call in under_way]
    assert {answer.status for answer in answers if answer} <= {201}
    return answers


def test_reports_in_flight_when_the_server_is_killed_are_kept_once_and_answered_alike(
    db: Database, server: Serving
) -> None:
    phones = [people.phone_of(db, a_patient(db, number)) for number in range(REPORTING)]
    chance, sent = random.Random(11), set[str]()
    server.start()
    for _ in range(KILLS):
        calls = [("POST", "/api/v1/me/reports", report(), phone.headers) for phone in phones]
        first = killed_while_answering(server, chance, calls)
        server.start()
        again = [server.call(*call) for call in calls]
        once_more = [server.call(*call) for call in calls]

        assert {answer.status for answer in again} <= {200, 201}
        assert [answer.body for answer in once_more] == [answer.body for answer in again]
        assert [one.body for one in first if one] == [b.body for a, b in zip(first, again, strict=True) if a]
        sent |= {call[2]["id"] for call in calls}
    assert stored.reports(db) == dict.fromkeys(sent, 1)
    assert stored.halves(db) == []


def test_an_activation_lost_in_a_kill_gives_the_same_phone_the_same_tokens(db: Database, server: Serving) -> None:
    ann = a_patient(db)
    body = {"code": a_code(db, ann), "birth_year": ann.birth_year, "device_id": str(uuid4())}
    call = ("POST", "/api/v1/auth/activations", body)
    server.start()
    [first] = killed_while_answering(server, random.Random(5), [call])
    server.start()

    again, once_more = server.call(*call), server.call(*call)

    tokens = [(one.body["access_token"], one.body["refresh_token"]) for one in (first, again, once_more) if one]
    assert len(set(tokens)) == 1
    me = server.call("GET", "/api/v1/me", None, people.bearer(tokens[0][0]))
    assert (me.status, me.body["id"]) == (200, str(ann.id))


def test_an_enrolment_cut_short_by_a_kill_is_there_wholly_or_not_at_all(db: Database, server: Serving) -> None:
    staff, today = people.coordinator(db), clock.local_day(clock.now(), "Asia/Shanghai")
    calls = [("POST", "/api/v1/patients", enrolment(number, today), staff.headers) for number in range(4)]
    server.start()
    answered = [one for one in killed_while_answering(server, random.Random(3), calls) if one]

    with db.reading(TEST) as txn:
        ids = {str(one) for one in txn.session.scalars(select(Patient.id))}
        entries = select(AuditEvent.record_id).where(AuditEvent.record_type == "patient", AuditEvent.field == "status")
        audited = list(txn.session.scalars(entries))
        numbers = txn.session.scalar(select(func.count(func.distinct(Patient.subject_number))))
    assert {one.body["id"] for one in answered} <= ids
    assert sorted(audited) == sorted(ids)
    assert numbers == len(ids) <= len(calls)


def enrolment(number: int, today: date) -> dict[str, Any]:
    """Somebody new, by the real calendar."""
    return people.enrolment_body(
        phone=f"+86138001370{number:02}",
        consented_on=str(today - timedelta(days=30)),
        randomised_on=str(today - timedelta(days=25)),
    )
