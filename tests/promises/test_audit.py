"""Every route that writes leaves a trace of who did it: one story that goes through every such door."""

import itertools
from collections.abc import Iterator
from datetime import date
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from backend.api.permissions import READ_BY_POST, TABLE
from backend.audit import AuditEvent
from backend.db import Database, system
from backend.patients.report_correction import ReportCorrection
from backend.staff.members import update_member
from backend.staff.models import StaffMember
from backend.terms import WorkReason
from backend.worklist.items import open_item
from notifications.inbound import ReceivedText, receive
from tests.adverse_events.sent import FEVER, judged
from tests.authenticator import Authenticator
from tests.databases import KINDS
from tests.people import (
    PASSWORD,
    administrator,
    ann,
    bearer,
    ben,
    coordinator,
    enrolment_body,
    investigator,
    phone_of,
    principal_investigator,
    site_row,
)
from tests.protocol.amended import load_amendment
from tests.sent import answers, confirmation_body, death_body, report_body, staff_report_body
from tests.survival.lost import lost_patient

API = "/api/v1"
READS = {"GET"}
# A phone renews its token every half hour and changes nothing of the trial's by it. What began the family of tokens,
# its activation, is on the trail, and so is the end of a family whose old token came back.
UNTRACED = {("sign_in.Refreshes", "POST")} | READ_BY_POST
SITE = {"code": "site-09", "name": "Ninth", "time_zone": "Asia/Shanghai", "emergency_phone": "120"}
NEWCOMER = {
    "email": "new@example.org",
    "name": "New",
    "password": PASSWORD,
    "roles": [{"role": "monitor", "site": "*"}],
}
CAREGIVER = {
    "name": "Li Na",
    "phone": "+8613800138022",
    "relation": "daughter",
    "may_report": True,
    "may_confirm_survival": True,
}
Step = tuple[str, str, str, dict[str, Any] | None, dict[str, str]]


class Story:
    """People, and the doors they go through."""

    def __init__(self, db: Database, client: Any) -> None:
        self.db, self.client = db, client
        self.ann, self.ben = ann(db, consented_on=date(2027, 2, 1), randomised_on=date(2027, 2, 10)), ben(db)
        self.phone = phone_of(db, self.ann).headers
        self.person = coordinator(db)
        self.staff, self.physician, self.chief = (
            self.person.headers,
            investigator(db).headers,
            administrator(db).headers,
        )
        self.of_ann, self.of_ben = f"{API}/patients/{self.ann.id}", f"{API}/patients/{self.ben.id}"

    def first(self, path: str, headers: dict[str, str]) -> str:
        """The id of what a list shows first."""
        return str(self.client.get(f"{API}{path}", headers=headers).json["items"][0]["id"])

    def code(self) -> str:
        """A fresh activation code of Ann's."""
        return str(self.client.post(f"{self.of_ann}/activation-codes", headers=self.staff).json["code"])

    def task(self) -> str:
        """Something for a person to do."""
        with self.db.transaction(system("test")) as txn:
            made = open_item(
                txn,
                reason=WorkReason.CALL_REQUESTED,
                key="call",
                site_id=site_row(txn, "site-01").id,
                patient_id=self.ann.id,
                due_at=txn.now,
            )
            assert made is not None
            return str(made.id)

    def text(self) -> str:
        """A text from somebody nobody knows."""
        return str(receive(self.db, ReceivedText(f"sm-{uuid4()}", "+8613800138099", "10690000", "hello")))

    def tag(self) -> dict[str, str]:
        """What a change of Ann's record must name."""
        return {"If-Match": self.client.get(self.of_ann, headers=self.staff).headers["ETag"]}

    def roster(self) -> dict[str, Any]:
        """Two weeks of one coordinator's."""
        with self.db.transaction(system("test")) as txn:
            update_member(txn, txn.session.get_one(StaffMember, self.person.id), {"phone": "+8613800138077"})
        days = ["2027-03-01", "2027-03-08", "2027-03-15"]
        moments = [f"{day}T08:00:00+08:00" for day in days]
        who = {"staff_id": str(self.person.id)}
        return {"shifts": [{**who, "from": since, "to": to} for since, to in itertools.pairwise(moments)]}

    def steps(self) -> Iterator[Step]:
        """(endpoint, method, path, body, headers), each made when its turn has come."""
        yield from self._setting_up()
        yield from self._planning()
        yield from self._reporting()
        yield from self._judging()
        yield from self._closing()
        yield from self._pausing()
        yield from self._amending()
        yield from self._stopping()
        yield from self._living_and_dying()
        yield from self._signing_in()

    def _setting_up(self) -> Iterator[Step]:
        yield "staff.Sites", "POST", f"{API}/sites", SITE, self.chief
        changed = {"name": "The ninth", "working_hours": {"opens": "08:30", "closes": "17:30"}}
        yield "staff.OneSite", "PATCH", f"{API}/sites/site-09", changed, self.chief
        yield "on_call.Roster", "PUT", f"{API}/sites/site-01/on-call", self.roster(), self.staff
        yield "staff.Staff", "POST", f"{API}/staff", NEWCOMER, self.chief
        leaver = coordinator(self.db)
        changed = {"name": "Gone", "phone": "+8613800138044", "language": "en", "active": False}
        yield "staff.OneMember", "PATCH", f"{API}/staff/{leaver.id}", changed, self.chief
        new = enrolment_body(name="Cai", phone="+8613800138033")
        yield "patients.Patients", "POST", f"{API}/patients", new, self.staff
        yield "patients.OnePatient", "PATCH", self.of_ann, {"name": "Ann Z"}, {**self.staff, **self.tag()}
        yield "patients.Caregivers", "POST", f"{self.of_ann}/caregivers", CAREGIVER, self.staff
        yield "me.Preferences", "PATCH", f"{API}/me/preferences", {"language": "zh-CN"}, self.phone
        yield "me.CalendarFeeds", "POST", f"{API}/me/calendar-feed", None, self.phone

    def _planning(self) -> Iterator[Step]:
        cycles = f"{self.of_ann}/cycles"
        planned = {"number": 1, "donor_collection_on": "2027-02-14"}
        yield "agenda.Cycles", "POST", cycles, planned, self.staff
        yield "agenda.OneCycle", "PATCH", f"{cycles}/1", {"status": "confirmed"}, self.staff
        coming = {"reply": "coming"}
        yield "agenda.MyReply", "POST", f"{API}/me/agenda/cycle-1.day-1/reply", coming, self.phone
        begun = {"day": 1, "started_at": "2027-03-01T07:30:00+08:00"}
        yield "agenda.Infusions", "POST", f"{cycles}/1/infusions", begun, self.staff
        scan = {"status": "attended", "on": "2027-02-12"}
        yield "agenda.ItemAttendance", "POST", f"{self.of_ann}/agenda/imaging.m0/attendance", scan, self.staff
        seen = {"assessed_on": "2027-03-01", "response": "SD"}
        yield "tumour_assessments.TumourAssessments", "POST", f"{self.of_ann}/tumour-assessments", seen, self.staff

    def _reporting(self) -> Iterator[Step]:
        seizure = report_body(answers=answers(checklist__seizure=1, checklist__severe_headache=1))
        yield "reports.MyReports", "POST", f"{API}/me/reports", seizure, self.phone
        yield "reports.PatientReports", "POST", f"{self.of_ben}/reports", staff_report_body(), self.staff
        candidate = self.first("/candidate-events", self.staff)
        path = f"{API}/candidate-events/{candidate}/acknowledgements"
        yield "triage.Acknowledgements", "POST", path, {}, self.staff
        asked = {"text": "Since when?"}
        yield "questions.Questions", "POST", f"{API}/candidate-events/{candidate}/questions", asked, self.staff
        claims = f"{API}/candidate-events/{candidate}/claims"
        yield "triage.Claims", "POST", claims, {}, self.staff
        yield "triage.Claims", "DELETE", claims, None, self.staff
        snoozes = f"{API}/candidate-events/{self.first('/candidate-events?tier=T2', self.staff)}/snoozes"
        expected = {"until": "2027-03-15", "reason": "As before every infusion."}
        yield "triage.Snoozes", "POST", snoozes, expected, self.staff
        yield "triage.Snoozes", "DELETE", snoozes, None, self.staff
        of_task = f"{API}/worklist/{self.task()}"
        yield "worklist.Resolutions", "POST", f"{of_task}/resolutions", OUTCOME, self.staff
        again = {"reason": "It was another patient who was called."}
        yield "worklist.Reopenings", "POST", f"{of_task}/reopenings", again, self.staff
        said, texted = {"text": "Thank you, we will call you."}, f"{API}/inbox/{self.text()}"
        yield "letters.InboxReplies", "POST", f"{texted}/replies", said, self.staff
        yield "letters.PatientLetters", "POST", f"{self.of_ann}/messages", said, self.staff
        yield "inbox.InboxResolutions", "POST", f"{texted}/resolutions", OUTCOME, self.staff
        yield "inbox.InboxReopenings", "POST", f"{texted}/reopenings", again, self.staff
        yield "messages.MyMessages", "POST", f"{API}/me/messages", {"text": "thank you"}, self.phone

    def _judging(self) -> Iterator[Step]:
        said = {"text": "肚子有点疼，没有发烧"}
        yield "suggestions.Suggestions", "POST", f"{API}/terminology/suggestions", said, self.staff
        of_candidate = f"{API}/candidate-events/{self.first('/candidate-events', self.staff)}"
        yield "adverse_events.CandidateConfirmations", "POST", f"{of_candidate}/confirmations", judged(), self.staff
        event = f"{API}/adverse-events/{self.first('/adverse-events', self.staff)}"
        hand = {"password": PASSWORD, "meaning": "Reviewed and approved"}
        yield "adverse_events.Signatures", "POST", f"{event}/signatures", hand, self.physician
        tag = {"If-Match": self.client.get(event, headers=self.staff).headers["ETag"]}
        worse = {"grade": 2, "serious": ["hospitalisation"], "reason": "Admitted in the night."}
        yield "adverse_events.OneEvent", "PATCH", event, worse, {**self.staff, **tag}
        better = {"grade": 1, "from_on": "2027-03-01", "reason": "As the ward wrote."}
        yield "adverse_events.Grades", "POST", f"{event}/grades", better, self.staff
        told = {"kind": "initial", "recipients": "Ethics committee", "reference": "SAE-1"}
        told["sent_at"] = "2027-03-01T08:00:00+08:00"
        yield "safety.SafetyReports", "POST", f"{event}/safety-reports", told, self.staff
        seen = judged(source="visit", term_code=FEVER, note="Seen at the visit.")
        yield "adverse_events.PatientEvents", "POST", f"{self.of_ann}/adverse-events", seen, self.staff
        event = f"{API}/adverse-events/{self.first(f'/adverse-events?term={FEVER}', self.staff)}"
        mistaken = {"reason": "It was another patient's."}
        yield "adverse_events.Voidings", "POST", f"{event}/voidings", mistaken, self.staff

    def _closing(self) -> Iterator[Step]:
        brown = report_body(answers=answers(checklist__dark_urine=1))
        self.client.post(f"{API}/me/reports", json=brown, headers=self.phone)
        waiting = self.client.get(f"{API}/candidate-events?tier=T2", headers=self.staff).json["items"]
        one, other = (str(candidate["id"]) for candidate in waiting[:2])
        at = f"{API}/candidate-events"
        yield "closing.Merges", "POST", f"{at}/{one}/merges", {"into": other}, self.staff
        dismissed = {"reason": "other", "note": "Beetroot."}
        yield "closing.Dismissals", "POST", f"{at}/{other}/dismissals", dismissed, self.physician
        yield "closing.Reopenings", "POST", f"{at}/{other}/reopenings", {"reason": "It was none."}, self.staff
        clear = {"id": str(uuid4()), "of_version": 1, "instrument_version": 1, "respondent": "patient", "mode": "app"}
        clear |= {"answers": answers(checklist__dark_urine=0), "reason": "I pressed the wrong button."}
        path = f"{API}/me/reports/{brown['id']}/corrections"
        yield "corrections.MyCorrections", "POST", path, clear, self.phone
        with self.db.reading(system("test")) as txn:
            sent = txn.session.scalars(select(ReportCorrection.id)).one()
        accepted = {"accept": True, "reason": "She called and said so."}
        yield (
            "corrections.CorrectionDecisions",
            "POST",
            f"{API}/report-corrections/{sent}/decisions",
            accepted,
            self.physician,
        )
        again = clear | {"id": str(uuid4()), "of_version": 2, "mode": "phone", "on_behalf_reason": "She called."}
        again |= {"answers": answers(checklist__dark_urine=0, checklist__seizure=0)}
        path = f"{self.of_ann}/reports/{brown['id']}/corrections"
        yield "corrections.PatientCorrections", "POST", path, again, self.staff

    def _pausing(self) -> Iterator[Step]:
        pauses, stays = f"{self.of_ann}/pauses", f"{self.of_ann}/hospitalisations"
        yield "pauses.Pauses", "POST", pauses, {"reason": "A journey home.", "until": "2027-03-20"}, self.staff
        ends = f"{pauses}/{self.first(f'/patients/{self.ann.id}/pauses', self.staff)}/ends"
        yield "pauses.PauseEnds", "POST", ends, None, self.staff
        fever = {"admitted_on": "2027-02-27", "planned": False, "reason": "Fever at night."}
        yield "pauses.Hospitalisations", "POST", stays, fever, self.staff
        stay = f"{stays}/{self.first(f'/patients/{self.ann.id}/hospitalisations', self.staff)}"
        yield "pauses.OneHospitalisation", "PATCH", stay, {"discharged_on": "2027-03-01"}, self.staff
        missed = {"kind": "visit_missed", "occurred_on": "2027-02-28", "subject": "visit.m1", "important": False}
        missed |= {"patient": str(self.ann.id), "reason": "The road was closed."}
        yield "deviations.Deviations", "POST", f"{API}/deviations", missed, self.staff

    def _amending(self) -> Iterator[Step]:
        number = load_amendment(self.db)
        effect = {"site": "site-01", "effective_on": "2027-03-01", "reconsent_required": True}
        effect |= {"reason": "Approved by the ethics committee on 26 February."}
        chief = principal_investigator(self.db).headers
        yield "protocols.Effects", "POST", f"{API}/protocols/{number}/effects", effect, chief
        moved = {"to": number, "reconsented_on": "2027-02-28"}
        yield "protocols.ProtocolMoves", "POST", f"{self.of_ann}/protocol-moves", moved, self.staff

    def _stopping(self) -> Iterator[Step]:
        drug = {"treatment": "targeted_drug", "on": "2027-02-28", "reason": "A rash that did not heal."}
        yield "stops.Discontinuations", "POST", f"{self.of_ann}/discontinuations", drug, self.staff
        left = {"from": "study", "on": "2027-03-01", "reason": "Moves abroad.", "records_search_allowed": True}
        yield "stops.Withdrawals", "POST", f"{self.of_ben}/withdrawals", left, self.staff
        entry = self.first(f"/patients/{self.ben.id}/withdrawals", self.staff)
        mistake = {"of": entry, "reason": "It was another patient who moves.", "password": PASSWORD}
        yield "stops.Reversals", "POST", f"{self.of_ben}/reversals", mistake, self.physician

    def _living_and_dying(self) -> Iterator[Step]:
        yield "survival.Confirmations", "POST", f"{API}/me/survival-confirmations", confirmation_body(), self.phone
        well = {"status": "alive", "as_of": "2027-03-01", "source": "phone"}
        yield "survival.SurvivalStatuses", "POST", f"{self.of_ben}/survival-statuses", well, self.staff
        tried = {"channel": "phone", "person": "patient", "outcome": "no_answer", "key": "survival.m3"}
        yield "contact_attempts.ContactAttempts", "POST", f"{self.of_ann}/contact-attempts", tried, self.staff
        yield from self._losing()
        reports = f"{self.of_ben}/death-reports"
        yield "survival.DeathReports", "POST", reports, death_body(), self.staff
        told = self.first(f"/patients/{self.ben.id}/death-reports", self.staff)
        denied = {"reason": "It was the neighbour."}
        yield "survival.Denials", "POST", f"{API}/death-reports/{told}/denials", denied, self.physician
        again = self.client.post(reports, json=death_body(), headers=self.staff).json["id"]
        yield "survival.Approvals", "POST", f"{API}/death-reports/{again}/approvals", {}, self.physician

    def _losing(self) -> Iterator[Step]:
        """Cai, whom nobody has been able to find for two years."""
        cai = lost_patient(self.db)
        of_cai = f"{API}/patients/{cai}"
        found = {"disposition": "lost_to_follow_up", "reason": "Nobody can be found."}
        yield "dispositions.Dispositions", "POST", f"{of_cai}/dispositions", found, self.physician
        again = {"reason": "A cousin knows more."}
        yield "dispositions.DispositionEndings", "POST", f"{of_cai}/disposition-endings", again, self.physician

    def _signing_in(self) -> Iterator[Step]:
        yield "patients.ActivationCodes", "POST", f"{self.of_ann}/activation-codes", None, self.staff
        self.client.patch(self.of_ann, json={"phone": "+8613800138033"}, headers={**self.staff, **self.tag()})
        yield "patients.PhoneConfirmations", "POST", f"{self.of_ann}/phone-confirmations", {"how": "phone"}, self.staff
        yield "form_links.FormLinks", "POST", f"{self.of_ann}/form-links", {}, self.staff
        shown = {"code": self.code(), "birth_year": self.ann.birth_year}
        yield "sign_in.Activations", "POST", f"{API}/auth/activations", shown, {}
        shown["code"] = self.code()
        tokens = self.client.post(f"{API}/auth/activations", json=shown).json
        old = {"refresh_token": tokens["refresh_token"]}
        yield "sign_in.Refreshes", "POST", f"{API}/auth/refresh", old, {}
        yield "patients.Devices", "DELETE", f"{self.of_ann}/devices", None, self.staff
        yield from self._of_staff()

    def _of_staff(self) -> Iterator[Step]:
        newcomer = coordinator(self.db)
        who, password = {"email": newcomer.email, "password": PASSWORD}, {"password": PASSWORD}
        yield "sign_in.StaffSignIns", "POST", f"{API}/auth/staff", who, {}
        mine = bearer(self.client.post(f"{API}/auth/staff", json=who).json["access_token"])
        yield "sign_in.Authenticators", "POST", f"{API}/auth/totp", {}, mine
        shown = Authenticator(self.client.post(f"{API}/auth/totp", json={}, headers=mine).json["secret"], ())
        first = {"totp": shown.code()}
        yield "sign_in.Confirmations", "POST", f"{API}/auth/totp/confirmations", first, mine
        yield "sign_in.RecoveryCodes", "POST", f"{API}/auth/recovery-codes", password, mine
        other = {**password, "new_password": "another long password"}
        yield "sign_in.Password", "POST", f"{API}/auth/password", other, mine
        self.client.post(f"{API}/auth/staff", json={**who, "password": other["new_password"], "totp": shown.code(+1)})
        yield "sign_in.OwnSessions", "DELETE", f"{API}/auth/sessions", None, mine
        yield "sign_in.OwnSession", "DELETE", f"{API}/auth/session", None, mine
        of_newcomer = f"{API}/staff/{newcomer.id}"
        yield "staff.MemberAuthenticator", "DELETE", f"{of_newcomer}/totp", None, self.chief
        yield "staff.MemberLockOut", "DELETE", f"{of_newcomer}/lock-out", None, self.chief
        elsewhere = f"{API}/staff/{coordinator(self.db).id}/sessions"
        yield "staff.MemberSessions", "DELETE", elsewhere, None, self.chief


OUTCOME = {"outcome": "called"}
# What a body calls otherwise than the column it changes; identifiers are kept in columns that are sealed.
# Why an event is changed is sealed beside each of the fields, of which its version is one.
COLUMNS = {"active": "deactivated_at", "reason": "version"}


@pytest.fixture
def story(db, client) -> Story:
    return Story(db, client)


def entries(db: Database) -> int:
    with db.reading(system("test")) as txn:
        return txn.session.scalar(select(func.max(AuditEvent.id))) or 0


def fields_since(db: Database, entry: int) -> set[str]:
    """The columns whose change was written down after this entry, by the names they would have unsealed."""
    with db.reading(system("test")) as txn:
        fields = txn.session.scalars(select(AuditEvent.field).where(AuditEvent.id > entry))
        return {field.removesuffix("_sealed") for field in fields if field}


@pytest.mark.parametrize("database_url", KINDS, indirect=True)
def test_every_route_that_writes_leaves_an_audit_entry(db, client, story):
    refused, silent, half_told, gone_through = [], [], [], set()
    for endpoint, method, path, body, headers in story.steps():
        before = entries(db)
        answer = client.open(path, method=method, json=body, headers=headers)
        gone_through.add((endpoint, method))
        if answer.status_code >= 300:
            refused.append((endpoint, answer.status_code, answer.get_data(as_text=True)))
        elif entries(db) == before:
            silent.append((endpoint, method))
        elif method == "PATCH":
            missing = {COLUMNS.get(name, name) for name in body} - fields_since(db, before)
            half_told.extend((endpoint, name) for name in missing)

    assert refused == []
    assert half_told == []
    assert set(silent) <= UNTRACED
    assert gone_through == {(one, method) for one, methods in TABLE.items() for method in methods.keys() - READS}
