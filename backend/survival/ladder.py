"""The ladder as a rule: whom to ask next, and when somebody who was never found is lost. Pure.

App, text and the caregiver's text are the mailroom's, on the days that the protocol names. From there people go on:
the patient on three different days, then two proxies, then the referring physician, then records and registries.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from backend.agenda.days import plus_months
from backend.contact_terms import PROXIES, SEARCHED, ContactOutcome, ContactPerson, LadderStep

DAYS_WITH_THE_PATIENT = 3
PROXIES_ASKED = 2
MONTHS_WITHOUT_NEWS = 24
ROUNDS = 2
IN_VAIN = frozenset({ContactOutcome.NO_ANSWER, ContactOutcome.WRONG_NUMBER, ContactOutcome.REACHED_NO_INFORMATION})


@dataclass(frozen=True)
class Try:
    """An attempt by a person. ``who`` tells two people of one kind apart; ``on`` is the day where the patient lives."""

    at: datetime
    on: date
    person: ContactPerson
    outcome: ContactOutcome
    who: str = ""

    @property
    def was_in_vain(self) -> bool:
        """Whether nothing was learnt. A patient who refuses has been found; others who refuse have told nothing."""
        if self.outcome is ContactOutcome.REFUSED:
            return self.person is not ContactPerson.PATIENT
        return self.outcome in IN_VAIN


@dataclass
class Round:
    """How far one round has come: each step counts only after the step before it is complete."""

    days: dict[date, None] = field(default_factory=dict)
    proxies: dict[tuple[str, date], None] = field(default_factory=dict)
    physician_on: date | None = None

    @property
    def step(self) -> LadderStep:
        """What comes next; after the physician, records."""
        if len(self.days) < DAYS_WITH_THE_PATIENT:
            return LadderStep.CALL_PATIENT
        if len(self.proxies) < PROXIES_ASKED:
            return LadderStep.CALL_CAREGIVER
        return LadderStep.ASK_PHYSICIAN if self.physician_on is None else LadderStep.SEARCH_RECORDS

    def take(self, one: Try) -> None:
        """Count an attempt in vain, if it is of the step that the round is at. One proxy may be asked on two days."""
        if self.step is LadderStep.CALL_PATIENT and one.person is ContactPerson.PATIENT:
            self.days[one.on] = None
        elif self.step is LadderStep.CALL_CAREGIVER and one.person in PROXIES:
            self.proxies[one.who, one.on] = None
        elif self.step is LadderStep.ASK_PHYSICIAN and one.person is ContactPerson.PHYSICIAN:
            self.physician_on = one.on


def rounds_of(tries: Iterable[Try]) -> list[Round]:
    """The rounds that these attempts made up, in order; the last may not be complete."""
    rounds = [Round()]
    for one in sorted(tries, key=lambda one: one.at):
        if not one.was_in_vain:
            continue
        if rounds[-1].physician_on is not None and one.person not in SEARCHED:
            rounds.append(Round())
        rounds[-1].take(one)
    return rounds


def next_step(tries: Sequence[Try]) -> LadderStep | None:
    """Whom to ask next about a check, by what was tried since it opened; None: all was tried, until the next check."""
    if was_searched(tries):
        return None
    first = rounds_of(tries)[0]
    return first.step


def was_searched(tries: Iterable[Try]) -> bool:
    """Whether records or a registry were looked into, and told nothing."""
    return any(one.person in SEARCHED and one.was_in_vain for one in tries)


def missing_to_be_lost(tries: Iterable[Try], known_alive: date) -> tuple[str, ...]:
    """What is missing before a patient last known alive on ``known_alive`` is lost, in plain words; empty: nothing.

    Lost to follow-up are those for whom at least two whole rounds failed since then, the first attempt of the first
    and the physician of the last 24 months or more apart. Messages without an answer make no round.
    """
    rounds = rounds_of(one for one in tries if one.on > known_alive)
    whole = [one for one in rounds if one.physician_on is not None]
    missing = []
    if len(whole) < ROUNDS:
        missing.append(f"Whole failed rounds: {len(whole)} of {ROUNDS}.")
    if rounds[-1].physician_on is None and len(whole) < ROUNDS:
        missing += _missing_of(rounds[-1])
    if whole:
        since, until = next(iter(whole[0].days)), whole[-1].physician_on
        enough_on = plus_months(since, MONTHS_WITHOUT_NEWS)
        if until is not None and until < enough_on:
            missing.append(
                f"The rounds began on {since.isoformat()}; one must end on {enough_on.isoformat()} or later."
            )
    return tuple(missing)


def _missing_of(current: Round) -> list[str]:
    """What the round under way still needs."""
    days, proxies = DAYS_WITH_THE_PATIENT - len(current.days), PROXIES_ASKED - len(current.proxies)
    needed = []
    if days:
        needed.append(f"Attempts to reach the patient, each on another day: {days} more.")
    if proxies:
        needed.append(f"Then attempts with proxies: {proxies} more.")
    needed.append("Then the referring physician.")
    return needed
