"""PostgreSQL loses its power under load: phones are told to try again, and each report is there once."""

import threading
import time
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path

from backend.db import Database
from tests import people
from tests.databases import KEYRING, Databases
from tests.faults import stored
from tests.faults.serving import Answer, Serving, a_patient, report

PHONES = 4
LONGEST_ANSWER = 15.0
SECONDS_DOWN = 1.0


@dataclass
class Phone:
    """Sends reports one after another, each again until it is kept."""

    server: Serving
    person: people.Person
    answers: list[Answer] = field(default_factory=list)
    kept: set[str] = field(default_factory=set)
    unheard: int = 0

    def send_until(self, done: threading.Event) -> None:
        """A report is never given up once it was sent, whatever happens meanwhile."""
        while not done.is_set():
            body = report()
            while not self._is_kept(body):
                time.sleep(0.1)
            self.kept.add(str(body["id"]))

    def _is_kept(self, body: dict[str, object]) -> bool:
        try:
            answer = self.server.call("POST", "/api/v1/me/reports", body, self.person.headers, timeout=LONGEST_ANSWER)
        except (OSError, HTTPException):
            self.unheard += 1
            return False
        self.answers.append(answer)
        return answer.status in {200, 201}


def test_a_crash_of_postgres_under_load_is_survived_and_each_report_is_kept_once(
    databases: Databases, tmp_path: Path
) -> None:
    url = databases.fresh_url("postgres")
    db = Database(url, KEYRING)
    done = threading.Event()
    with Serving(url, tmp_path) as server:
        phones = [Phone(server, people.phone_of(db, a_patient(db, number))) for number in range(PHONES)]
        clients = [threading.Thread(target=phone.send_until, args=[done]) for phone in phones]
        for client in clients:
            client.start()
        try:
            time.sleep(1)
            databases.server.crash()
            time.sleep(SECONDS_DOWN)
            alive, ready = server.call("GET", "/healthz").status, server.call("GET", "/readyz").status
        finally:
            databases.server.start()
            time.sleep(1)
            done.set()
        for client in clients:
            client.join(LONGEST_ANSWER * 2)

        heard_as_they_should(phones)
        assert (alive, ready) == (200, 503)
        assert server.is_running()
    kept = {report_id for phone in phones for report_id in phone.kept}
    assert stored.reports(db) == dict.fromkeys(kept, 1)
    assert stored.halves(db) == []
    db.close()
    databases.drop(url)


def heard_as_they_should(phones: list[Phone]) -> None:
    """Kept, or asked to try again; never a defect, never silence, never too late."""
    answers = [answer for phone in phones for answer in phone.answers]
    assert {answer.status for answer in answers} == {201, 503}
    assert [answer for answer in answers if answer.status == 503 and not answer.is_busy] == []
    assert max(answer.seconds for answer in answers) < LONGEST_ANSWER
    assert sum(phone.unheard for phone in phones) == 0
