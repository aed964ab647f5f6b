"""Examples for the API's document, taken down while the story of every writing route is really told.

What differs from run to run (ids, tokens, codes) is replaced by something of the same kind that does not, so that
the kept file changes only when the API does.
"""

import itertools
import json
import re
from collections.abc import Iterator
from random import Random
from typing import Any
from uuid import UUID

from flask import Flask

from backend.api.document import operation_id
from backend.api.permissions import TABLE
from tests.promises.test_audit import API, Step, Story

ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# With a capital or a digit somewhere, as chance has it: the name of an operation may be as long.
TOKEN = re.compile(r"(?<![\w-])(?=[\w-]*[A-Z0-9])[\w-]{40,}(?![\w-])")
REQUEST = re.compile(r"(?<![0-9a-f.])[0-9a-f]{16}(?![0-9a-f])")
NUMBERED = re.compile(r"\.\d+@example\.org")
MOST_ITEMS = 2
LONGEST = 400
# A secret of the run, wherever it stands; an example shows one of the same kind.
SECRETS: dict[str, Any] = {
    "qr_svg": "<svg xmlns='http://www.w3.org/2000/svg' version='1.1'>…</svg>",
    "link": "http://127.0.0.1:8000/app#activate=ABCDE23456",
    "next_cursor": "WyIwMS0wMDAyIl0",
    "secret": "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",
    "otpauth_uri": "otpauth://totp/Followup:you%40hospital.example?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Followup",
    "recovery_codes": ["7K2QM-9XWPD", "H4TGB-2RNE6"],
    "totp": "287082",
}
CODE = "ABCDE23456"
CODED = {"post_auth_activations", "post_patients_activation_codes"}


class Recording:
    """What was sent and what came back, by operation; of several answers with one status, the longest."""

    def __init__(self) -> None:
        self.kept: dict[str, Any] = {}

    def hear(self, operation: str, body: Any, answer: Any) -> None:
        """Take down one exchange that succeeded."""
        entry = self.kept.setdefault(operation, {"responses": {}})
        if body is not None:
            entry.setdefault("request", body)
        if answer.is_json and answer.data:
            before = entry["responses"].get(str(answer.status_code))
            if before is None or len(json.dumps(answer.json)) > len(json.dumps(before)):
                entry["responses"][str(answer.status_code)] = answer.json

    def page(self) -> str:
        """The file as it is kept."""
        settled = {name: _without_secrets(entry, name) for name, entry in sorted(self.kept.items())}
        text = json.dumps(settled, ensure_ascii=False, indent=1, sort_keys=True)
        text = NUMBERED.sub("@example.org", text)
        for pattern, alike in ((ID, _id), (TOKEN, _token), (REQUEST, _request)):
            found = {one: alike(number) for number, one in enumerate(dict.fromkeys(pattern.findall(text)))}
            text = pattern.sub(lambda match, found=found: found[match[0]], text)
        return text + "\n"


def record(story: Story, app: Flask, bodies: dict[str, Any] | None = None) -> tuple[Recording, list[Any]]:
    """Tell the story, reading everything at the end of each chapter; what was heard, and what was refused.

    ``bodies`` are sent in the place of the story's own, but for what only this run can know.
    """
    recording, refused = Recording(), []
    for endpoint, method, path, body, headers in _exchanges(story, app):
        named = operation_id(next(app.url_map.iter_rules(endpoint)), method)
        sent = body if bodies is None or body is None else _alive(bodies[named]["request"], body)
        answer = story.client.open(path, method=method, json=sent, headers=headers)
        if answer.status_code >= 300:
            refused.append((named, answer.status_code, answer.get_data(as_text=True)[:300]))
        recording.hear(named, sent, answer)
    return recording, refused


def _exchanges(story: Story, app: Flask) -> Iterator[Step]:
    """The story's own steps; before the token of somebody ends, and at the end, everything is read."""
    for step in story.steps():
        if step[0] in ("survival.Confirmations", "patients.ActivationCodes"):
            yield from _everything_read(story, app)
        yield step


def _everything_read(story: Story, app: Flask) -> Iterator[Step]:
    for rule in app.url_map.iter_rules():
        if "GET" in TABLE.get(rule.endpoint, {}) or rule.endpoint.startswith("health."):
            path = rule.build(_values(story, rule.endpoint, rule.arguments))[1]
            yield rule.endpoint, "GET", path, None, _reader(story, rule.rule)


def _reader(story: Story, path: str) -> dict[str, str]:
    if f"{path}/".startswith(f"{API}/me/"):
        return story.phone
    if path.startswith(f"{API}/concordance"):
        return story.physician
    return story.chief if path.startswith(f"{API}/staff") else story.staff


def _values(story: Story, endpoint: str, names: set[str]) -> dict[str, Any]:
    """What stands in an address, of the people of the story."""
    known = {
        "patient_id": lambda: story.ann.id,
        "report_id": lambda: story.first(f"/patients/{story.ann.id}/reports", story.staff),
        "candidate_id": lambda: story.first("/candidate-events", story.staff),
        "inbound_id": story.text,
        "event_id": lambda: story.first("/adverse-events", story.staff),
        "staff_id": lambda: story.person.id,
        "site": lambda: "site-01",
        "name": lambda: "ad_hoc",
        "code": lambda: "10021428",
        "number": lambda: 1,
    }
    return {name: known[name]() for name in names}


def _alive(kept: Any, live: Any) -> Any:
    """The kept body with this run's secrets and ids in their places, which are those that the recorder replaced."""
    if isinstance(kept, dict) and isinstance(live, dict):
        return {name: _alive(value, live.get(name)) for name, value in kept.items()}
    if isinstance(kept, list) and isinstance(live, list):
        return [_alive(one, other) for one, other in itertools.zip_longest(kept, live[: len(kept)])]
    return live if _is_replaced(kept, live) else kept


def _is_replaced(kept: Any, live: Any) -> bool:
    texts = isinstance(kept, str) and isinstance(live, str)
    return texts and (
        kept == CODE or kept in SECRETS.values() or any(one.search(live) for one in (ID, TOKEN, NUMBERED))
    )


def _without_secrets(part: Any, operation: str) -> Any:
    """Shortened, and with secrets replaced by others like them."""
    if isinstance(part, list):
        return [_without_secrets(one, operation) for one in part[:MOST_ITEMS]]
    if isinstance(part, str):
        return part if len(part) <= LONGEST else part[:LONGEST] + "…"
    if not isinstance(part, dict):
        return part
    shown = {name: _without_secrets(inner, operation) for name, inner in part.items()}
    shown |= {name: told for name, told in SECRETS.items() if shown.get(name)}
    if operation in CODED and "code" in shown:
        shown["code"] = CODE
    return shown


def _id(number: int) -> str:
    return str(UUID(int=Random(number).getrandbits(128), version=4))


def _token(number: int) -> str:
    return f"{Random(number).getrandbits(160):040x}"


def _request(number: int) -> str:
    return f"{Random(number).getrandbits(64):016x}"
