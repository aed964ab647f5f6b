"""The shape of a protocol's triage file: rules as data, and the advice a patient reads at once."""

from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from backend.terms import Language, Tier
from schemas.base import Schema
from schemas.instrument_files import CTCAE_CODE, NAME, TEXT
from schemas.triage_clocks import ClocksShape

OPERANDS = ("item", "measurement", "together", "fact")
NUMBERS = ("<", "<=", ">=", ">")
LISTS = ("in", "not in")
OPERATORS = (*NUMBERS, *LISTS, "==", "!=", "absent")

REPORT_FACTS = (
    "days_since_infusion",
    "signs_answered_yes",
    "wants_call",
    "texts",
    "danger_words",
    "other_severity",
    "weight_loss_percent",
    "weight_gain_kg",
)
ITEM_FACTS = ("item", "attribute", "value", "last_value", "rise")
SYMPTOM_FACTS = ("composite", "last_composite")
FACTS_BY_SCOPE = {
    "report": REPORT_FACTS,
    "sign": (*REPORT_FACTS, *ITEM_FACTS),
    "item": (*REPORT_FACTS, *ITEM_FACTS),
    "symptom": (*REPORT_FACTS, *SYMPTOM_FACTS),
}
NEED_DAYS = ("weight_gain_kg",)
# The facts that are words; all others are numbers.
WORD_FACTS = ("item", "attribute")
PROGRESS = ("received", "nothing_to_do", "seen", "asked", "watched", "decided")
# Said instead of the plain steps where the protocol has words for it.
OF_DECISIONS = (
    "decided_confirmed",
    "decided_dismissed",
    "correction_pending",
    "correction_accepted",
    "correction_declined",
    "correction_superseded",
)
NAMES_THE_PHONE = validate.Regexp(r".*\{phone\}", error="Must name {{phone}}, the number to call.")


class ConditionField(fields.Field[dict[str, Any]]):
    """``all`` or ``any`` of conditions, or one comparison; complaints name the place within."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **_: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise ValidationError("Must be a mapping.")
        kinds = [name for name in ("all", "any", *OPERANDS) if name in value]
        if len(kinds) != 1:
            raise ValidationError(f"Must have exactly one of all, any, {', '.join(OPERANDS)}.")
        return self._group(kinds[0], value) if kinds[0] in ("all", "any") else _comparison(kinds[0], value)

    def _group(self, kind: str, value: dict[str, Any]) -> dict[str, Any]:
        if set(value) != {kind} or not isinstance(value[kind], list) or not value[kind]:
            raise ValidationError({kind: ["Must be a list of conditions, and stand alone."]})
        loaded, wrong = [], {}
        for place, inner in enumerate(value[kind]):
            try:
                loaded.append(self._deserialize(inner, str(place), value))
            except ValidationError as refusal:
                wrong[place] = refusal.messages
        if wrong:
            raise ValidationError({kind: wrong})
        return {kind: loaded}


def _comparison(kind: str, value: dict[str, Any]) -> dict[str, Any]:
    wrong: dict[str, list[str]] = {}
    for unknown in set(value) - {kind, "operator", "value", "days"}:
        wrong[unknown] = ["Unknown field."]
    if complaint := _operand_complaint(kind, value[kind]):
        wrong[kind] = [complaint]
    if value.get("operator") not in OPERATORS:
        wrong["operator"] = [f"Must be one of {', '.join(OPERATORS)}."]
    elif complaint := _value_complaint(value["operator"], value) or _kind_complaint(value.get("fact"), value):
        wrong["value"] = [complaint]
    if complaint := _days_complaint(kind == "together" or value[kind] in NEED_DAYS, value):
        wrong["days"] = [complaint]
    if wrong:
        raise ValidationError(wrong)
    return value


def _operand_complaint(kind: str, name: Any) -> str | None:
    if kind == "together":
        is_list = isinstance(name, list) and len(name) >= 2 and all(isinstance(item, str) for item in name)
        return None if is_list else "Must be a list of at least two items."
    return None if isinstance(name, str) else "Must be a name."


def _value_complaint(operator: str, value: dict[str, Any]) -> str | None:
    held = value.get("value")
    if operator == "absent":
        return "absent compares with nothing." if "value" in value else None
    if operator in LISTS:
        is_list = isinstance(held, list) and held and all(isinstance(word, str) for word in held)
        return None if is_list else "Must be a list of words."
    if operator in NUMBERS:
        return None if type(held) in (int, float) else "Must be a number."
    return None if type(held) in (int, float, str) else "Must be a number or a word."


def _kind_complaint(fact: Any, value: dict[str, Any]) -> str | None:
    """A word is no more than a number, and the other way round: such a rule would fail with every report."""
    if value["operator"] == "absent":
        return None
    held = value["value"]
    is_word = isinstance(held, list | str)
    if fact in WORD_FACTS:
        return None if is_word else f"{fact} is a word, so this cannot be a number."
    return "Must be a number here." if is_word else None


def _days_complaint(needed: bool, value: dict[str, Any]) -> str | None:
    if not needed:
        return "Means nothing here." if "days" in value else None
    is_count = type(value.get("days")) is int and value["days"] >= 0
    return None if is_count else "Must be a whole number of days."


def comparisons(condition: dict[str, Any]) -> list[dict[str, Any]]:
    """The single comparisons of a loaded condition."""
    for group in ("all", "any"):
        if group in condition:
            return [one for inner in condition[group] for one in comparisons(inner)]
    return [condition]


class TriageRule(Schema):
    """One rule. ``term`` belongs to rules about the whole report; in other scopes what is looked at has one."""

    id = fields.String(required=True, validate=validate.Regexp(r"^T[123]\.[a-z0-9-]+$"))
    version = fields.Integer(required=True, strict=True, validate=validate.Range(min=1))
    tier = fields.String(required=True, validate=validate.OneOf([tier.value for tier in Tier]))
    scope = fields.String(required=True, validate=validate.OneOf(list(FACTS_BY_SCOPE)))
    term = fields.String(validate=CTCAE_CODE)
    advice = fields.String(validate=NAME)
    assumption = fields.Boolean(load_default=False)
    reference = fields.String(required=True, validate=TEXT)
    when = ConditionField(required=True)

    @validates_schema
    def it_asks_what_its_scope_knows(self, rule: dict[str, Any], **_: Any) -> None:
        """A rule may only ask for facts that exist where it looks; only a report-wide rule names a term."""
        known = FACTS_BY_SCOPE[rule["scope"]]
        unknown = {one["fact"] for one in comparisons(rule["when"]) if "fact" in one} - set(known)
        if unknown:
            raise ValidationError(f"{', '.join(sorted(unknown))}: not known in scope {rule['scope']}.", "when")
        if rule["scope"] != "report" and "term" in rule:
            raise ValidationError("What the rule looks at has its own term.", "term")

    @validates_schema
    def an_emergency_says_what_to_do(self, rule: dict[str, Any], **_: Any) -> None:
        """T1 without advice would leave a patient alone with an emergency; the id names the tier."""
        if rule["tier"] == Tier.T1 and "advice" not in rule:
            raise ValidationError("A T1 rule needs advice.", "advice")
        if not rule["id"].startswith(f"{rule['tier']}."):
            raise ValidationError(f"Must begin with {rule['tier']}.", "id")


class TriageFile(Schema):
    """The triage part of a protocol."""

    version = fields.Integer(required=True, strict=True, validate=validate.Range(min=1))
    assumption = fields.Boolean(load_default=False)
    clocks = fields.Nested(ClocksShape, required=True)
    rules = fields.List(fields.Nested(TriageRule), required=True, validate=validate.Length(min=1))
    advice = fields.Dict(
        fields.String(validate=NAME),
        fields.Dict(
            fields.String(validate=validate.OneOf([language.value for language in Language])),
            fields.String(validate=[TEXT, NAMES_THE_PHONE]),
        ),
        required=True,
    )
    progress = fields.Dict(
        fields.String(validate=validate.OneOf((*PROGRESS, *OF_DECISIONS))),
        fields.Dict(
            fields.String(validate=validate.OneOf([language.value for language in Language])),
            fields.String(validate=TEXT),
        ),
        required=True,
    )

    @validates_schema
    def every_rule_stands_once(self, file: dict[str, Any], **_: Any) -> None:
        """An id names one rule."""
        places: dict[str, int] = {}
        for place, rule in enumerate(file["rules"]):
            places.setdefault(rule["id"], place)
        twice = {
            place: {"id": [f"{rule['id']} is written twice."]}
            for place, rule in enumerate(file["rules"])
            if places[rule["id"]] != place
        }
        if twice:
            raise ValidationError({"rules": twice})

    @validates_schema
    def danger_words_are_an_emergency(self, file: dict[str, Any], **_: Any) -> None:
        """Texts are searched for them whatever else the rules look at, and somebody must be called."""
        urgent = (rule for rule in file["rules"] if rule["tier"] == Tier.T1)
        if not any(one.get("fact") == "danger_words" for rule in urgent for one in comparisons(rule["when"])):
            raise ValidationError("A T1 rule must ask for the fact danger_words.", "rules")

    @validates_schema
    def every_advice_exists_in_every_language(self, file: dict[str, Any], **_: Any) -> None:
        """A rule's advice must be sayable to every patient."""
        wrong: dict[str, Any] = {}
        for code, texts in file["advice"].items():
            if missing := sorted({language.value for language in Language} - set(texts)):
                wrong.setdefault("advice", {})[code] = [f"Is missing in {', '.join(missing)}."]
        for place, rule in enumerate(file["rules"]):
            if rule.get("advice") and rule["advice"] not in file["advice"]:
                wrong.setdefault("rules", {})[place] = {"advice": ["There is no advice of that name."]}
        if wrong:
            raise ValidationError(wrong)

    @validates_schema
    def every_step_can_be_told(self, file: dict[str, Any], **_: Any) -> None:
        """A patient who asks what became of a report is answered in their own language, however far it is."""
        wrong: dict[str, list[str]] = {}
        for step in (*PROGRESS, *(step for step in OF_DECISIONS if step in file["progress"])):
            texts = file["progress"].get(step, {})
            if missing := sorted({language.value for language in Language} - set(texts)):
                wrong[step] = [f"Is missing in {', '.join(missing)}."]
        if wrong:
            raise ValidationError({"progress": wrong})
