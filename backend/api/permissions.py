"""Who may knock at which door: the one table. A route without a row here does not start.

The table decides before anything is looked up, by the roles a person holds anywhere. Whether a role counts for
the record asked for, at its site, ``backend.access`` decides.
"""

from collections.abc import Mapping
from enum import Enum

from flask import Flask

from backend.access import ALLOWED, Verb
from backend.db import Actor
from backend.errors import NotPermitted, NotSignedIn, SecondFactorRequired
from backend.terms import Originator


class Who(Enum):
    """Doors that are not for staff only."""

    ANYONE = "anyone"
    SIGNED_IN = "signed in"
    STAFF = "staff"
    PATIENT = "patient"


# Endpoints of the API by blueprint and class; each has one transaction a request.
TABLE: Mapping[str, Mapping[str, Who | Verb]] = {
    "sign_in.Activations": {"POST": Who.ANYONE},
    "sign_in.Refreshes": {"POST": Who.ANYONE},
    "sign_in.StaffSignIns": {"POST": Who.ANYONE},
    "sign_in.OwnSession": {"DELETE": Who.SIGNED_IN},
    "sign_in.OwnSessions": {"GET": Who.STAFF, "DELETE": Who.STAFF},
    "sign_in.Authenticators": {"POST": Who.STAFF},
    "sign_in.Confirmations": {"POST": Who.STAFF},
    "sign_in.RecoveryCodes": {"POST": Who.STAFF},
    "sign_in.Password": {"POST": Who.STAFF},
    "me.Me": {"GET": Who.PATIENT},
    "me.Preferences": {"PATCH": Who.PATIENT},
    "me.CalendarFeeds": {"POST": Who.PATIENT},
    "patients.Patients": {"GET": Verb.READ_PATIENTS, "POST": Verb.ENROL_PATIENTS},
    "patients.OnePatient": {"GET": Verb.READ_PATIENTS, "PATCH": Verb.CHANGE_PATIENTS},
    "patients.ActivationCodes": {"POST": Verb.ACTIVATE_PHONES},
    "patients.PhoneConfirmations": {"POST": Verb.CHANGE_PATIENTS},
    "form_links.FormLinks": {"POST": Verb.GIVE_FORM_LINKS},
    "patients.Devices": {"GET": Verb.READ_PATIENTS, "DELETE": Verb.ACTIVATE_PHONES},
    "patients.Caregivers": {"GET": Verb.READ_CAREGIVERS, "POST": Verb.NAME_CAREGIVERS},
    "staff.Sites": {"GET": Verb.SEE_SITES, "POST": Verb.MANAGE_SITES},
    "staff.OneSite": {"GET": Verb.SEE_SITES, "PATCH": Verb.MANAGE_SITES},
    "on_call.Roster": {"GET": Verb.READ_ROSTER, "PUT": Verb.CHANGE_ROSTER},
    "staff.Staff": {"GET": Verb.MANAGE_STAFF, "POST": Verb.MANAGE_STAFF},
    "staff.OneMember": {"GET": Verb.MANAGE_STAFF, "PATCH": Verb.MANAGE_STAFF},
    "staff.MemberSessions": {"DELETE": Verb.MANAGE_STAFF},
    "staff.MemberAuthenticator": {"DELETE": Verb.MANAGE_STAFF},
    "staff.MemberLockOut": {"DELETE": Verb.MANAGE_STAFF},
    "worklist.Worklist": {"GET": Verb.READ_WORKLIST},
    "worklist.Resolutions": {"POST": Verb.RESOLVE_WORK},
    "worklist.Reopenings": {"POST": Verb.RESOLVE_WORK},
    "agenda.MyAgenda": {"GET": Who.PATIENT},
    "agenda.MyReply": {"POST": Who.PATIENT},
    "agenda.PatientAgenda": {"GET": Verb.READ_AGENDA},
    "agenda.ItemAttendance": {"POST": Verb.RECORD_ATTENDANCE},
    "agenda.Cycles": {"GET": Verb.READ_AGENDA, "POST": Verb.PLAN_TREATMENT},
    "agenda.OneCycle": {"GET": Verb.READ_AGENDA, "PATCH": Verb.PLAN_TREATMENT},
    "agenda.Infusions": {"POST": Verb.PLAN_TREATMENT},
    "pauses.Pauses": {"GET": Verb.READ_AGENDA, "POST": Verb.PAUSE_CONTACT},
    "pauses.PauseEnds": {"POST": Verb.PAUSE_CONTACT},
    "pauses.Hospitalisations": {"GET": Verb.READ_AGENDA, "POST": Verb.RECORD_HOSPITALISATIONS},
    "pauses.OneHospitalisation": {"PATCH": Verb.RECORD_HOSPITALISATIONS},
    "deviations.Deviations": {"GET": Verb.READ_DEVIATIONS, "POST": Verb.RECORD_DEVIATIONS},
    "stops.Discontinuations": {"GET": Verb.READ_AGENDA, "POST": Verb.DISCONTINUE_TREATMENT},
    "stops.Withdrawals": {"GET": Verb.READ_AGENDA, "POST": Verb.RECORD_WITHDRAWALS},
    "stops.Reversals": {"GET": Verb.READ_AGENDA, "POST": Verb.SIGN_REVERSALS},
    "protocols.Protocols": {"GET": Verb.READ_PROTOCOLS},
    "protocols.Effects": {"POST": Verb.SET_PROTOCOL_EFFECTS},
    "protocols.ProtocolMoves": {"GET": Verb.READ_AGENDA, "POST": Verb.MOVE_TO_VERSIONS},
    "instruments.Instruments": {"GET": Who.PATIENT},
    "instruments.OneInstrument": {"GET": Who.PATIENT},
    "instruments.Symptoms": {"GET": Who.PATIENT},
    "terminology.Terms": {"GET": Verb.READ_TERMINOLOGY},
    "terminology.OneTerm": {"GET": Verb.READ_TERMINOLOGY},
    "suggestions.Suggestions": {"POST": Verb.READ_TERMINOLOGY},
    "reports.MyReports": {"GET": Who.PATIENT, "POST": Who.PATIENT},
    "reports.MyReport": {"GET": Who.PATIENT},
    "reports.PatientReports": {"GET": Verb.READ_REPORTS, "POST": Verb.REPORT_ON_BEHALF},
    "reports.PatientReport": {"GET": Verb.READ_REPORTS},
    "corrections.MyCorrections": {"POST": Who.PATIENT},
    "corrections.PatientCorrections": {"POST": Verb.REPORT_ON_BEHALF},
    "corrections.CorrectionDecisions": {"POST": Verb.DECIDE_CORRECTIONS},
    "triage.Queue": {"GET": Verb.READ_CANDIDATES},
    "triage.OneCandidate": {"GET": Verb.READ_CANDIDATES},
    "triage.Acknowledgements": {"POST": Verb.ACKNOWLEDGE_CANDIDATES},
    "triage.Claims": {"POST": Verb.CLAIM_CANDIDATES, "DELETE": Verb.CLAIM_CANDIDATES},
    "triage.Snoozes": {"POST": Verb.SNOOZE_CANDIDATES, "DELETE": Verb.SNOOZE_CANDIDATES},
    "closing.Dismissals": {"POST": Verb.DISMISS_CANDIDATES},
    "closing.Merges": {"POST": Verb.MERGE_CANDIDATES},
    "closing.Reopenings": {"POST": Verb.REOPEN_CANDIDATES},
    "questions.Questions": {"GET": Verb.READ_CANDIDATES, "POST": Verb.ASK_PATIENTS},
    "adverse_events.CandidateConfirmations": {"POST": Verb.RECORD_ADVERSE_EVENTS},
    "adverse_events.PatientEvents": {"POST": Verb.RECORD_ADVERSE_EVENTS},
    "adverse_events.AdverseEvents": {"GET": Verb.READ_ADVERSE_EVENTS},
    "adverse_events.OneEvent": {"GET": Verb.READ_ADVERSE_EVENTS, "PATCH": Verb.RECORD_ADVERSE_EVENTS},
    "adverse_events.Grades": {"POST": Verb.RECORD_ADVERSE_EVENTS},
    "adverse_events.Signatures": {"GET": Verb.READ_ADVERSE_EVENTS, "POST": Verb.SIGN_ADVERSE_EVENTS},
    "adverse_events.Voidings": {"POST": Verb.RECORD_ADVERSE_EVENTS},
    "concordance.Concordance": {"GET": Verb.READ_CONCORDANCE},
    "safety.SafetyReports": {"GET": Verb.READ_SAFETY_REPORTS, "POST": Verb.RECORD_SAFETY_REPORTS},
    "safety_form.PrintedForm": {"GET": Verb.READ_SAFETY_REPORTS},
    "survival.Confirmations": {"POST": Who.PATIENT},
    "survival.SurvivalStatuses": {"POST": Verb.FOLLOW_SURVIVAL},
    "survival.DeathReports": {"GET": Verb.READ_SURVIVAL, "POST": Verb.REPORT_DEATHS},
    "survival.Approvals": {"POST": Verb.APPROVE_DEATHS},
    "survival.Denials": {"POST": Verb.APPROVE_DEATHS},
    "survival.SurvivalChecks": {"GET": Verb.READ_SURVIVAL},
    "contact_attempts.ContactAttempts": {"GET": Verb.READ_SURVIVAL, "POST": Verb.FOLLOW_SURVIVAL},
    "call_list.SurvivalWorklist": {"GET": Verb.READ_SURVIVAL},
    "dispositions.Dispositions": {"GET": Verb.READ_SURVIVAL, "POST": Verb.FIND_LOST},
    "dispositions.DispositionEndings": {"POST": Verb.FIND_LOST},
    "messages.Messages": {"GET": Verb.READ_MESSAGES},
    "message_counts.MessageCounts": {"GET": Verb.READ_MESSAGES},
    "inbox.Inbox": {"GET": Verb.READ_INBOX},
    "inbox.InboxText": {"GET": Verb.READ_INBOX},
    "inbox.InboxResolutions": {"POST": Verb.READ_INBOX},
    "inbox.InboxReopenings": {"POST": Verb.READ_INBOX},
    "letters.PatientLetters": {"POST": Verb.WRITE_LETTERS},
    "letters.InboxReplies": {"POST": Verb.WRITE_LETTERS},
    "messages.MyMessages": {"GET": Who.PATIENT, "POST": Who.PATIENT},
    "tumour_assessments.TumourAssessments": {"GET": Verb.READ_AGENDA, "POST": Verb.RECORD_ATTENDANCE},
    "disease_control.DiseaseControl": {"GET": Verb.READ_OUTCOMES},
    "event_outcomes.AdverseEventOutcomes": {"GET": Verb.READ_OUTCOMES},
    "adherence.AdherenceToReporting": {"GET": Verb.READ_OUTCOMES},
    "outcomes.OverallSurvival": {"GET": Verb.READ_OUTCOMES},
    "audit.AuditEvents": {"GET": Verb.READ_AUDIT},
    "audit.PatientAuditEvents": {"GET": Verb.READ_AUDIT},
}

# What is asked by POST only because it must not stand in an address; it changes nothing.
READ_BY_POST = frozenset({("suggestions.Suggestions", "POST")})

# All that a session opens which was begun without the second factor it needs.
WHILE_ENROLLING = frozenset({"sign_in.OwnSession", "sign_in.Authenticators", "sign_in.Confirmations"})

# Pages for anyone, which hold no transaction open: documents, health, a call to an emergency, a patient's calendar and
# the plain form (whose addresses are known to whom they were given), what a text gateway tells (which is signed), and
# what only a demo shows.
PAGES = frozenset(
    {
        "api-docs.openapi_json",
        "health.Alive",
        "health.Ready",
        "health.Metrics",
        "web.landing",
        "web.api_docs",
        "web.api_docs_file",
        "web.static",
        "acknowledge.call",
        "acknowledge.take_on",
        "calendar.feed",
        "plain_form.show",
        "plain_form.take",
        "twilio.status",
        "twilio.messages",
        "demo.page",
        "demo.phones",
        "demo.phone",
        "demo.write",
        "demo.replay",
        "demo.now",
        "demo.move",
        "demo_outcomes.page",
        "demo_outcomes.one",
    }
)


def needs_transaction(endpoint: str) -> bool:
    """Whether the door opens a transaction for each request."""
    return endpoint in TABLE


def check(actor: Actor, endpoint: str, method: str) -> None:
    """Refuse whoever may not use this door at all.

    ``NotSignedIn`` for strangers, ``SecondFactorRequired`` for who still owes one, ``NotPermitted`` for others.
    """
    wanted = TABLE[endpoint]["GET" if method == "HEAD" else method]
    if wanted is Who.ANYONE:
        return
    if actor.id is None:
        raise NotSignedIn()
    if actor.is_enrolling and endpoint not in WHILE_ENROLLING:
        raise SecondFactorRequired()
    if not _may(actor, wanted):
        raise NotPermitted()


def refuse_unlisted(app: Flask) -> None:
    """Raise ``LookupError`` when a route has no row, or a method of it has none."""
    for rule in app.url_map.iter_rules():
        if rule.endpoint in PAGES:
            continue
        methods = (rule.methods or set()) - {"HEAD", "OPTIONS"}
        missing = methods - TABLE.get(rule.endpoint, {}).keys()
        if missing:
            raise LookupError(f"{rule.endpoint} ({rule.rule}) has no permission for {', '.join(sorted(missing))}.")


def _may(actor: Actor, wanted: Who | Verb) -> bool:
    if wanted is Who.SIGNED_IN:
        return True
    if wanted is Who.STAFF:
        return actor.originator is Originator.SITE
    if wanted is Who.PATIENT:
        return actor.originator in {Originator.PATIENT, Originator.PROXY}
    assert isinstance(wanted, Verb)
    return actor.originator is Originator.SITE and any(held.role in ALLOWED[wanted] for held in actor.roles)
