"""Making requests from the document and sending them, one route after another and then in the order of its links."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import count
from random import Random
from typing import Any

import hypothesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Flaky, FlakyStrategyDefinition, Unsatisfiable
from schemathesis import Case, GenerationMode
from schemathesis.schemas import BaseSchema

from tests.fuzz.bodies import borrow
from tests.fuzz.places import Places
from tests.fuzz.tally import Tally

STEPS = 10
STORIES_IN_A_TURN = 20
SHARE_OF_STORIES = 5

Send = Callable[[Case], Any]


class Fuzzer:
    """One seed's requests."""

    def __init__(self, schema: BaseSchema, places: Places, tally: Tally, send: Send, seed: int) -> None:
        self._schema = schema
        self._places = places
        self._tally = tally
        self._send = send
        self._luck = Random(seed)
        self._seed = seed

    def run(self, cases: int) -> None:
        """At least as many requests as that, a fifth of them in stories."""
        enough = self._tally.cases + cases
        operations = [one.ok() for one in self._schema.get_all_operations()]
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            each = max(1, (cases - cases // SHARE_OF_STORIES) // (2 * len(operations)))
            for operation in operations:
                self._all_of(operation.as_strategy(generation_mode=mode), each)
        # Some routes have less in them to get wrong than their share.
        self._stories(max(cases // SHARE_OF_STORIES, enough - self._tally.cases))

    def _all_of(self, strategy: Any, number: int) -> None:
        @hypothesis.seed(self._seed)
        @_settings(max_examples=number)
        @given(strategy)
        def each(case: Case) -> None:
            self._make_likely(case)
            self._ask(case)

        # A route without parameters or body has nothing in it to get wrong.
        with suppress(Unsatisfiable):
            each()

    def _stories(self, number: int) -> None:
        fuzzer = self

        class Story(self._schema.as_state_machine()):  # type: ignore[misc]
            """What one answer gives is used in the next request."""

            def before_call(self, case: Case) -> None:
                fuzzer._make_likely(case, addressed=bool(self.bundles))

            def call(self, case: Case, **_: Any) -> Any:
                return fuzzer._ask(case)

            def validate_response(self, *_: Any, **__: Any) -> None:
                """The tally has done so."""

        enough = self._tally.cases + number
        for turn in count():
            if self._tally.cases >= enough:
                return
            hypothesis.seed(self._seed * 1_000 + turn)(Story)
            # What the server answers is not Hypothesis' to repeat, and it complains when it notices.
            with suppress(FlakyStrategyDefinition, Flaky):
                Story.run(settings=_settings(max_examples=STORIES_IN_A_TURN, stateful_step_count=STEPS))

    def _make_likely(self, case: Case, *, addressed: bool = False) -> None:
        """Somebody asks who may, for what exists, with a body that nearly could be: half the time."""
        label = case.operation.label
        case.headers = {name: value for name, value in (case.headers or {}).items() if name != "Authorization"}
        who = self._places.someone(label)
        if who:
            case.headers |= who.headers
        if not addressed and self._luck.random() < 0.6:
            named = set(case.path_parameters or {})
            case.path_parameters = {**(case.path_parameters or {}), **self._places.ids_for(label, who, named)}
        if label == "PATCH /api/v1/patients/{patient_id}" and self._luck.random() < 0.5:
            case.headers["If-Match"] = f'"{self._luck.randint(1, 4)}"'
        case.body = borrow(label, case.body, self._luck)
        self._who = who

    def _ask(self, case: Case) -> Any:
        response = self._send(case)
        self._tally.note(case, response)
        if self._who:
            self._places.learn(case.operation.label, self._who, response.status_code)
        return response


def _settings(**more: Any) -> settings:
    return settings(
        database=None, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck), **more
    )


def shares(cases: int, seeds: list[int]) -> Iterator[tuple[int, int]]:
    """How many requests each seed makes."""
    for place, seed in enumerate(seeds):
        yield seed, cases // len(seeds) + (place < cases % len(seeds))
