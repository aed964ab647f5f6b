"""Agenda items as an iCalendar file (RFC 5545): pure, and without a word that says what the patient has.

Whoever glances at a calendar on a kitchen table learns that somebody goes to a hospital or answers questions, and no
more. Everything is a whole day without a zone: the day of a visit is the hospital's, and the phone's own midnight
must not move it. The alarm stands six hours before that day begins where the phone is, at 18:00 the day before.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from icalendar import Alarm, Calendar, Event, vDuration, vText

from backend.agenda.calendar import AT_THE_SITE, visible_to_patient
from backend.agenda.course import AgendaItem
from backend.terms import AgendaKind, AgendaState, Language
from notifications.templates import load_templates, render

PRODUCT = "-//followup//agenda//EN"
ASK_AGAIN_AFTER = timedelta(hours=4)
ALARM_BEFORE_THE_DAY = timedelta(hours=6)

# Which text of the catalogue names an item. Visits, scans and infusions look alike on purpose.
WORDS: Mapping[AgendaKind, str] = {
    AgendaKind.VISIT: "calendar_visit",
    AgendaKind.INFUSION: "calendar_visit",
    AgendaKind.ASSESSMENT: "calendar_questions",
    AgendaKind.SURVIVAL_CHECK: "calendar_questions",
    AgendaKind.CONTACT: "calendar_call",
}
REMINDED = frozenset({AgendaState.CONFIRMED, AgendaState.NOT_YET_OPEN, AgendaState.OPEN})


@dataclass(frozen=True)
class Edition:
    """Which state of an agenda a file shows.

    ``revision`` counts the acts that changed the agenda, and calendar programs go by it; ``changed_at`` is when the
    last of them was; ``written_at`` is when this file is made.
    """

    revision: int
    changed_at: datetime
    written_at: datetime


def calendar_text(
    items: Iterable[AgendaItem],
    *,
    language: Language,
    uid_of: Callable[[str], str],
    edition: Edition,
    rings: bool = True,
) -> str:
    """The file's text, lines folded at 75 octets and ended by CRLF.

    ``uid_of`` gives the lasting name of an agenda key, which must say nothing about whose it is. Infusions that are
    not confirmed are left out whatever ``items`` holds, and so are cancelled ones the patient was never told of.
    Without ``rings`` no event has an alarm.
    """
    calendar = _empty(language)
    for item in visible_to_patient(items):
        event = _event(item, language, uid_of(item.key), edition)
        if rings and item.kind in AT_THE_SITE and item.state in REMINDED:
            event.add_component(_alarm(language, item.kind))
        calendar.add_component(event)
    return _text(calendar)


def nothing(language: Language) -> str:
    """A calendar without events, at which programs remove what they showed. It does not say why."""
    return _text(_empty(language))


def _empty(language: Language) -> Calendar:
    name = _word("calendar_name", language)
    calendar = Calendar()
    calendar.add("PRODID", PRODUCT)
    calendar.add("VERSION", "2.0")
    calendar.add("CALSCALE", "GREGORIAN")
    calendar.add("METHOD", "PUBLISH")
    calendar.add("NAME", name)
    calendar.add("X-WR-CALNAME", name)
    calendar.add("REFRESH-INTERVAL", vDuration(ASK_AGAIN_AFTER), parameters={"VALUE": "DURATION"})
    calendar.add("X-PUBLISHED-TTL", vDuration(ASK_AGAIN_AFTER))
    return calendar


def _event(item: AgendaItem, language: Language, uid: str, edition: Edition) -> Event:
    changed_at = max(edition.changed_at, item.completed_at or edition.changed_at)
    event = Event()
    event.add("UID", uid)
    event.add("SEQUENCE", edition.revision)
    event.add("DTSTAMP", _whole_seconds(edition.written_at))
    event.add("LAST-MODIFIED", _whole_seconds(changed_at))
    event.add("DTSTART", item.due_on)
    event.add("DTEND", item.due_on + timedelta(days=1))
    event.add("SUMMARY", vText(_word(WORDS[item.kind], language)), parameters={"LANGUAGE": language.value})
    event.add("STATUS", "CANCELLED" if item.state is AgendaState.CANCELLED else "CONFIRMED")
    event.add("CLASS", "PRIVATE")
    # A day of a hospital visit does not make its owner unavailable to whoever plans a meeting.
    event.add("TRANSP", "TRANSPARENT")
    return event


def _alarm(language: Language, kind: AgendaKind) -> Alarm:
    alarm = Alarm()
    alarm.add("ACTION", "DISPLAY")
    alarm.add("DESCRIPTION", vText(_word(WORDS[kind], language)))
    alarm.add("TRIGGER", -ALARM_BEFORE_THE_DAY)
    return alarm


def _text(calendar: Calendar) -> str:
    text: bytes = calendar.to_ical()
    return text.decode()


def _word(template: str, language: Language) -> str:
    return render(load_templates()[template], language, {}, signed=False)


def _whole_seconds(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)
