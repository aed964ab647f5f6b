"""Text messages through a gateway of approved templates, as providers in mainland China require.

It takes no words: only the number of a template it has approved, the values in order, and the registered name that it
puts in front. Our attempt's id goes along as ``out_id``, by which the gateway can be asked, exactly, what became of an
attempt. It calls nobody back: reports and replies are fetched, and told to be kept here once they are.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from backend.template_account import TemplateAccount
from backend.terms import Language
from notifications.channels import (
    Absent,
    Accepted,
    CannotTell,
    Envelope,
    Refusal,
    Sighting,
    Sought,
    Undeliverable,
)
from notifications.channels.calls import SECONDS_FOR_AN_ANSWER, Unanswered, Unreached
from notifications.channels.template_wire import Answered, Wire
from notifications.inbound import ReceivedText
from notifications.numbers import as_it_came
from notifications.receipts import ReceiptFromProvider, Said
from notifications.template_map import TemplateMap, read_template_map
from notifications.templates import Template, holds_an_address, spoken_values

UNREACHABLE = "template_unreachable"
NOT_MAPPED, TOO_LONG, ADDRESS_IN_TEXT = "template_not_mapped", "parameter_too_long", "address_in_text"
# Carriers there take no text with an address in it, so nobody asks them.
NO_ADDRESSES_TO = "+86"
TAKEN_AT_ONCE = 100

REFUSALS: Mapping[str, Refusal] = {
    # Our account, our clock or our name: the same for every message.
    "APP_UNKNOWN": Refusal.CONFIGURATION,
    "APP_SUSPENDED": Refusal.CONFIGURATION,
    "BAD_SIGNATURE": Refusal.CONFIGURATION,
    "STALE_TIMESTAMP": Refusal.CONFIGURATION,
    "ADDRESS_NOT_ALLOWED": Refusal.CONFIGURATION,
    "INSUFFICIENT_BALANCE": Refusal.CONFIGURATION,
    "DAILY_QUOTA_USED": Refusal.CONFIGURATION,
    "SIGN_NAME_UNKNOWN": Refusal.CONFIGURATION,
    # One text of ours: it is tried again while somebody sees to it, and then is a task. The others go on, pages too.
    "TEMPLATE_UNKNOWN": Refusal.TRANSIENT,
    "TEMPLATE_NOT_APPROVED": Refusal.TRANSIENT,
    "PARAMETERS_MISMATCH": Refusal.TRANSIENT,
    # Once this message is shorter it may go; the next one goes as it is.
    "PARAMETER_TOO_LONG": Refusal.FINAL,
    "NUMBER_MALFORMED": Refusal.NUMBER_OF_NO_USE,
    "NUMBER_NOT_MOBILE": Refusal.NUMBER_OF_NO_USE,
    "NUMBER_UNASSIGNED": Refusal.NUMBER_OF_NO_USE,
    "NUMBER_FLOW_LIMIT": Refusal.NOT_PROCESSED,
    "APP_FLOW_LIMIT": Refusal.NOT_PROCESSED,
    "429": Refusal.NOT_PROCESSED,
    "NUMBER_BLACKLISTED": Refusal.OPTED_OUT,
    "NUMBER_UNSUBSCRIBED": Refusal.OPTED_OUT,
    "CONTENT_REFUSED": Refusal.FILTERED,
    "PHONE_OFF": Refusal.TRANSIENT,
    "CARRIER_BUSY": Refusal.TRANSIENT,
    "CARRIER_TIMEOUT": Refusal.TRANSIENT,
}
# It says no, and may have the message all the same: an error of its own, or a repetition of what it knows.
LEAVES_IN_DOUBT = frozenset({"SYSTEM_ERROR", "DUPLICATE_OUT_ID", "REPLAYED_NONCE"})
# It keeps no records from so long ago.
TOO_LONG_AGO = "QUERY_TOO_OLD"

APPROVED = "APPROVED"
STATES = {"SENT": Said.SENT, "DELIVERED": Said.DELIVERED, "FAILED": Said.FAILED}


# What the gateway calls one thing that it tells, as it must be said back to it.
Name = str | int


@dataclass(frozen=True)
class Report:
    """What the gateway says later of one attempt; nothing in ``receipt`` if it cannot be one of ours.

    ``row`` is all that stood in its list, and ``kept_as`` the same for the same row. Nothing in ``id``: it has no name.
    """

    id: Name | None
    kept_as: str
    row: Any
    receipt: ReceiptFromProvider | None


@dataclass(frozen=True)
class Reply:
    """A text that somebody wrote to our code; nothing in ``text`` if it could not be read. The rest as in a report."""

    id: Name | None
    kept_as: str
    row: Any
    text: ReceivedText | None


class TemplateGateway:
    """The gateway ``template``."""

    looks_to_be_sure = 2

    def __init__(
        self,
        account: TemplateAccount,
        templates: Mapping[str, Template],
        template_map: TemplateMap,
        *,
        seconds_between_looks: float = 60.0,
        seconds_for_an_answer: float = SECONDS_FOR_AN_ANSWER,
    ) -> None:
        """``templates`` are those that texts are rendered from, and ``template_map`` was read for them."""
        self.gateway = f"template:{account.app_id}"
        self.seconds_between_looks = seconds_between_looks
        self._sign_name = account.sign_name
        self._templates, self._map = templates, template_map
        self._wire = Wire(account, seconds_for_an_answer)

    def send(self, envelope: Envelope, attempt_id: UUID) -> Accepted:
        """Hand it over. Raises ``Undeliverable`` when the gateway certainly does not have it, else ``Unanswered``."""
        until = self._wire.speak_now_or_never()
        said = {
            "out_id": str(attempt_id),
            "phone": envelope.address,
            "sign_name": self._sign_name,
            **self._in_its_terms(envelope),
        }
        try:
            answer = self._wire.ask("/sms/send", said, until=until)
        except Answered as refusal:
            if refusal.code in LEAVES_IN_DOUBT:
                raise Unanswered(refusal.code) from None
            raise _refused(refusal.code) from None
        except Unreached:
            raise Undeliverable(UNREACHABLE, Refusal.TRANSIENT) from None
        if answer.get("out_id") != str(attempt_id) or not _is_id(answer.get("biz_id")):
            raise Unanswered("no id of ours")
        return Accepted(answer["biz_id"])

    def find(self, sought: Sought) -> Sighting:
        """Ask for our own id. Raises ``Unanswered`` or ``Answered`` when there was no answer, to be asked again."""
        try:
            answer = self._wire.ask("/sms/query", {"out_id": str(sought.attempt_id)})
        except Answered as refusal:
            if refusal.code == TOO_LONG_AGO:
                return CannotTell()
            raise
        found = answer.get("messages")
        if not isinstance(found, list):
            raise Unanswered("no list")
        if not found:
            return Absent()
        if len(found) > 1 or not _is_of(found[0], sought.attempt_id):
            return CannotTell()
        return Accepted(found[0]["biz_id"], delivered=found[0].get("state") == "DELIVERED")

    def differences(self) -> list[str]:
        """Where a telephone would show other words than ours: what the gateway approved is compared with our texts."""
        numbers = [mapped.id for mapped in self._map.entries.values()]
        rows = self._wire.ask("/sms/templates", {"template_ids": numbers}).get("templates")
        if not isinstance(rows, list):
            raise Unanswered("no list")
        known = {row.get("template_id"): row for row in rows if isinstance(row, dict)}
        told = []
        for (name, language), mapped in self._map.entries.items():
            row = known.get(mapped.id, {})
            ours = as_registered(self._templates[name], language, mapped.parameters)
            if row.get("state") != APPROVED:
                told.append(f"{name} in {language} is not approved")
            elif row.get("text") != ours:
                told.append(f"{name} in {language} reads otherwise")
        return told

    def reports(self, most: int = TAKEN_AT_ONCE) -> Sequence[Report]:
        """What it says of earlier messages and was not yet told to be kept here; it says the same again until then."""
        return [_report(row) for row in self._listed("/sms/reports", "reports", most)]

    def keep_reports(self, ids: Sequence[Name]) -> None:
        """Tell it that these are kept here."""
        self._wire.ask("/sms/reports/kept", {"report_ids": list(ids)})

    def replies(self, most: int = TAKEN_AT_ONCE) -> Sequence[Reply]:
        """Texts to our code that it was not yet told to be kept here."""
        return [_reply(row) for row in self._listed("/sms/replies", "replies", most)]

    def keep_replies(self, ids: Sequence[Name]) -> None:
        """Tell it that these are kept here."""
        self._wire.ask("/sms/replies/kept", {"reply_ids": list(ids)})

    def _in_its_terms(self, envelope: Envelope) -> dict[str, Any]:
        """Which of its templates, and the values in its order, as they will stand in the text. Cuts nothing off."""
        mapped = self._map.entries.get((envelope.template, envelope.language))
        if mapped is None:
            raise Undeliverable(NOT_MAPPED, Refusal.FINAL)
        if envelope.address.startswith(NO_ADDRESSES_TO) and holds_an_address(envelope.text):
            raise Undeliverable(ADDRESS_IN_TEXT, Refusal.FINAL)
        spoken = spoken_values(self._templates[envelope.template], envelope.language, envelope.values)
        if any(len(value) > self._map.longest_parameter for value in spoken.values()):
            raise Undeliverable(TOO_LONG, Refusal.FINAL)
        return {"template_id": mapped.id, "parameters": [spoken[name] for name in mapped.parameters]}

    def _listed(self, path: str, name: str, most: int) -> list[Any]:
        """Everything in the list, also what cannot be read."""
        rows = self._wire.ask(path, {"limit": most}).get(name)
        if not isinstance(rows, list):
            raise Unanswered("no list")
        return rows


def gateway_for(
    account: TemplateAccount, templates: Mapping[str, Template], *, seconds_between_looks: float = 60.0
) -> TemplateGateway:
    """The account's gateway, with its map. Raises ``BadTemplate`` when the map does not fit the templates."""
    listed = read_template_map(account.map_file, templates)
    return TemplateGateway(account, templates, listed, seconds_between_looks=seconds_between_looks)


def as_registered(template: Template, language: Language, parameters: Sequence[str]) -> str:
    """Our text as the gateway has it: without the name in front, and with ``{1}``, ``{2}`` for the values in order."""
    return template.texts[language].format(**{name: f"{{{position}}}" for position, name in enumerate(parameters, 1)})


def why_refused(code: str) -> Refusal:
    """The class of one of its codes. One that nobody has classed is ``UNKNOWN``."""
    return REFUSALS.get(code, Refusal.UNKNOWN)


def _refused(code: str) -> Undeliverable:
    return Undeliverable(code, why_refused(code))


def _is_id(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= 128 and value.isprintable()


def _is_of(row: object, attempt_id: UUID) -> bool:
    return isinstance(row, dict) and row.get("out_id") == str(attempt_id) and _is_id(row.get("biz_id"))


def _named(row: Any, key: str) -> tuple[Name | None, str]:
    """What the gateway calls it, and under which id it is kept here: for what has an odd name or none, its digest."""
    said = row.get(key) if isinstance(row, dict) else None
    name = said if isinstance(said, str | int) and not isinstance(said, bool) else None
    whole = json.dumps(row, sort_keys=True).encode()
    # The id is the gateway's own, and another gateway may have counted the same.
    return name, f"template-{name if _is_id(name) else hashlib.sha256(whole).hexdigest()}"


def _report(row: Any) -> Report:
    return Report(*_named(row, "report_id"), row, _receipt(row) if isinstance(row, dict) else None)


def _receipt(row: Mapping[str, Any]) -> ReceiptFromProvider | None:
    state, code = STATES.get(str(row.get("state"))), row.get("error_code")
    try:
        attempt_id = UUID(str(row.get("out_id")))
    except ValueError:
        return None
    if state is None or not _is_id(row.get("biz_id")):
        return None
    code = code if _is_id(code) else None
    why = why_refused(code or "") if state is Said.FAILED else None
    return ReceiptFromProvider(attempt_id, state, row["biz_id"], code, why)


def _reply(row: Any) -> Reply:
    name, kept_as = _named(row, "reply_id")
    return Reply(name, kept_as, row, _text(row, kept_as) if isinstance(row, dict) else None)


def _text(row: Mapping[str, Any], kept_as: str) -> ReceivedText | None:
    number, words, to = row.get("phone"), row.get("text"), row.get("to")
    if not isinstance(number, str) or not number.strip() or not isinstance(words, str):
        return None
    return ReceivedText(kept_as, as_it_came(number), as_it_came(to) if isinstance(to, str) else "", words)
