"""What came of the requests: how many, where to, what was answered, and what should not have been."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from schemathesis import Case, checks
from schemathesis.core.failures import Failure, FailureGroup

SERVER_ERRORS, UNDOCUMENTED, VIOLATIONS = "server errors", "undocumented", "schema violations"
KINDS = (SERVER_ERRORS, UNDOCUMENTED, VIOLATIONS)
SHOWN_OF_A_KIND = 8

checks.load_all_checks()
CHECKS = [
    check
    for check in checks.CHECKS.get_all()
    if check.__name__ in ("content_type_conformance", "response_headers_conformance", "response_schema_conformance")
]


@dataclass
class Tally:
    """Counts, and one example of each sort of failure."""

    cases: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    reached: dict[str, Counter[int]] = field(default_factory=dict)
    failures: dict[str, Counter[str]] = field(default_factory=lambda: {kind: Counter() for kind in KINDS})
    examples: dict[str, str] = field(default_factory=dict)

    def note(self, case: Case, response: Any, **transport: Any) -> None:
        """Count an answer and hold it to the document."""
        self.cases += 1
        self.statuses[response.status_code] += 1
        self.reached.setdefault(case.operation.label, Counter())[response.status_code] += 1
        for kind, what in _complaints(case, response, transport):
            name = f"{case.operation.label}: {what}"
            self.failures[kind][name] += 1
            self.examples.setdefault(name, _how(case, response))

    def views_reached(self) -> list[str]:
        """Routes of which at least one request got as far as a success."""
        return [label for label, seen in self.reached.items() if any(status < 400 for status in seen)]

    @property
    def is_clean(self) -> bool:
        """Whether nothing came back that should not have."""
        return not any(self.failures.values())

    def lines(self) -> Iterator[str]:
        """One figure a line; the verdict last."""
        yield f"cases {self.cases}"
        yield f"routes {len(self.reached)}"
        yield f"routes with a success {len(self.views_reached())}"
        for label in sorted(self.reached.keys() - set(self.views_reached())):
            yield f"never a success {label} {dict(sorted(self.reached[label].items()))}"
        for status, times in sorted(self.statuses.items()):
            yield f"status {status} {times}"
        for kind, counted in self.failures.items():
            for name, times in counted.most_common(SHOWN_OF_A_KIND):
                yield f"{kind} {times} {name}\n    {self.examples[name]}"
        yield "  ".join(f"{kind} {sum(self.failures[kind].values())}" for kind in KINDS)


def _complaints(case: Case, response: Any, transport: dict[str, Any]) -> Iterator[tuple[str, str]]:
    status = response.status_code
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR and status != HTTPStatus.SERVICE_UNAVAILABLE:
        yield SERVER_ERRORS, str(status)
    # "default" would cover anything; the document has to name what a route can give.
    if str(status) not in case.operation.definition.raw["responses"]:
        yield UNDOCUMENTED, str(status)
    try:
        case.validate_response(response, checks=CHECKS, transport_kwargs=transport or None)
    except FailureGroup as group:
        for failure in group.exceptions:
            assert isinstance(failure, Failure)
            yield VIOLATIONS, f"{status} {failure.title}: {' '.join(failure.message.split())[:300]}"


def _how(case: Case, response: Any) -> str:
    """A command that sends the same again. The token in it is one of a database that is already gone."""
    return case.as_curl_command(headers=dict(response.request.headers))
