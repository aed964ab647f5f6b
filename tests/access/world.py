"""Two hospitals with one of every kind of record in each, and everybody who may come asking.

What stands in an address is named here; an address that names something else fails the tests of this folder, so
that whoever adds a kind of record also says whose it can be.
"""

from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID, uuid4

from backend.db import Database, RoleAtSite, system
from backend.patients.models import Patient
from backend.staff.members import create_member, update_member
from backend.staff.models import StaffMember
from backend.staff.sessions import start_session
from backend.terms import Role
from notifications.inbound import ReceivedText, keep
from tests.adverse_events.sent import judged
from tests.people import Person, ann, bearer, member, phone_of, site_row
from tests.protocol.amended import load_amendment, set_in_effect
from tests.sent import answers, death_body, report_body
from tests.waiting import a_task

API = "/api/v1"
OWN, SAME_SITE, OTHER_SITE, UNKNOWN = "own", "another patient of the site", "another site's", "unknown"

SINCE = {"consented_on": date(2027, 2, 1), "randomised_on": date(2027, 2, 10)}
STOP = {"treatment": "targeted_drug", "on": "2027-02-28", "reason": "canary stop"}
EVENT = judged(source="visit", note="canary event")
STAY = {"admitted_on": "2027-03-01", "planned": True, "reason": "canary stay"}
BY_PHONE = {"mode": "phone", "on_behalf_reason": "canary behalf"}
NAUSEA = report_body(
    answers=answers(nausea__frequency=2, nausea__severity=2, vomiting__frequency=2, vomiting__severity=2), **BY_PHONE
)
CALM = report_body(answers=answers(constipation__severity=1), **BY_PHONE)
NAUSEA_CODE = "10028813"
CORRECTION = {"of_version": 1, "instrument_version": 1, "respondent": "patient", "reason": "canary mistake", **BY_PHONE}
CORRECTION |= {"answers": answers(nausea__frequency=1, nausea__severity=1)}


@dataclass
class Records:
    """One of every kind, as they stand in addresses."""

    patient_id: Any = field(default_factory=uuid4)
    report_id: Any = field(default_factory=uuid4)
    calm_report_id: Any = field(default_factory=uuid4)
    death_report_id: Any = field(default_factory=uuid4)
    denied_report_id: Any = field(default_factory=uuid4)
    candidate_id: Any = field(default_factory=uuid4)
    calm_candidate_id: Any = field(default_factory=uuid4)
    plain_candidate_id: Any = field(default_factory=uuid4)
    double_candidate_id: Any = field(default_factory=uuid4)
    correction_id: Any = field(default_factory=uuid4)
    event_id: Any = field(default_factory=uuid4)
    draft_event_id: Any = field(default_factory=uuid4)
    item_id: Any = field(default_factory=uuid4)
    pause_id: Any = field(default_factory=uuid4)
    stay_id: Any = field(default_factory=uuid4)
    discontinuation_id: Any = field(default_factory=uuid4)
    inbound_id: Any = field(default_factory=uuid4)
    staff_id: Any = field(default_factory=uuid4)
    site: str = "site-99"
    key: str = "imaging.m99"
    number: int = 9
    version: int = 9
    name: str = "no_such_questionnaire"
    code: str = "10000000"


class World:
    """Everything there is to ask for, and the people who ask."""

    def __init__(self, db: Database, client: Any) -> None:
        self.db, self.client = db, client
        self._people: dict[str, Asker] = {}
        self.staff = {site: member(db, Role.COORDINATOR, site) for site in ("site-01", "site-02")}
        self.ann, anns = self._patient("site-01", "+8613800138101")
        _, cais = self._patient("site-01", "+8613800138102")
        self.dan, dans = self._patient("site-02", "+8613800138103")
        # One holds, so that patients can move to it; of the next nobody has said from when it does.
        set_in_effect(db, load_amendment(db))
        load_amendment(db, sites=4)
        self.records = {OWN: anns, SAME_SITE: cais, OTHER_SITE: dans, UNKNOWN: Records()}

    def _patient(self, site: str, phone: str) -> tuple[Patient, Records]:
        """A patient with a report, an emergency, a task, a text, a cycle, and a relative's word of a death."""
        patient = ann(self.db, site, phone=phone, name="Canary Ann", email="canary.ann@example.org", **SINCE)
        of_patient, headers = f"{API}/patients/{patient.id}", self.staff[site].headers
        self.post(f"{of_patient}/cycles", {"number": 1, "donor_collection_on": "2027-02-14"}, headers)
        self.client.patch(f"{of_patient}/cycles/1", json={"status": "confirmed"}, headers=headers)
        return patient, Records(
            patient_id=patient.id,
            **self._reported(of_patient, headers),
            death_report_id=self._death(site),
            denied_report_id=self._death(site),
            event_id=self.post(f"{of_patient}/adverse-events", EVENT, headers)["id"],
            draft_event_id=self.post(f"{of_patient}/adverse-events", EVENT, headers)["id"],
            item_id=a_task(self.db, patient),
            pause_id=self._pause(of_patient, headers),
            stay_id=self.post(f"{of_patient}/hospitalisations", STAY, headers)["hospitalisation"]["id"],
            discontinuation_id=self.post(f"{of_patient}/discontinuations", STOP, headers)["discontinuation"]["id"],
            inbound_id=self._text(patient),
            staff_id=self._on_call(site),
            site=site,
            key="imaging.m0",
            number=1,
            version=3,
            name="ad_hoc",
            code=NAUSEA_CODE,
        )

    def _reported(self, of_patient: str, headers: dict[str, str]) -> dict[str, Any]:
        """Two reports with the candidates they raised, and a correction of the second."""
        said = answers(checklist__seizure=1, checklist__severe_headache=1)
        sent = report_body(answers=said, mode="phone", on_behalf_reason="no phone")
        report = self.post(f"{of_patient}/reports", sent, headers)
        nausea = self.post(f"{of_patient}/reports", NAUSEA | {"id": str(uuid4())}, headers)
        corrected = f"{of_patient}/reports/{nausea['id']}/corrections"
        calm_report = self.post(f"{of_patient}/reports", CALM | {"id": str(uuid4())}, headers)
        emergency, calm = report["candidate_event_ids"][:2]
        plain, double = nausea["candidate_event_ids"][:2]
        return {
            "report_id": report["id"],
            "calm_report_id": calm_report["id"],
            "candidate_id": emergency,
            "calm_candidate_id": calm,
            "plain_candidate_id": plain,
            "double_candidate_id": double,
            "correction_id": self.post(corrected, CORRECTION | {"id": str(uuid4())}, headers)["id"],
        }

    def post(self, path: str, body: Any, headers: dict[str, str]) -> Any:
        """What a coordinator sends, which must be accepted."""
        answer = self.client.post(path, json=body, headers=headers)
        assert answer.status_code == 201, answer.text
        return answer.json

    def _pause(self, of_patient: str, headers: dict[str, str]) -> str:
        """One that has ended, so that everything else may be asked for."""
        asked = {"reason": "canary pause", "until": "2027-03-20"}
        made = str(self.post(f"{of_patient}/pauses", asked, headers)["pause"]["id"])
        self.post(f"{of_patient}/pauses/{made}/ends", None, headers)
        return made

    def _death(self, site: str) -> str:
        """A coordinator's word of the death of one more patient, whom nobody can reach by phone."""
        dead = ann(self.db, site, phone=None)
        path = f"{API}/patients/{dead.id}/death-reports"
        return str(self.post(path, death_body(), self.staff[site].headers)["id"])

    def _on_call(self, site: str) -> UUID:
        """A coordinator who can be paged."""
        made = member(self.db, Role.COORDINATOR, site)
        with self.db.transaction(system("test")) as txn:
            update_member(txn, txn.session.get_one(StaffMember, made.id), {"phone": "+8613800138177"})
        return made.id

    def tag(self, path: str) -> str:
        """What a change of the record at this address must name; of a record that is not there, anything."""
        read = [self.client.get(path, headers=one.headers) for one in self.staff.values()]
        return next((one.headers["ETag"] for one in read if one.status_code == 200), '"1"')

    def _text(self, patient: Patient) -> UUID:
        with self.db.transaction(system("test")) as txn:
            kept = keep(txn, ReceivedText(f"sm-{patient.id}", "", "", "canary text", patient_id=patient.id))
            assert kept is not None
            kept.site_id = patient.site_id
            return kept.id

    def people_once(self) -> dict[str, "Asker"]:
        """As ``people``; the same ones each time."""
        self._people = self._people or self.people()
        return self._people

    def people(self) -> dict[str, "Asker"]:
        """Everybody who asks, by a name for the failure: each role at a site, some everywhere, phones, strangers."""
        everywhere = (Role.MONITOR, Role.DATA_MANAGER, Role.ADMINISTRATOR)
        # The phone first: one of the acts of staff signs it out.
        askers = {"the patient's phone": Asker(phone_of(self.db, self.ann).headers, is_patient=True)}
        askers |= {f"{role} of site-01": self._one(role, "site-01") for role in Role}
        askers |= {f"{role} of every site": self._one(role, "*") for role in everywhere}
        askers["who cares at site-01 and monitors site-02"] = self._both()
        askers["a phone that was signed out"] = self._signed_out()
        return askers | {"a stranger": Asker({}), "a made-up token": Asker(bearer("x" * 43))}

    def sign_the_phone_in_again(self) -> None:
        """After an act that signed it out."""
        self._people["the patient's phone"] = Asker(phone_of(self.db, self.ann).headers, is_patient=True)

    def _one(self, role: Role, site: str) -> "Asker":
        return Asker(member(self.db, role, site).headers, {site: {role}})

    def _both(self) -> "Asker":
        """One person with a role at each of two sites."""
        held = {"site-01": Role.COORDINATOR, "site-02": Role.MONITOR}
        with self.db.transaction(system("test")) as txn:
            roles = [RoleAtSite(role, site_row(txn, site).id) for site, role in held.items()]
            made = create_member(txn, email="both@example.org", name="Both", password="a long pass phrase", roles=roles)
            token = start_session(txn, made).access_token
        return Asker(bearer(token), {site: {role} for site, role in held.items()})

    def _signed_out(self) -> "Asker":
        phone: Person = phone_of(self.db, self.dan)
        assert self.client.delete(f"{API}/auth/session", headers=phone.headers).status_code == 204
        return Asker(phone.headers)


@dataclass(frozen=True)
class Asker:
    """Who asks: the header sent, and what the table of permissions makes of them."""

    headers: dict[str, str]
    roles: dict[str, set[Role]] = field(default_factory=dict)
    is_patient: bool = False

    @property
    def is_known(self) -> bool:
        """Whether the token means anybody."""
        return self.is_patient or bool(self.roles)

    @property
    def held(self) -> set[Role]:
        """Every role held anywhere."""
        return set().union(*self.roles.values())

    def at(self, site: str) -> set[Role]:
        """The roles that count at a site."""
        return self.roles.get(site, set()) | self.roles.get("*", set())
