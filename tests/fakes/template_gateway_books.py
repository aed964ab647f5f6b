"""What the fake gateway of templates knows: an account, its approved templates, what it took, and what it has to tell.

It goes by what is written in notifications/channels/template_wire.py and shares no code with it.
"""

import hashlib
import hmac
import itertools
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

APP_ID, SECRET, SIGN_NAME = "app-7", "the fake gateway's secret".replace(" ", "-"), "仁和随访"
MAINLAND_MOBILE = re.compile(r"\+861[3-9]\d{9}")
PLACE = re.compile(r"\{(\d+)\}")
LONGEST_PARAMETER = 500


class No(Exception):
    """A refusal with one of the gateway's codes."""


@dataclass
class Faults:
    """What goes wrong, as switched by request.

    ``next`` are taken one by one by requests to their ``on``. ``reports`` is ``now``, ``late`` (until released) or
    ``never``; ``failing`` holds numbers and the code of their failure; a ``window`` of 0 believes every clock.
    """

    next: list[dict[str, Any]] = field(default_factory=list)
    reports: str = "now"
    doubled: bool = False
    failing: dict[str, str] = field(default_factory=dict)
    window: float = 300.0


@dataclass
class Books:
    """Everything. Whoever reads or changes it holds the lock."""

    app_id: str = APP_ID
    secret: str = SECRET
    sign_names: list[str] = field(default_factory=lambda: [SIGN_NAME])
    templates: dict[str, dict[str, str]] = field(default_factory=dict)
    taken: dict[str, dict[str, Any]] = field(default_factory=dict)
    reports: list[dict[str, Any]] = field(default_factory=list)
    held_back: list[dict[str, Any]] = field(default_factory=list)
    replies: list[dict[str, Any]] = field(default_factory=list)
    # How often each was listed before it was said to be kept.
    told: dict[str, int] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    nonces: set[str] = field(default_factory=set)
    faults: Faults = field(default_factory=Faults)
    numbers: Any = field(default_factory=lambda: itertools.count(1))
    lock: threading.Lock = field(default_factory=threading.Lock)

    def check(self, path: str, headers: Mapping[str, str], body: bytes) -> None:
        """Whose request it is, and that nobody altered, repeated or kept it."""
        app, at, once = (headers.get(name, "") for name in ("X-App-Id", "X-Timestamp", "X-Nonce"))
        if app != self.app_id:
            raise No("APP_UNKNOWN")
        said = "\n".join(["POST", path, app, at, once, hashlib.sha256(body).hexdigest()])
        right = hmac.new(self.secret.encode(), said.encode(), hashlib.sha256).hexdigest()
        if not hmac.compare_digest(right, headers.get("X-Signature", "")):
            raise No("BAD_SIGNATURE")
        if not at.isdecimal() or (self.faults.window and abs(time.time() - int(at)) > self.faults.window):
            raise No("STALE_TIMESTAMP")
        if once in self.nonces:
            raise No("REPLAYED_NONCE")
        self.nonces.add(once)

    def fault_for(self, path: str) -> dict[str, Any] | None:
        """The next one that is meant for it, once less."""
        for fault in self.faults.next:
            if fault["on"] == path:
                fault["times"] = fault.get("times", 1) - 1
                if fault["times"] <= 0:
                    self.faults.next.remove(fault)
                return fault
        return None

    def answer(self, path: str, said: dict[str, Any]) -> dict[str, Any]:
        """One request that is believed."""
        doors: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "/sms/send": self.send,
            "/sms/query": self.query,
            "/sms/templates": self.listed_templates,
            "/sms/reports": lambda asked: {"reports": self._listed(self.reports, "report_id", asked)},
            "/sms/replies": lambda asked: {"replies": self._listed(self.replies, "reply_id", asked)},
            "/sms/reports/kept": lambda asked: self._kept(self.reports, "report_id", asked["report_ids"]),
            "/sms/replies/kept": lambda asked: self._kept(self.replies, "reply_id", asked["reply_ids"]),
        }
        if path not in doors:
            raise No("PATH_UNKNOWN")
        return {"code": "OK", "message": "done", **doors[path](said)}

    def send(self, said: dict[str, Any]) -> dict[str, Any]:
        """Takes a message if everything about it is as registered."""
        if set(said) != {"out_id", "phone", "sign_name", "template_id", "parameters"}:
            raise No("FIELDS_MISMATCH")
        if said["sign_name"] not in self.sign_names:
            raise No("SIGN_NAME_UNKNOWN")
        if not MAINLAND_MOBILE.fullmatch(said["phone"]):
            raise No("NUMBER_MALFORMED")
        if said["out_id"] in self.taken:
            raise No("DUPLICATE_OUT_ID")
        text = f"【{said['sign_name']}】" + self._filled_in(said["template_id"], said["parameters"])
        biz_id = f"biz-{next(self.numbers):06}"
        self.taken[said["out_id"]] = {**said, "biz_id": biz_id, "text": text, "state": "SENT", "at": time.time()}
        if self.faults.reports != "never":
            self._report(self.taken[said["out_id"]])
        return {"biz_id": biz_id, "out_id": said["out_id"]}

    def query(self, said: dict[str, Any]) -> dict[str, Any]:
        """What it took under that id."""
        row = self.taken.get(said["out_id"])
        return {"messages": [{name: row[name] for name in ("biz_id", "out_id", "state")}] if row else []}

    def listed_templates(self, said: dict[str, Any]) -> dict[str, Any]:
        """Those that it knows, as it approved them."""
        known = [number for number in said["template_ids"] if number in self.templates]
        return {"templates": [{"template_id": number, **self.templates[number]} for number in known]}

    def write(self, phone: str, text: str, to: str) -> str:
        """Somebody writes to our code."""
        reply_id = f"reply-{next(self.numbers):06}"
        self.replies.append({"reply_id": reply_id, "phone": phone, "text": text, "to": to})
        return reply_id

    def release(self) -> None:
        """Late reports come now."""
        self.reports.extend(self.held_back)
        self.held_back.clear()

    def _filled_in(self, number: str, parameters: Any) -> str:
        template = self.templates.get(number)
        if template is None:
            raise No("TEMPLATE_UNKNOWN")
        if template["state"] != "APPROVED":
            raise No("TEMPLATE_NOT_APPROVED")
        places = {int(place) for place in PLACE.findall(template["text"])}
        if not isinstance(parameters, list) or places != set(range(1, len(parameters) + 1)):
            raise No("PARAMETERS_MISMATCH")
        if not all(isinstance(value, str) and value for value in parameters):
            raise No("PARAMETERS_MISMATCH")
        if any(len(value) > LONGEST_PARAMETER for value in parameters):
            raise No("PARAMETER_TOO_LONG")
        return PLACE.sub(lambda place: parameters[int(place[1]) - 1], template["text"])

    def _report(self, row: dict[str, Any]) -> None:
        code = self.faults.failing.get(row["phone"])
        state = "FAILED" if code else "DELIVERED"
        row["state"] = state
        said = {"biz_id": row["biz_id"], "out_id": row["out_id"], "state": state, "error_code": code}
        where = self.held_back if self.faults.reports == "late" else self.reports
        for _ in range(2 if self.faults.doubled else 1):
            where.append({"report_id": f"report-{next(self.numbers):06}", **said})

    def _listed(self, rows: list[dict[str, Any]], key: str, asked: dict[str, Any]) -> list[dict[str, Any]]:
        some = rows[: asked["limit"]]
        for row in some:
            self.told[row.get(key, "")] = self.told.get(row.get(key, ""), 0) + 1
        return some

    def _kept(self, rows: list[dict[str, Any]], key: str, ids: list[str]) -> dict[str, Any]:
        rows[:] = [row for row in rows if row.get(key) not in ids]
        return {}
