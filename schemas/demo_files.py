"""The shape of the demo's files: who works there, who is followed, and what has happened to them."""

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema as AnySchema
from marshmallow import ValidationError, fields, validate, validates_schema

from backend.event_terms import TumourResponse
from backend.terms import PATIENT_CHANNELS, Language, Reply, ReportMode, Role
from schemas.base import Schema
from schemas.seed_fields import Tagged, Truth, Whole, one_of, text, time_of_day, word

LONGEST_PAST = 40 * 366


class OneOrMore(fields.Field[list[int]]):
    """A whole number or a list of them; always a list once loaded."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> list[int]:
        given = value if isinstance(value, list) else [value]
        if not given or any(type(one) is not int or abs(one) > LONGEST_PAST for one in given):
            raise ValidationError("Must be a whole number, or a list of them.")
        return given


class SitePhones(Schema):
    """A site's telephone numbers in the demo."""

    code = text("site-01")
    emergency_phone = text("What a patient calls in an emergency")
    office_phone = text("What a patient calls otherwise")


class Member(Schema):
    """Somebody who works on the trial, in one role."""

    email = text("The address they sign in with")
    name = text("What they are called")
    role = one_of("What they are", [role.value for role in Role])
    site = text("A site's code, or * for every site")
    phone = text("Their number", required=False, load_default=None)
    language = one_of("Their language", list(Language), required=False, load_default=Language.CHINESE.value)


class StaffFile(Schema):
    """Everybody who works on the demo, and one password for all."""

    password = text("The password of all of them")
    sites = fields.List(fields.Nested(SitePhones), required=True)
    members = fields.List(fields.Nested(Member), required=True, validate=validate.Length(min=1))


class Happening(Schema):
    """Something that happened, with its moment: after randomisation, or minutes before now."""

    type = word("What happened")
    day = OneOrMore(metadata={"description": "Days after randomisation, or after `month`"})
    month = OneOrMore(metadata={"description": "Months after randomisation"})
    at = time_of_day("The site's wall time", required=False)
    ago = Whole("Minutes before now", at_least=1, at_most=1440)

    @validates_schema
    def has_a_moment(self, given: Mapping[str, Any], **_: Any) -> None:
        """Either ``ago``, or a day and a time."""
        is_dated = ("day" in given or "month" in given) and "at" in given
        if is_dated == ("ago" in given):
            raise ValidationError("Needs either `ago`, or `at` with `day` or `month`.")


class Report(Happening):
    """A report on the agenda's item of a family, or by itself. What it does not mention is answered with 0."""

    of = text("The family of agenda items it answers, or ad_hoc")
    by = one_of("How the answers were taken", list(ReportMode), required=False, load_default=ReportMode.APP.value)
    says = fields.Dict(
        keys=fields.String(),
        values=fields.List(fields.Integer(strict=True)),
        load_default=dict,
        metadata={"description": "By symptom, its answers in the order asked"},
    )
    signs = fields.List(fields.String(), load_default=list, metadata={"description": "Danger signs answered yes"})
    measured = fields.Dict(keys=fields.String(), load_default=dict, metadata={"description": "By measurement"})
    other = fields.List(fields.Dict(), load_default=list, metadata={"description": "Other symptoms, in own words"})
    wants_call = Truth("Whether the patient asks for a call", load_default=False)


class OnTheAgenda(Happening):
    """The patient came to an item of the agenda, or did not."""

    key = text("Which")


class Assessed(Happening):
    """A scan was read, on the day it was made."""

    response = one_of("What was seen", list(TumourResponse))


class Replied(OnTheAgenda):
    """The patient answered an invitation in the app."""

    reply = one_of("What", list(Reply))


class OfCycle(Happening):
    """A donor's collection, or the confirmation of its dates."""

    cycle = Whole("Which cycle", at_least=1, at_most=9, required=True)


class Infused(OfCycle):
    """An infusion began."""

    infusion = Whole("Day 1 or day 2", at_least=1, at_most=2, required=True)


class Texted(Happening):
    """A text from the patient's phone."""

    text = text("The words")


class Called(Happening):
    """The coordinator did what stood on the work list, with this outcome."""

    outcome = text("What came of it")


class DeathReported(Happening):
    """Somebody told the site that the patient has died."""

    died_day = Whole("Days after randomisation", at_least=0, at_most=LONGEST_PAST, required=True)
    cause = text("Of what")
    informant = text("Who said so")
    relation = text("And who that is")


SHAPES: dict[str, type[AnySchema]] = {
    "report": Report,
    "attended": OnTheAgenda,
    "missed": OnTheAgenda,
    "assessed": Assessed,
    "replied": Replied,
    "collected": OfCycle,
    "confirmed": OfCycle,
    "infused": Infused,
    "texted": Texted,
    "acknowledged": Happening,
    "called": Called,
    "code_issued": Happening,
    "death_reported": DeathReported,
    "death_approved": Happening,
}


class Since(Schema):
    """How long before today."""

    months = Whole("Months", at_least=0, at_most=480, load_default=0)
    days = Whole("Days; a negative number is closer to today", at_least=-400, at_most=LONGEST_PAST, load_default=0)


class CaregiverShape(Schema):
    """A relative or friend."""

    name = text("What they are called")
    phone = text("Their number")
    relation = text("Who they are to the patient")
    may_report = Truth("Whether they may report", load_default=False)
    may_confirm_survival = Truth("Whether they may say how the patient is", load_default=False)


class InventedPatient(Schema):
    """A patient who does not exist, and a past."""

    story = text("What is worth looking at")
    site = text("site-01")
    arm = text("nk or control")
    targeted_drug = text("Which of the drugs")
    language = one_of("The patient's language", list(Language))
    name = text("What the patient is called")
    birth_year = Whole("Year of birth", at_least=1900, at_most=2100, required=True)
    phone = text("The patient's number")
    channels = fields.List(one_of("One of them", list(PATIENT_CHANNELS)), required=True)
    preferred_time = time_of_day("When to be reminded", required=False, load_default=None)
    laboratory = fields.Dict(load_default=dict, metadata={"description": "What differs from the usual attestation"})
    randomised = fields.Nested(Since, required=True)
    caregivers = fields.List(fields.Nested(CaregiverShape), required=True)
    past = fields.List(Tagged("What happened", SHAPES), required=True)


class PatientsFile(Schema):
    """Every invented patient, and what was attested of each at enrolment."""

    eligibility = fields.Dict(required=True, metadata={"description": "As the contract says it"})
    patients = fields.List(fields.Nested(InventedPatient), required=True, validate=validate.Length(min=1))


class FurtherPatient(Schema):
    """An invented patient without a script: what becomes of them is drawn."""

    name = text("What the patient is called")
    language = one_of("The patient's language", list(Language))
    phone = text("The patient's number")
    caregivers_name = text("What a relative is called")
    caregivers_phone = text("The relative's number")
    relation = text("Who the relative is to the patient")
    way = one_of("How they are reached, where it is not to be drawn", ["app", "texts", "app_alone"], required=False)
    answers_surveys = Truth(
        "Whether they answer questionnaires by text, if texts are how they are reached", load_default=False
    )
    now = fields.List(Tagged("What happened in the last minutes", SHAPES), load_default=list)


class FurtherPatientsFile(Schema):
    """Everybody who may join the scripted patients, in the order in which they do."""

    people = fields.List(fields.Nested(FurtherPatient), required=True, validate=validate.Length(min=1))
