"""The shape of a protocol file: everything a study may say, and what each field means."""

from math import inf
from pathlib import Path
from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from backend.terms import AgendaKind, Recipient, Role, Urgency
from schemas.base import Schema
from schemas.protocol_checks import complaints_about
from schemas.protocol_messaging import MessagingShape, SafetyWarningsShape
from schemas.protocol_words import WordsShape
from schemas.seed_fields import (
    Number,
    Stated,
    Tagged,
    Truth,
    Whole,
    assumption,
    one_of,
    text,
    texts,
    time_of_day,
    word,
    words,
)
from schemas.seed_files import read_seed_file, read_yaml

KINDS = [kind.value for kind in AgendaKind]
READERS = [role.value for role in Role if role is not Role.ADMINISTRATOR]
ANCHORS = ["randomisation", "last_infusion", "cells_over", "final_infusion"]
FARTHEST_MONTH = 1200
FARTHEST_DAY = 36_500


def read_protocol_file(path: Path) -> dict[str, Any]:
    """A protocol file, checked. Raises ``BadSeedFile``, also when the rule file it names is not beside it."""
    content = read_seed_file(path, ProtocolFile())
    if not (path.parent / content["triage_rules"]).is_file():
        missing = f"There is no file {content['triage_rules']!r} beside this one."
        raise read_yaml(path).complaint({("triage_rules",): [missing]})
    return content


class ArmShape(Schema):
    """A group of the trial."""

    code = word("What the arm is called in the data.")
    names = texts("What people call it.")
    receives_cells = Truth("Whether its patients are given cells.", required=True)


class DrugShape(Schema):
    """A targeted drug."""

    code = word("What the drug is called in the data.")
    names = texts("What people call it.")


class AttestedShape(Schema):
    """A condition that somebody attests."""

    type = one_of("Attested as true or false.", ["attested"])
    key = word("The field of the enrolment form.")
    must_be = Truth("What makes a patient eligible.", required=True)
    arms = words("The arms it applies to; all when left out.")
    texts = texts("The condition, for the form.")
    assumption = assumption()


class NumberShape(Schema):
    """A condition on a number."""

    type = one_of("A number within bounds.", ["number"])
    key = word("The field of the enrolment form.")
    at_least = Number("The number may be this or more.")
    above = Number("The number must be more than this.")
    at_most = Number("The number may be this or less.")
    below = Number("The number must be less than this.")
    whole = Truth("Whether only whole numbers make sense.")
    unit = text("The unit the number is given in.", required=False)
    arms = words("The arms it applies to; all when left out.")
    texts = texts("The condition, for the form.")
    assumption = assumption()

    @validates_schema
    def _has_a_bound(self, said: dict[str, Any], **_: Any) -> None:
        if not {"at_least", "above", "at_most", "below"} & set(said):
            raise ValidationError("Needs a bound: at_least, above, at_most or below.")
        lowest = max(said.get("at_least", -inf), said.get("above", -inf))
        if lowest > min(said.get("at_most", inf), said.get("below", inf)):
            raise ValidationError("Its bounds leave no number.")


CRITERION = {"attested": AttestedShape, "number": NumberShape}


class EligibilityShape(Schema):
    """Who may enter."""

    inclusion = fields.List(
        Tagged("A condition that must hold.", CRITERION), required=True, metadata={"description": "What must hold."}
    )
    exclusion = fields.List(
        Tagged("A condition that must not hold.", CRITERION), required=True, metadata={"description": "What must not."}
    )


class CellsShape(Schema):
    """How cells are made and given."""

    cycles = Stated("How many cycles a patient is given.", at_least=1, at_most=50)
    culture_days = Stated("Days from the donor's collection to the first infusion.", at_least=0, at_most=365)
    infusion_days = Stated("On how many consecutive days a cycle is infused.", at_least=1, at_most=2)
    confirm_after_days = Stated("Days after the collection when the site decides.", at_least=0, at_most=365)
    spacing_days = Stated("Days from one cycle's start to the next.", at_least=1, at_most=365)
    warn_under_days = Stated("Starts closer than this raise a warning.", at_least=0, at_most=365)
    send_at_once_under_hours = Stated("A change so close ignores quiet hours.", at_least=0, at_most=240)
    call_under_hours = Stated("A change so close also needs a call.", at_least=0, at_most=240)


class ObligationShape(Schema):
    """Until when new due dates arise."""

    until_month = Whole("The last month after randomisation.", at_least=0, at_most=FARTHEST_MONTH, required=True)
    then_every_months = Whole("Goes on like this until the study is closed.", at_least=1, at_most=120)
    assumption = assumption()


class StopsShape(Schema):
    """Which kinds of agenda items an event ends."""

    assumption = assumption()
    death = fields.List(one_of("A kind.", KINDS), required=True, metadata={"description": "Ended by death."})
    withdrawn_from_study = fields.List(
        one_of("A kind.", KINDS), required=True, metadata={"description": "Ended by withdrawal from the study."}
    )
    withdrawn_from_reporting = fields.List(
        one_of("A kind.", KINDS), required=True, metadata={"description": "Ended by withdrawal from reporting."}
    )


class MomentShape(Schema):
    """One date that a turning point waits for."""

    anchor = one_of("The anchor counted from.", ANCHORS)
    plus_days = Whole("Days after it.", at_least=0, at_most=FARTHEST_DAY, required=True)
    if_unknown = one_of("While it has no date: never reached, or ignored.", ["never", "ignored"], required=False)
    arms = words("The arms it counts for; all when left out.")


class TurningPointShape(Schema):
    """The latest of several dates, where one part of the calendar hands over to another."""

    latest_of = fields.List(
        fields.Nested(MomentShape),
        required=True,
        validate=validate.Length(min=1),
        metadata={"description": "The dates."},
    )
    assumption = assumption()


class OnShape(Schema):
    """Once, some days after an anchor."""

    type = one_of("Once.", ["on"])
    anchor = one_of("The anchor counted from.", ANCHORS)
    plus_days = Whole("Days after it.", at_least=-FARTHEST_DAY, at_most=FARTHEST_DAY, required=True)


class MonthsShape(Schema):
    """In certain months after an anchor."""

    type = one_of("By months.", ["months"])
    anchor = one_of("The anchor counted from.", ANCHORS)
    at = fields.List(
        Whole("A month.", at_least=0, at_most=FARTHEST_MONTH),
        validate=validate.Length(min=1),
        metadata={"description": "The months, one by one."},
    )
    first = Whole("The first month, when they are regular.", at_least=0, at_most=FARTHEST_MONTH)
    every = Whole("Months from one to the next.", at_least=1, at_most=FARTHEST_MONTH)
    last = Whole("The last month; left out, it goes on as long as its obligation.", at_least=0, at_most=FARTHEST_MONTH)

    @validates_schema
    def _lists_or_repeats(self, said: dict[str, Any], **_: Any) -> None:
        repeats = {"first", "every", "last"} & set(said)
        if ("at" in said) if repeats else ("at" not in said):
            raise ValidationError("Needs either at, or first and every (and last, if it ends).")
        if repeats and not repeats >= {"first", "every"}:
            raise ValidationError("Needs first and every (and last, if it ends).")


class EveryDaysShape(Schema):
    """Every so many days after an anchor."""

    type = one_of("By days.", ["every_days"])
    anchor = one_of("The anchor counted from.", ANCHORS)
    days = Whole("Days from one to the next.", at_least=1, at_most=FARTHEST_DAY, required=True)
    only_multiples_of = Whole("Only every so manieth of them.", at_least=1, at_most=1000)
    after = word("The turning point it begins after.", required=False)
    until = word("The turning point it ends with.", required=False)


class InfusionShape(Schema):
    """A day on which cells are infused."""

    type = one_of("An infusion day of each cycle.", ["infusion"])
    day = Whole("Which of them.", at_least=1, at_most=2, required=True)


class BetweenShape(Schema):
    """Daily between two infusions."""

    type = one_of("Daily from the first infusion to before the last.", ["between_infusions"])


class AfterShape(Schema):
    """Daily after the last infusion of each cycle."""

    type = one_of("Daily after the last infusion.", ["after_infusion"])
    first = Whole("The first day; the infusion's own day is 0.", at_least=0, at_most=365, required=True)
    last = Whole("The last day.", at_least=0, at_most=365, required=True)


class WindowShape(Schema):
    """Days around the due date during which something is on time, both included."""

    opens = Whole("The first day.", at_least=-365, at_most=365, required=True)
    closes = Whole("The last day.", at_least=-365, at_most=365, required=True)

    @validates_schema
    def _opens_first(self, said: dict[str, Any], **_: Any) -> None:
        if said.get("opens", 0) > said.get("closes", 0):
            raise ValidationError("Must open before it closes.")


class NoneShape(Schema):
    """Expired as soon as the window closes."""

    type = one_of("Never overdue.", ["none"])


class ForDaysShape(Schema):
    """Overdue for some days."""

    type = one_of("For some days.", ["for_days"])
    days = Whole("How many.", at_least=1, at_most=365, required=True)


class UntilNextShape(Schema):
    """Overdue until the next one opens."""

    type = one_of("Until the next.", ["until_next"])
    of = words("The families among which the next is looked for.", required=True)
    else_days = Whole("How many days when none follows.", at_least=0, at_most=365, required=True)


class NeverShape(Schema):
    """Waits for ever."""

    type = one_of("Never expires.", ["never"])


class LongerShape(Schema):
    """Every so often the longer form."""

    nth = Whole("Every so manieth item.", at_least=2, at_most=1000, required=True)
    instrument = word("The longer form.")


class PromptShape(Schema):
    """One message about an item."""

    day = Whole("Days from the due date.", at_least=-365, at_most=365, required=True)
    at = fields.String(
        required=True,
        validate=validate.Regexp(
            r"^(own_hour|([01][0-9]|2[0-3]):[0-5][0-9])$", error="Must be own_hour or a time of day such as 09:00."
        ),
        metadata={"description": "The wall time where the patient lives, or the patient's own hour."},
    )
    hours_after_start = Whole("Not earlier than so many hours after the infusion began.", at_least=1, at_most=48)
    template = word("The text that is sent.")
    urgency = one_of("What may hold it back.", [urgency.value for urgency in Urgency])
    to = one_of("To whom; the patient when left out.", [Recipient.PATIENT, Recipient.CAREGIVER], required=False)
    asks = one_of("What a digit in reply answers.", ["visit", "infusion", "survival"], required=False)
    expires = one_of("Until when it may still go out.", ["due_day", "window_end", "never"])
    assumption = assumption()


class CallShape(Schema):
    """A step for people when prompts brought no answer, or nobody recorded what became of an infusion day."""

    name = word("What the task is called in its key.")
    when = one_of("What makes it necessary.", ["unanswered", "unanswered_twice", "unrecorded"])
    looked_at = time_of_day("When this is looked at, on the due date.", required=False)
    day = Whole("Days from the due date.", at_least=0, at_most=365, required=True)
    at = time_of_day("When the task is due.")
    to = one_of("Who calls.", ["coordinator", "investigator", "on_call"])
    working_day = one_of("Moves to a working day: the next or the previous.", ["next", "previous"], required=False)
    on_days_off = one_of("Who calls on other days.", ["coordinator", "investigator", "on_call"], required=False)
    still_open_at = time_of_day("When somebody else takes over.", required=False)
    then_to = one_of("Who takes over.", ["coordinator", "investigator", "on_call"], required=False)


class RuleShape(Schema):
    """One row of the calendar."""

    name = word("What the row is called in this file.")
    key = text("The pattern of the agenda keys; {n}, {number} and {cycle} are filled in.")
    family = word("Items of one family follow each other.")
    kind = one_of("What it is.", KINDS)
    instrument = word("The form of an assessment.", required=False)
    longer_every = fields.Nested(LongerShape, metadata={"description": "When the form is a longer one."})
    arms = words("The arms it applies to; all when left out.")
    obligation = word("Whose end stops new due dates; none when left out.", required=False)
    due = Tagged(
        "When it falls due.",
        {
            "on": OnShape,
            "months": MonthsShape,
            "every_days": EveryDaysShape,
            "infusion": InfusionShape,
            "between_infusions": BetweenShape,
            "after_infusion": AfterShape,
        },
    )
    window = fields.Nested(WindowShape, required=True, metadata={"description": "When it is on time."})
    overdue = Tagged(
        "How long it is worth doing late.",
        {"none": NoneShape, "for_days": ForDaysShape, "until_next": UntilNextShape, "never": NeverShape},
    )
    covered_by = words("Forms that contain this one: a report of theirs in its window completes it.")
    assumption = assumption()
    titles = texts("What patients and staff read.")
    prompts = fields.List(fields.Nested(PromptShape), metadata={"description": "The messages about it."})
    calls = fields.List(fields.Nested(CallShape), metadata={"description": "The steps for people."})


class ProtocolFile(Schema):
    """The whole of a protocol file."""

    study = text("The study's registration number.", longest=40)
    titles = texts("The study's title in our own words.")
    target_enrolment = Stated("How many patients are sought.", at_least=1, at_most=1_000_000)
    sites = Stated("How many hospitals take part.", at_least=1, at_most=10_000)
    retention_years = Stated("How long records are kept after the study.", at_least=1, at_most=100)
    arms = fields.List(
        fields.Nested(ArmShape), required=True, validate=validate.Length(min=1), metadata={"description": "The arms."}
    )
    targeted_drugs = fields.List(
        fields.Nested(DrugShape), required=True, metadata={"description": "The drugs a patient may be on."}
    )
    blinded_roles = fields.List(
        one_of("A role.", READERS), metadata={"description": "Who may compare no arms; nobody when left out."}
    )
    eligibility = fields.Nested(EligibilityShape, required=True, metadata={"description": "Who may enter."})
    cells = fields.Nested(CellsShape, metadata={"description": "How cells are given; left out when none are."})
    obligations = fields.Dict(
        keys=word("Its name."),
        values=fields.Nested(ObligationShape),
        required=True,
        validate=validate.Length(min=1),
        metadata={"description": "What is owed until when."},
    )
    report_now_until_month = Stated("Until when a patient may report at any time.", at_least=0, at_most=FARTHEST_MONTH)
    stops = fields.Nested(StopsShape, required=True, metadata={"description": "What stops what."})
    hospital_stay_pauses_days = Stated("How long an unplanned stay pauses prompts.", at_least=0, at_most=365)
    safety_report_hours = Stated("The clock of a serious event.", at_least=1, at_most=720)
    safety_report_warnings = fields.Nested(
        SafetyWarningsShape, metadata={"description": "Who is told before that clock has run out."}
    )
    messaging = fields.Nested(MessagingShape, required=True, metadata={"description": "Defaults for messages."})
    forms = words("The forms, from the shortest to the longest.", required=True)
    turning_points = fields.Dict(
        keys=word("Its name."),
        values=fields.Nested(TurningPointShape),
        metadata={"description": "Where one part of the calendar hands over to another."},
    )
    agenda = fields.List(
        fields.Nested(RuleShape),
        required=True,
        validate=validate.Length(min=1),
        metadata={"description": "The calendar, row by row."},
    )
    words = fields.Nested(WordsShape, required=True, metadata={"description": "What is looked for in free text."})
    triage_rules = text("The file with the triage rules, beside this one.")

    @validates_schema
    def _fits_together(self, said: dict[str, Any], **_: Any) -> None:
        complaints = complaints_about(said)
        if complaints:
            raise ValidationError(complaints)
