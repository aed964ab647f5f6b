"""Patients and their caregivers: what may be entered, and what may be shown to whom."""

from marshmallow import fields, validate

from backend.contact_terms import Disposition, PhoneConfirmation
from backend.terms import PatientStatus, SurvivalStatus
from schemas import people
from schemas.base import Schema, StrictBoolean
from schemas.paging import OnePageOut, PageOut, PageQuery
from schemas.protocols import ProtocolMoveOut
from schemas.sign_in import PatientRefOut

WORD = validate.Regexp(r"^[a-z][a-z0-9_]{0,39}\Z", error="A word of the protocol is needed here.")
BIRTH_YEAR = validate.Range(min=1900, max=2100)


class CaregiverIn(Schema):
    """Somebody whom the patient names."""

    name = people.name(required=True, description="The caregiver's name")
    phone = people.phone(required=True, description="The caregiver's number")
    relation = people.name(required=True, description="What the caregiver is to the patient")
    may_report = StrictBoolean(
        load_default=False, truthy={True}, falsy={False}, metadata={"description": "May report for the patient"}
    )
    may_confirm_survival = StrictBoolean(
        load_default=False, truthy={True}, falsy={False}, metadata={"description": "May say that the patient is alive"}
    )


class CaregiverOut(Schema):
    """A caregiver, with the names and numbers that only some roles may see."""

    id = fields.UUID(required=True, metadata={"description": "The caregiver's id"})
    name = people.name(required=True, allow_none=True, description="The caregiver's name")
    phone = people.phone(required=True, allow_none=True, description="The caregiver's number, E.164")
    relation = people.name(required=True, allow_none=True, description="What the caregiver is to the patient")
    may_report = fields.Boolean(required=True, metadata={"description": "May report for the patient"})
    may_confirm_survival = fields.Boolean(required=True, metadata={"description": "May say that the patient is alive"})


class CaregiverPageOut(OnePageOut):
    """A patient's caregivers: few, and therefore one page."""

    items = fields.List(fields.Nested(CaregiverOut), required=True, metadata={"description": "The caregivers"})


class PhysicianIn(Schema):
    """Who referred the patient: asked whether the patient lives when neither patient nor family can be reached."""

    name = people.name(required=True, description="The physician's name")
    phone = people.phone(load_default=None, allow_none=True, description="The physician's number")


class PhysicianOut(Schema):
    """Who referred the patient."""

    name = people.name(required=True, description="The physician's name")
    phone = people.phone(required=True, allow_none=True, description="The physician's number, E.164")


class PreferencesIn(Schema):
    """How a patient wishes to be reached; whatever is left out stays."""

    language = people.language(description="The language of every message and question")
    time_zone = people.time_zone(description="Where the patient lives by the clock")
    channels = people.channels(description="Ways to reach the patient, the preferred one first")
    quiet_from = people.clock_time(allow_none=True, description="No routine message from here; null: the study's hour")
    quiet_to = people.clock_time(allow_none=True, description="until here; null: the study's hour")
    preferred_time = people.clock_time(allow_none=True, description="The hour for prompts; null: the study's hour")


class EnrolmentIn(PreferencesIn):
    """Everything that is needed to enrol a patient."""

    site = fields.String(
        required=True, validate=validate.Length(min=1, max=20), metadata={"description": "The site's code"}
    )
    arm = fields.String(required=True, validate=WORD, metadata={"description": "An arm of the protocol"})
    targeted_drug = fields.String(required=True, validate=WORD, metadata={"description": "A drug of the protocol"})
    consented_on = fields.Date(required=True, metadata={"description": "The day the consent was signed"})
    randomised_on = fields.Date(required=True, metadata={"description": "The day of randomisation"})
    birth_year = fields.Integer(
        required=True, strict=True, validate=BIRTH_YEAR, metadata={"description": "The patient's year of birth"}
    )
    name = people.name(required=True, description="The patient's name")
    phone = people.phone(load_default=None, allow_none=True, description="The patient's number")
    email = people.email(load_default=None, allow_none=True, description="The patient's e-mail address")
    referring_physician = fields.Nested(
        PhysicianIn,
        load_default=None,
        allow_none=True,
        metadata={"description": "Who referred the patient; the last to be asked before records are searched"},
    )
    caregivers = fields.List(
        fields.Nested(CaregiverIn),
        load_default=list,
        validate=validate.Length(max=10),
        metadata={"description": "Whom the patient names"},
    )
    eligibility = fields.Dict(
        keys=fields.String(validate=validate.Length(max=64)),
        required=True,
        metadata={"description": "Every criterion of the protocol by its key, exclusions apart, override_reason"},
    )


class PatientChangeIn(PreferencesIn):
    """A change of a patient's record; whatever is left out stays."""

    name = people.name(description="The patient's name")
    phone = people.phone(allow_none=True, description="The patient's number")
    email = people.email(allow_none=True, description="The patient's e-mail address")
    referring_physician = fields.Nested(
        PhysicianIn, allow_none=True, metadata={"description": "Who referred the patient; null takes it away"}
    )
    birth_year = fields.Integer(
        strict=True, validate=BIRTH_YEAR, metadata={"description": "The patient's year of birth"}
    )
    targeted_drug = fields.String(validate=WORD, metadata={"description": "A drug of the protocol; needs a reason"})
    consented_on = fields.Date(metadata={"description": "A correction; needs a reason"})
    randomised_on = fields.Date(metadata={"description": "A correction; needs a reason"})
    reason = people.note(description="Why what was entered is corrected")


class PatientQuery(PageQuery):
    """Which patients."""

    site = fields.String(
        load_default=None, validate=validate.Length(max=20), metadata={"description": "Only this site"}
    )
    arm = fields.String(load_default=None, validate=WORD, metadata={"description": "Only this arm"})
    status = fields.String(
        load_default=None,
        validate=validate.OneOf([word.value for word in PatientStatus]),
        metadata={"description": "Only patients who stand so in the study"},
    )


class PatientOut(Schema):
    """A patient without anything that names a person."""

    id = fields.UUID(required=True, metadata={"description": "The patient's id"})
    subject_number = fields.String(required=True, metadata={"description": "Such as 01-0007"})
    site = fields.String(required=True, metadata={"description": "The site's code"})
    arm = fields.String(required=True, metadata={"description": "The arm"})
    targeted_drug = fields.String(required=True, metadata={"description": "The targeted drug"})
    consented_on = fields.Date(required=True, metadata={"description": "The day the consent was signed"})
    randomised_on = fields.Date(required=True, metadata={"description": "The day of randomisation"})
    status = fields.String(required=True, metadata={"description": "Where the patient stands in the study"})
    enrolled_at = fields.AwareDateTime(required=True, metadata={"description": "When the patient was entered"})
    language = fields.String(required=True, metadata={"description": "The patient's language"})
    time_zone = fields.String(required=True, metadata={"description": "The patient's time zone"})


class PatientRecordOut(PatientOut):
    """One patient. Name, phone, e-mail, physician and birth year are absent for roles that may not see them."""

    channels = people.channels(required=True, description="Ways to reach the patient, the preferred one first")
    quiet_from = people.clock_time(required=True, allow_none=True, description="No routine message from here")
    quiet_to = people.clock_time(required=True, allow_none=True, description="until here")
    preferred_time = people.clock_time(required=True, allow_none=True, description="The hour for prompts")
    died_on = fields.String(
        required=True, allow_none=True, metadata={"description": "The death on the record: a day, a month or a year"}
    )
    last_known_alive = fields.Date(
        required=True, allow_none=True, metadata={"description": "The latest day the patient is known to have lived"}
    )
    survival_status = fields.String(
        required=True,
        validate=validate.OneOf([word.value for word in SurvivalStatus]),
        metadata={
            "description": "alive; dead, by an approved report; unknown, once a survival check has closed unanswered"
        },
    )
    protocol_version = fields.Integer(
        required=True, metadata={"description": "The version of the protocol the patient is followed under"}
    )
    protocol_moves = fields.List(
        fields.Nested(ProtocolMoveOut),
        required=True,
        metadata={"description": "How the patient came to be under it, the oldest first; empty: enrolled under it"},
    )
    disposition = fields.String(
        required=True,
        allow_none=True,
        validate=validate.OneOf([word.value for word in Disposition]),
        metadata={
            "description": "How participation stands: lost_to_follow_up, withdrawn (from the study), or null; "
            "never whether the patient lives"
        },
    )
    phone_unconfirmed_since = fields.AwareDateTime(
        required=True,
        allow_none=True,
        metadata={"description": "Since when the number is a new one at which nobody has shown yet who they are"},
    )
    contact_held = fields.List(
        fields.String(), required=True, metadata={"description": "Why contact is held just now; empty: it is not"}
    )
    name = people.name(allow_none=True, description="The patient's name")
    phone = people.phone(allow_none=True, description="The patient's number, E.164")
    email = fields.String(allow_none=True, metadata={"description": "The patient's e-mail address"})
    referring_physician = fields.Nested(
        PhysicianOut, allow_none=True, metadata={"description": "Who referred the patient; null: nobody knows"}
    )
    birth_year = fields.Integer(metadata={"description": "The patient's year of birth"})


class PatientPageOut(PageOut):
    """Some patients, in the order of their subject numbers."""

    items = fields.List(fields.Nested(PatientOut), required=True, metadata={"description": "The patients"})


class ActivationCodeOut(Schema):
    """A code for the patient's phone, shown once."""

    code = fields.String(required=True, metadata={"description": "To be typed"})
    expires_at = fields.AwareDateTime(required=True, metadata={"description": "Until when it can be used, once"})
    link = fields.String(required=True, metadata={"description": "Opens the patient's app with the code filled in"})
    qr_svg = fields.String(required=True, metadata={"description": "The link as a QR code, an inline SVG image"})


class PhoneConfirmationIn(Schema):
    """How it was found out that the patient answers at a new number."""

    how = fields.String(
        required=True,
        validate=validate.OneOf([PhoneConfirmation.PHONE.value, PhoneConfirmation.IN_PERSON.value]),
        metadata={"description": "`phone`: called there and spoken to; `in_person`: shown by the patient"},
    )


class PhoneConfirmationOut(Schema):
    """A number that is known to be the patient's."""

    patient = fields.Nested(PatientRefOut, required=True, metadata={"description": "Whose number it is"})
    how = fields.String(required=True, metadata={"description": "How that was found out"})
    confirmed_at = fields.AwareDateTime(required=True, metadata={"description": "Since when what comes from it counts"})


class DeviceOut(Schema):
    """A phone that is or was signed in for the patient."""

    id = fields.UUID(required=True, metadata={"description": "The sign-in's id"})
    signed_in_at = fields.AwareDateTime(required=True, metadata={"description": "When a code signed it in"})
    last_seen_at = fields.AwareDateTime(
        required=True, metadata={"description": "When it last got tokens, which it does every half hour of use"}
    )
    signed_out_at = fields.AwareDateTime(
        required=True, allow_none=True, metadata={"description": "When it was signed out; null while it is signed in"}
    )
    signed_out_because = fields.String(
        required=True, allow_none=True, metadata={"description": "What ended it, in our words"}
    )


class DevicePageOut(PageOut):
    """A patient's phones, the latest first: few, and therefore one page."""

    items = fields.List(fields.Nested(DeviceOut), required=True, metadata={"description": "Phones"})


class CalendarFeedOut(Schema):
    """Where a calendar program may read the patient's agenda."""

    calendar_url = fields.String(
        required=True, metadata={"description": "Whoever knows it may read: to be kept like a key"}
    )


class MeOut(Schema):
    """What a patient's phone needs to know about its patient."""

    id = fields.UUID(required=True, metadata={"description": "The patient's id"})
    subject_number = fields.String(required=True, metadata={"description": "Such as 01-0007"})
    site = fields.String(required=True, metadata={"description": "The site's code"})
    site_name = fields.String(required=True, metadata={"description": "The hospital's name"})
    emergency_phone = fields.String(required=True, metadata={"description": "To be called day and night"})
    office_phone = fields.String(required=True, allow_none=True, metadata={"description": "During working hours"})
    calendar_url = fields.String(
        required=True, allow_none=True, metadata={"description": "The calendar feed; null while there is none"}
    )
    language = fields.String(required=True, metadata={"description": "The language of messages and questions"})
    time_zone = fields.String(required=True, metadata={"description": "The patient's time zone"})
    channels = people.channels(required=True, description="Ways to reach the patient, the preferred one first")
    quiet_from = people.clock_time(required=True, allow_none=True, description="null: the study's hour")
    quiet_to = people.clock_time(required=True, allow_none=True, description="null: the study's hour")
    preferred_time = people.clock_time(required=True, allow_none=True, description="null: the study's hour")
    status = fields.String(required=True, metadata={"description": "Where the patient stands in the study"})
