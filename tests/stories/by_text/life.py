"""A patient's life in the study, by text message alone, on a clock that moves: what is done on which day, by whom.

Every life is the same: what happens stands in ``diary``. What a network does to the texts must leave no trace in it.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from datetime import time as HourOfDay
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from backend import clock, demo_clock
from backend.app import create_app
from backend.conversation_terms import TextSurveys
from backend.db import Database, system
from backend.jobs import work_of
from backend.staff.models import Site
from backend.terms import ChannelKind, MessageStatus
from backend.web.demo_steps import AT_A_NEW_DAY, look_ahead
from notifications.models import Message
from tests import people
from tests.databases import KEYRING, settings_of
from tests.stories.by_text.networks import Network
from tests.stories.by_text.outcome import Outcome, outcome_of
from tests.stories.by_text.person import Mood, Person, Stuck, about
from tests.triage.called import staff

API = "/api/v1"
ZONE = "Asia/Shanghai"
BEGINS = datetime.fromisoformat("2027-03-01T08:00:00+08:00")
FIRST_NUMBER, SECOND_NUMBER = "+8613800138011", "+8613800138012"
SISTER = {"name": "吴梅", "phone": "+8613800138013", "relation": "sister", "may_report": False}
BY_TEXT: dict[str, Any] = {
    "arm": "control",
    "language": "zh-CN",
    "channels": ["sms"],
    "preferred_time": "09:30",
    "consented_on": "2027-02-28",
    "randomised_on": "2027-03-01",
    "caregivers": [SISTER | {"may_confirm_survival": True}],
}
# From randomisation to the relative's text: what the suite lives, and what the command does.
QUARTER, YEAR = 100, 371
A_WHILE = timedelta(minutes=15)
# Nobody answers more questions at one sitting.
MOST_AT_A_SITTING = 60
SECONDS_FOR_A_RECEIPT = 20.0
# What a worker does at once when a text comes in, and when something is due.
AT_A_TEXT = ("understand", "dispatch")
ON_THE_WAY = ("see_to_surveys", "escalate", "dispatch")
TEST = system("test")


@dataclass
class Hospital:
    """The server, its database and its clock, and a coordinator who is on call."""

    db: Database
    network: Network
    client: Any
    ticker: Any
    coordinator: dict[str, str]

    def read(self, path: str) -> Any:
        answer = self.client.get(f"{API}{path}", headers=self.coordinator)
        assert answer.status_code == 200, f"{path}: {answer.text}"
        return answer

    def send(self, path: str, body: Any, *, method: str = "POST", expected: int = 201, **headers: str) -> Any:
        answer = self.client.open(f"{API}{path}", method=method, json=body, headers=self.coordinator | headers)
        assert answer.status_code == expected, f"{path} {body}: {answer.text}"
        return answer.json

    def move_to(self, moment: datetime) -> None:
        """Whatever falls due on the way happens, as when a demo's clock is moved.

        But for the beginnings of days and the hours at which silence is noticed: at the end all of that is made up
        for, and a story comes by every day.
        """
        with self.ticker.exclusive():
            while (reached := clock.now()) < moment:
                demo_clock.move_to(self.db, max(reached, min(moment, look_ahead(self.db, reached).first)))
                self.act(AT_A_NEW_DAY if clock.now() >= moment else ON_THE_WAY)

    def wait_a_while(self) -> None:
        """So long that what no webhook told has been fetched."""
        self.move_to(clock.now() + A_WHILE)
        self.network.catch_up(self.ticker)
        self.act()

    def asks(self, extent: TextSurveys) -> None:
        """So much is asked by text from now on."""
        with self.db.transaction(TEST) as txn:
            txn.session.scalars(select(Site).where(Site.code == "site-01")).one().text_surveys = extent

    def act(self, jobs: Sequence[str] = AT_A_TEXT) -> None:
        """What a worker does every few seconds, or less often."""
        for job in jobs:
            self.ticker.run(job)
        self.hear_of_everything()

    def hear_of_everything(self) -> None:
        """Wait until the provider has told what became of every text: patients answer later than that."""
        under_way = select(func.count(Message.id)).where(
            Message.channel == ChannelKind.SMS, Message.status.in_((MessageStatus.SENT, MessageStatus.SENDING))
        )
        ends = time.monotonic() + SECONDS_FOR_A_RECEIPT
        while time.monotonic() < ends:
            with self.db.reading(TEST) as txn:
                if not txn.session.scalar(under_way):
                    return
            time.sleep(0.01)
        raise Stuck("Some texts were accepted, and nothing more is heard of them.")


@contextmanager
def a_hospital(url: str, home: Path, network: Network) -> Iterator[Hospital]:
    """On this database; its clock says Monday morning. Only trial time moves: a provider's clock is the real one."""
    clock.move_to(BEGINS)
    settings = network.fitted(settings_of(url, home))
    db = Database(url, KEYRING, threads=8, outlives_power_cuts=False)
    app = create_app(settings, db)
    network.serve(app, db)
    made = Hospital(db, network, app.test_client(), app.extensions["followup_ticker"], people.coordinator(db).headers)
    now, somebody = clock.now(), staff(work_of(db, replace(settings)))
    shift = {"staff_id": str(somebody.id), "from": now.isoformat(), "to": (now + timedelta(days=399)).isoformat()}
    made.send("/sites/site-01/on-call", {"shifts": [shift]}, method="PUT", expected=200)
    try:
        yield made
    finally:
        db.close()
        clock.set_ahead(timedelta(0))


class Life:
    """One patient, the phone in their hand, and the coordinator who looks after them."""

    def __init__(self, hospital: Hospital, **enrolled: Any) -> None:
        self.hospital = hospital
        self.number = FIRST_NUMBER
        self.patient = Person(birth_year=1961)
        enrolment = people.enrolment_body(**BY_TEXT | enrolled, phone=FIRST_NUMBER)
        self.id = UUID(hospital.send("/patients", enrolment)["id"])
        # What was read at the phone, what came back at once on a text of one's own, and what nobody answered.
        self.read: list[str] = []
        self.answers_to: dict[str, list[str]] = {}
        self.left_in_silence: list[str] = []

    def feels(self, **mood: Any) -> None:
        """From now on."""
        self.patient.mood, self.patient.answered = Mood(**mood), 0

    def looks(self) -> None:
        """Takes the phone in hand, reads what has come, and answers until nothing more is asked."""
        self._goes_on(self._news())

    def writes(self, text: str) -> list[str]:
        """What came back; where nothing does, a patient waits for a while and looks again."""
        self.hospital.network.write(self.number, text)
        self.hospital.act()
        news = self._news()
        if not news:
            self.hospital.wait_a_while()
            news = self._news()
        self.answers_to[text] = list(news)
        if not news:
            self.left_in_silence.append(text)
        return news

    def writes_and_goes_on(self, text: str) -> None:
        """A text of one's own, about what has come, and whatever it leads to."""
        self._news()
        self._goes_on(self.writes(text))

    def writes_of_danger(self, text: str) -> None:
        """The coordinator sees it as soon as it is known."""
        self.writes(text)
        self.is_seen_to()

    def is_seen_to(self) -> None:
        """Somebody takes note of everything that waits."""
        for one in self.hospital.read("/candidate-events?site=site-01&status=proposed").json["items"]:
            self.hospital.send(f"/candidate-events/{one['id']}/acknowledgements", {})

    def looks_and_is_seen_to(self) -> None:
        """The same after a questionnaire."""
        self.looks()
        self.is_seen_to()

    def attends(self, key: str) -> None:
        body = {"status": "attended", "on": clock.local_day(clock.now(), ZONE).isoformat()}
        self.hospital.send(f"/patients/{self.id}/agenda/{key}/attendance", body, expected=200)

    def changes_the_number(self) -> None:
        """Tells the coordinator, and has another telephone from now on."""
        where = f"/patients/{self.id}"
        tag = {"If-Match": self.hospital.read(where).headers["ETag"]}
        self.hospital.send(where, {"phone": SECOND_NUMBER}, method="PATCH", expected=200, **tag)
        self.hospital.act()
        self.answers_to["on the old telephone"] = self._news()
        self.number = SECOND_NUMBER
        self.looks()

    def _news(self) -> list[str]:
        news = self.hospital.network.fresh(self.number)
        self.read += news
        return list(news)

    def _goes_on(self, waiting: list[str]) -> None:
        """Of what has come, the newest that wants an answer comes first; a second text about the same needs none."""
        for _ in range(MOST_AT_A_SITTING):
            text, answer = self._next_to_answer(waiting)
            if answer is None:
                return
            waiting = [one for one in waiting if about(one) != about(text)] + self.writes(answer)
        raise Stuck(f"So many questions, and no end: {self.read[-5:]}")

    def _next_to_answer(self, waiting: list[str]) -> tuple[str, str | None]:
        while waiting:
            text = waiting.pop()
            answer = self.patient.answer_to(text)
            if answer is not None:
                return text, answer
        return "", None


Entry = tuple[int, str, Callable[[Life], object]]


@dataclass(frozen=True)
class Lived:
    """A life that is over: what it left in the record, what its patient read and got back, and how much there was."""

    outcome: Outcome
    answers_to: Mapping[str, list[str]]
    left_in_silence: Sequence[str]
    last_read: Sequence[str]
    figures: Mapping[str, int]


def lived(url: str, home: Path, network: Network, *, days: int, full: range) -> Lived:
    """A whole life on a database of its own."""
    with a_hospital(url, home, network) as hospital:
        life = live(hospital, days=days, full=full)
        outcome = outcome_of(hospital.db, life.id)
        figures = {
            "texts received": len(outcome["texts that came in"]),
            "texts sent": sum(" < " in line for line in outcome["lines"]),
            "reports": len(outcome["reports"]),
            **network.figures(),
        }
        return Lived(outcome, life.answers_to, life.left_in_silence, life.read[-3:], figures)


def live(hospital: Hospital, *, days: int, full: range) -> Life:
    """A whole life: ``days`` from randomisation to the relative's message, and three weeks of silence after it.

    On the days that are ``full`` the hospital asks for every symptom by text; on others one question stands for all.
    """
    hospital.asks(TextSurveys.FULL if 0 in full else TextSurveys.SHORT)
    life = Life(hospital)
    live_by(life, diary(days, full))
    return life


def live_by(life: Life, entries: Iterable[Entry]) -> None:
    """Day by day. Raises ``Stuck``, with the day, where the patient does not know what to do."""
    for day, hour, act in sorted(entries, key=lambda entry: entry[:2]):
        try:
            if hour:
                life.hospital.move_to(clock.at_local(_day(day), HourOfDay.fromisoformat(hour), ZONE))
            act(life)
        except Stuck as stuck:
            raise Stuck(f"On day {day} at {hour} ({_day(day)}): {stuck}") from stuck


def diary(days: int, full: range) -> Iterator[Entry]:
    """Which day after randomisation, at what hour, what is done; without an hour, before anything else of the day."""
    yield full.start, "", lambda life: life.hospital.asks(TextSurveys.FULL)
    yield full.stop, "", lambda life: life.hospital.asks(TextSurveys.SHORT)
    yield from ((day, "09:40", Life.looks) for day in range(7, min(days, 85), 7) if _is_looked_at(day))
    yield from ((day, "11:30", Life.looks) for day in range(days) if _is_looked_at(day))
    yield from (entry for entry in EVENTS if entry[0] < days)
    yield days, "12:00", lambda life: life.writes("他昨天晚上去世了")
    yield days + 21, "12:00", Life.looks


def _is_looked_at(day: int) -> bool:
    return day % 7 in DAYS_OF_LOOKING and day not in QUIET_DAYS


def _feels(**mood: Any) -> Callable[[Life], object]:
    return lambda life: life.feels(**mood)


def _writes(text: str) -> Callable[[Life], object]:
    return lambda life: life.writes_and_goes_on(text)


def _day(number: int) -> date:
    return clock.local_day(BEGINS, ZONE) + timedelta(days=number)


# Of a week that begins with the day of the questionnaire: a reminder of the next day is read, or one of two days ago.
DAYS_OF_LOOKING = frozenset({0, 1, 2, 4})
# The phone lies in a drawer.
QUIET_DAYS = frozenset({22, 36, 37, 39, 84})
EVENTS: tuple[Entry, ...] = (
    (7, "", _feels(symptoms={"恶心": 2, "痛": 1})),
    (14, "", _feels(temperature="３７。２", overall=3)),
    # Begun, put away for two days, and finished when the third prompt comes.
    (21, "", _feels(patience=2)),
    (23, "", _feels()),
    (31, "15:00", lambda life: life.attends("visit.m1")),
    # Begun, forgotten, and taken up again by one's own wish.
    (35, "", _feels(patience=1)),
    (39, "", _feels()),
    (39, "12:00", _writes("问卷")),
    (42, "", _feels(temperature="三十六度八")),
    (45, "12:00", lambda life: life.writes_of_danger("我刚才吐血了，好多")),
    (51, "12:00", lambda life: life.writes("TD")),
    (59, "12:00", lambda life: life.writes("恢复")),
    (60, "", _feels(comes_to_visits=False)),
    (62, "15:00", lambda life: life.attends("visit.m2")),
    (63, "", _feels()),
    (65, "12:00", Life.changes_the_number),
    (70, "", _feels(has_a_sign=True)),
    (70, "09:45", Life.is_seen_to),
    (71, "", _feels()),
    (79, "12:00", _writes("进度")),
    (84, "09:40", _writes("不答")),
    (95, "15:00", lambda life: life.attends("visit.m3")),
    (186, "15:00", lambda life: life.attends("visit.m6")),
    (275, "15:00", lambda life: life.attends("visit.m9")),
    (367, "15:00", lambda life: life.attends("visit.m12")),
)
