"""Where a request's processor time goes: named functions are timed, each without those called within it."""

import functools
import importlib
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

# Step, module, and the name under which that module calls the function (or a class and its method). Whatever a
# named function calls that is not named itself counts with it.
STEPS: Sequence[tuple[str, str, str]] = (
    ("whose token", "backend.api.requests", "_who_is_asking"),
    ("body: parse, check its shape", "backend.api.bodies", "BodyParser.parse"),
    ("the patient, in turn", "backend.access", "own_patient"),
    ("the patient, in turn", "backend.reports.submit", "take_turn"),
    ("fingerprint of the body", "backend.reports.submit", "_canonical"),
    ("answers held to the instrument", "backend.reports.submit", "_instrument"),
    ("answers held to the instrument", "backend.reports.submit", "check_answers"),
    ("the patient's course read", "backend.reports.submit", "course_to_place"),
    ("place on the agenda", "backend.reports.submit", "place_report"),
    ("history: earlier reports", "backend.reports.submit", "circumstances_of"),
    ("assess", "backend.reports.submit", "assess"),
    ("advice", "backend.reports.submit", "advice_on"),
    ("candidates", "backend.reports.submit", "open_candidates"),
    ("agenda told, reminders recalled", "backend.reports.submit", "_tell_the_agenda"),
    ("evidence of life", "backend.reports.submit", "_note_life"),
    ("audit entries", "backend.audit", "record"),
    ("audit entries", "backend.audit", "note"),
    ("insert (flush)", "sqlalchemy.orm.session", "Session.flush"),
    ("commit", "backend.db", "Transaction.finish"),
    ("answer", "schemas.reports", "SubmittedOut.dump"),
    ("submit_report itself", "backend.api.reports", "submit_report"),
)
IN_THE_APPLICATION = "Flask: routing, hooks, answer"
AROUND_IT = "the server around the application"
ORDER = tuple(dict.fromkeys(name for name, _, _ in STEPS)) + (IN_THE_APPLICATION, AROUND_IT)


class Steps:
    """Processor seconds by step, since the last ``begin``."""

    def __init__(self) -> None:
        self._own: dict[str, float] = {}
        self._lock = threading.Lock()
        self._open = threading.local()
        self._begun = 0.0

    def begin(self) -> None:
        """From zero."""
        with self._lock:
            self._own = dict.fromkeys(ORDER, 0.0)
        self._begun = time.process_time()

    def taken(self) -> dict[str, float]:
        """By step; what the process used outside every step is the server's own."""
        whole = time.process_time() - self._begun
        with self._lock:
            own = dict(self._own)
        own[AROUND_IT] = max(0.0, whole - sum(own.values()))
        return own

    def put_in_place(self, app: Any) -> None:
        """Time the application and every named function from now on."""
        app.wsgi_app = self.timed(IN_THE_APPLICATION, app.wsgi_app)
        for name, module, path in STEPS:
            *owners, last = path.split(".")
            owner = functools.reduce(getattr, owners, importlib.import_module(module))
            setattr(owner, last, self.timed(name, getattr(owner, last)))

    def timed(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The same function; its time goes to ``name``, less what goes to the steps within it."""

        @functools.wraps(function)
        def measured(*arguments: Any, **named: Any) -> Any:
            within = self._stack()
            within.append(0.0)
            begun = time.thread_time()
            try:
                return function(*arguments, **named)
            finally:
                spent = time.thread_time() - begun
                self._note(name, spent - within.pop())
                if within:
                    within[-1] += spent

        return measured

    def _stack(self) -> list[float]:
        if not hasattr(self._open, "within"):
            self._open.within = []
        stack: list[float] = self._open.within
        return stack

    def _note(self, name: str, seconds: float) -> None:
        with self._lock:
            self._own[name] = self._own.get(name, 0.0) + seconds
