"""Two at once, and signatures: what is signed is what was read, and whatever is altered behind it is found."""

import threading
from collections import Counter
from typing import Any
from uuid import UUID

import pytest
from argon2 import PasswordHasher
from click.testing import CliRunner
from sqlalchemy import select

from backend.adverse_events import recording, signing
from backend.adverse_events.judgement import Judgement
from backend.adverse_events.models import AdverseEvent, AdverseEventGrade, AdverseEventSignature
from backend.adverse_events.signatures import salt_in
from backend.adverse_events.signing import Defect, Hand, verify_signatures
from backend.cli import commands
from backend.config import Settings
from backend.db import Database, system
from backend.errors import NoLongerPossible
from backend.event_terms import EventSource
from backend.patients.models import Patient
from backend.sealing import unseal
from backend.staff import passwords
from backend.triage.models import CandidateEvent
from tests.adverse_events.sent import in_control
from tests.databases import KEYRING, KINDS
from tests.operation.breaks import changed
from tests.people import PASSWORD, Person, ben, coordinator, investigator
from tests.processes import settings_for
from tests.triage.rows import a_candidate

TEST = system("test")


def hand_of(person: Person) -> Hand:
    return Hand(person.headers["Authorization"].partition(" ")[2], PASSWORD)


def an_event(db: Database, person: Person, **changes: Any) -> UUID:
    """Ben's, entered by a person."""
    patient = ben(db)
    with db.transaction(person.actor) as txn:
        judgement = Judgement(**in_control(serious=(), note="a note", onset_on="2027-03-01") | changes)
        return recording.enter(txn, txn.session.get_one(Patient, patient.id), judgement, EventSource.VISIT).id


def signed(db: Database, person: Person, event_id: UUID) -> UUID:
    with db.transaction(person.actor) as txn:
        return signing.sign(txn, txn.session.get_one(AdverseEvent, event_id), hand_of(person), "approved").id


def regraded(db: Database, person: Person, event_id: UUID, grade: int) -> None:
    with db.transaction(person.actor) as txn:
        event = txn.session.get_one(AdverseEvent, event_id)
        recording.change(txn, event, {"grade": grade}, reason="worse", seen_version=event.version)


def test_of_two_who_confirm_at_once_one_wins_and_the_other_hears_who(db: Database, database_url: str) -> None:
    patient, people = ben(db), [coordinator(db), investigator(db)]
    with db.transaction(TEST) as txn:
        row = a_candidate(patient)
        txn.session.add(row)
        candidate_id = row.id
    start, came = threading.Barrier(2), Counter[str]()

    def confirm(person: Person) -> None:
        own = Database(database_url, KEYRING)
        start.wait()
        try:
            with own.transaction(person.actor) as txn:
                judgement = Judgement(**in_control(serious=()))
                recording.confirm(txn, txn.session.get_one(CandidateEvent, candidate_id), judgement)
            came["won"] += 1
        except NoLongerPossible as late:
            came[f"lost to {late.facts['by']}"] += 1
        finally:
            own.close()

    threads = [threading.Thread(target=confirm, args=[person]) for person in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with db.reading(TEST) as txn:
        (winner,) = txn.session.scalars(select(AdverseEvent.recorded_by))
    assert came == {"won": 1, f"lost to {winner}": 1}


class WhileHashing(PasswordHasher):
    """The hashing of a password takes a while, in which somebody else is at work."""

    def __init__(self, meanwhile: Any) -> None:
        super().__init__(time_cost=1, memory_cost=64, parallelism=1)
        self.meanwhile = meanwhile

    def verify(self, hash: Any, password: Any) -> Any:
        self.meanwhile()
        return super().verify(hash, password)


def test_a_signature_never_binds_what_its_author_did_not_see(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    physician, nurse = investigator(db), coordinator(db)
    event_id = an_event(db, nurse)

    monkeypatch.setattr(passwords, "HASHER", WhileHashing(lambda: regraded(db, nurse, event_id, 2)))
    with pytest.raises(NoLongerPossible, match="meanwhile") as refused:
        signed(db, physician, event_id)

    monkeypatch.undo()
    told = refused.value.facts
    assert (told["version"], told["by"], told["role"]) == (2, str(nurse.id), "coordinator")
    with db.reading(TEST) as txn:
        event = txn.session.get_one(AdverseEvent, event_id)
        assert (event.grade, event.version, event.signature_id) == (2, 2, None)
        assert txn.session.scalars(select(AdverseEventSignature)).all() == []
    for grade in (3, 2):
        signed(db, physician, event_id)
        regraded(db, nurse, event_id, grade)
    with db.reading(TEST) as txn:
        rows = txn.session.scalars(select(AdverseEventSignature)).all()
        assert len({salt_in(unseal(txn, row, "content_sealed") or "") for row in rows}) == 2


OTHER_WORDS = select(AdverseEvent.note_sealed).scalar_subquery()
# What is done behind everybody's back, and how it shows.
VANDALISM = [
    (changed(AdverseEvent, grade=2), Defect.RECORD),
    (changed(AdverseEvent, onset_on="2027-02-28"), Defect.RECORD),
    (changed(AdverseEvent, serious=["death"]), Defect.RECORD),
    (changed(AdverseEvent, expected=True), Defect.RECORD),
    (changed(AdverseEvent, note_sealed=None), Defect.RECORD),
    (changed(AdverseEvent, specify_sealed=OTHER_WORDS), Defect.RECORD),
    (changed(AdverseEventGrade, grade=2), Defect.RECORD),
    (changed(AdverseEventSignature, meaning="seen"), Defect.RECORD),
    (changed(AdverseEventSignature, content_hash="0" * 64), Defect.TEXT),
    (changed(AdverseEventSignature, content_sealed=None), Defect.TEXT),
    (changed(AdverseEvent, signature_id=None), None),
    (changed(AdverseEvent, signature_id=AdverseEvent.id), Defect.GONE),
]


@pytest.mark.parametrize("database_url", KINDS[:1], indirect=True)
def test_whatever_is_altered_behind_a_signature_is_found(db: Database) -> None:
    physician = investigator(db)
    signed(db, physician, an_event(db, physician))

    for number, (act, defect) in enumerate(VANDALISM):
        txn = db.open(TEST)
        act(txn)
        txn.session.expire_all()
        found = [one.defect for one in verify_signatures(txn)]
        txn.finish(keep=False)
        # Without its signature an event is a draft, and fsck finds the signature that stands under nothing.
        assert found == ([defect] if defect else []), number


@pytest.mark.parametrize("database_url", KINDS[:1], indirect=True)
def test_the_command_names_the_first_event_that_is_not_what_was_signed(db: Database, settings: Settings) -> None:
    physician, environment = investigator(db), settings_for(db.url, settings.home)
    event_id = an_event(db, physician)
    signature_id = signed(db, physician, event_id)

    sound = CliRunner().invoke(commands, ["signatures", "verify"], env=environment)
    with db.transaction(TEST) as txn:
        changed(AdverseEvent, outcome="recovered")(txn)
    broken = CliRunner().invoke(commands, ["signatures", "verify"], env=environment)

    assert (sound.exit_code, sound.stdout) == (0, "signatures in force that bind what stands on the record: 1\n")
    assert (broken.exit_code, str(event_id) in broken.stdout) == (1, True)
    assert str(signature_id) in broken.stdout
