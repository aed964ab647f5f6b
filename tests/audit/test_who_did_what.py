"""Every entry says who, as what, where, why and in which request; without its entry no change is kept."""

import pytest
from sqlalchemy import func, select, text

from backend.audit import AuditEvent
from backend.db import Database, system
from backend.patients.symptom_report import SymptomReport
from notifications.inbound import ReceivedText, receive
from tests.databases import KINDS
from tests.people import ANNS_PHONE, BEN, ann, coordinator, phone_of, site_row
from tests.sent import report_body, staff_report_body

API = "/api/v1"


def entries(db: Database, since: int = 0) -> list[AuditEvent]:
    with db.reading(system("test")) as txn:
        found = txn.session.scalars(select(AuditEvent).where(AuditEvent.id > since).order_by(AuditEvent.id)).all()
        txn.session.expunge_all()
        return list(found)


def latest(db: Database) -> int:
    with db.reading(system("test")) as txn:
        return txn.session.scalar(select(func.max(AuditEvent.id))) or 0


def refuse_entries(db: Database) -> None:
    """From now on the database itself refuses every audit entry."""
    with db.engine.begin() as connection:
        if db.is_sqlite:
            body = "BEGIN SELECT RAISE(ABORT, 'no room for it'); END"
        else:
            body = "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        connection.execute(text(f"CREATE TRIGGER no_entry BEFORE INSERT ON audit_event {body}"))


@pytest.mark.parametrize("database_url", KINDS, indirect=True)
def test_an_entry_of_staff_has_their_role_the_site_and_the_request(db, client):
    patient, person = ann(db), coordinator(db)
    before = latest(db)

    answer = client.post(f"{API}/patients/{patient.id}/activation-codes", headers=person.headers)

    found = entries(db, before)
    with db.reading(system("test")) as txn:
        site_id = site_row(txn, "site-01").id
    assert answer.status_code == 201
    assert found
    for entry in found:
        assert (entry.originator, entry.role, entry.actor_id) == ("site", "coordinator", person.id)
        assert (entry.site_id, entry.patient_id) == (site_id, patient.id)
        assert entry.request_id == answer.headers["X-Request-Id"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_staff_have_a_role_on_the_trail_also_where_the_record_belongs_to_no_site(db, client):
    person = coordinator(db)
    inbox = receive(db, ReceivedText("sm-1", "+8613800138099", "10690000", "hello"))
    before = latest(db)

    client.post(f"{API}/inbox/{inbox}/resolutions", json={"outcome": "called"}, headers=person.headers)

    of_staff = [entry for entry in entries(db, before) if entry.originator == "site"]
    assert of_staff
    assert {(entry.site_id, entry.role) for entry in of_staff} == {(None, "coordinator")}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(("respondent", "originator"), [("patient", "patient"), ("caregiver", "proxy")])
def test_a_report_is_the_patients_word_or_a_proxys(db, client, respondent, originator):
    patient = ann(db, caregivers=BEN.caregivers)
    phone, before = phone_of(db, patient).headers, latest(db)

    answer = client.post(f"{API}/me/reports", json=report_body(respondent=respondent), headers=phone)

    said = [entry for entry in entries(db, before) if entry.verb == "report.submitted"]
    assert answer.status_code == 201, answer.json
    assert {(entry.originator, entry.role, entry.actor_id) for entry in said} == {(originator, None, patient.id)}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_report_that_staff_write_down_is_the_sites_on_behalf_and_names_the_reason(db, client):
    patient, person = ann(db), coordinator(db)
    before = latest(db)

    answer = client.post(f"{API}/patients/{patient.id}/reports", json=staff_report_body(), headers=person.headers)

    said = [entry for entry in entries(db, before) if entry.verb == "report.submitted"]
    assert answer.status_code == 201, answer.json
    assert {(entry.originator, entry.role) for entry in said} == {("site_on_behalf", "coordinator")}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_stop_by_text_is_an_act_with_an_entry_of_its_own(db, work):
    ann(db)
    before = latest(db)

    receive(db, ReceivedText("sm-1", ANNS_PHONE, "10690000", "STOP"))
    work.understand()

    assert {entry.originator for entry in entries(db, before)} & {"gateway", "patient"}


def test_one_entry_is_left_for_each_changed_field_and_none_for_the_others(db, client):
    patient = ann(db)
    phone = phone_of(db, patient).headers
    before = latest(db)

    client.patch(f"{API}/me/preferences", json={"language": "zh-CN", "quiet_from": "21:30"}, headers=phone)

    # Looking at one's own record for the first time opens a calendar's address as well.
    mine = [entry for entry in entries(db, before) if entry.record_type == "patient"]
    changed = {(entry.field, entry.old, entry.new) for entry in mine}
    assert {name for name, _, _ in changed} == {"language", "quiet_from"}
    assert ("language", "en", "zh-CN") in changed


def test_a_change_whose_entry_cannot_be_written_is_not_kept_either(db, client):
    patient = ann(db)
    phone = phone_of(db, patient).headers
    refuse_entries(db)

    answer = client.post(f"{API}/me/reports", json=report_body(), headers=phone)

    with db.reading(system("test")) as txn:
        kept = txn.session.scalar(select(func.count()).select_from(SymptomReport))
    assert kept == 0
    assert answer.status_code in (409, 503)
    assert answer.content_type == "application/problem+json"
