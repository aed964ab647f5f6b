"""The calendar file: by the letter of RFC 5545, and without a word that says what the patient has."""

import hashlib
import re
from collections.abc import Iterable
from datetime import UTC, datetime

import pytest

from backend.agenda.calendar import AgendaItem
from backend.agenda.ics import Edition, calendar_text, nothing
from backend.terms import AgendaState, Attendance, CycleStatus, Language
from tests.agenda.courses import THREE_CYCLES, at, calendar, cycle
from tests.agenda.ics_reading import Component, read

EDITION = Edition(7, datetime(2027, 1, 31, 1, 30, 0, 999, UTC), datetime(2027, 2, 1, 2, 0, 0, 5, UTC))
ARMS = {"nk": THREE_CYCLES, "control": ()}
SAYS_TOO_MUCH = re.compile(
    r"cancer|carcinoma|tumou?r|liver|hepat|\bnk\b|cell|infus|sorafenib|lenvatinib|regorafenib|trial|study|drug|treat"
    "|safety|surviv|scan|nct|weekly|cycle"
    "|癌|肿瘤|肝|细胞|输注|试验|研究|药|治疗|安全|生存|影像|周期|尼",
    re.IGNORECASE,
)


def uid(key: str) -> str:
    """A name that says as little as a keyed hash."""
    return hashlib.sha256(key.encode()).hexdigest()[:32]


def written(items: Iterable[AgendaItem], language: Language = Language.ENGLISH, *, rings: bool = True) -> Component:
    """The file, read back."""
    return read(calendar_text(items, language=language, uid_of=uid, edition=EDITION, rings=rings))


def event(items: Iterable[AgendaItem], key: str) -> Component:
    """The one event of this agenda item."""
    (found,) = [one for one in written(items).all("VEVENT") if one.values["UID"] == uid(key)]
    return found


@pytest.mark.parametrize("language", list(Language))
@pytest.mark.parametrize("arm", ARMS)
def test_a_file_of_five_years_keeps_every_rule_of_the_format(arm: str, language: Language) -> None:
    items = calendar(arm=arm, cycles=ARMS[arm]).values()

    file = written(items, language)

    assert {name: file.values[name] for name in ("VERSION", "PRODID", "METHOD", "CALSCALE")} == {
        "VERSION": "2.0",
        "PRODID": "-//followup//agenda//EN",
        "METHOD": "PUBLISH",
        "CALSCALE": "GREGORIAN",
    }
    assert (file.values["REFRESH-INTERVAL;VALUE=DURATION"], file.values["X-PUBLISHED-TTL"]) == ("PT4H", "PT4H")
    events = file.all("VEVENT")
    assert len(events) == len(items)
    assert len({one.values["UID"] for one in events}) == len(events)
    wanted = {"UID", "SEQUENCE", "DTSTAMP", "LAST-MODIFIED", "STATUS", "DTSTART;VALUE=DATE", "DTEND;VALUE=DATE"}
    assert all(wanted <= one.values.keys() for one in events)


@pytest.mark.parametrize("language", list(Language))
@pytest.mark.parametrize("arm", ARMS)
def test_no_word_says_what_the_patient_has_or_is_given(arm: str, language: Language) -> None:
    items = calendar(arm=arm, cycles=ARMS[arm]).values()

    text = calendar_text(items, language=language, uid_of=uid, edition=EDITION)

    # Without line ends inside words: what is folded is looked at as it is read.
    assert SAYS_TOO_MUCH.findall(text.replace("\r\n ", "")) == []


def test_words_are_in_the_readers_language() -> None:
    items = calendar(cycles=THREE_CYCLES).values()

    english = {one.values["SUMMARY;LANGUAGE=en"] for one in written(items).all("VEVENT")}
    chinese = {one.values["SUMMARY;LANGUAGE=zh-CN"] for one in written(items, Language.CHINESE).all("VEVENT")}

    assert english == {"Visit at the hospital", "Questions about how you are", "A call from your team"}
    assert chinese == {"去医院", "回答关于近况的几个问题", "随访小组来电"}


def test_an_event_is_the_whole_day_of_the_site_wherever_the_phone_is() -> None:
    items = calendar(cycles=THREE_CYCLES, patient_zone="America/New_York").values()

    infusion = event(items, "cycle-1.day-1")

    assert (infusion.values["DTSTART;VALUE=DATE"], infusion.values["DTEND;VALUE=DATE"]) == ("20270216", "20270217")
    assert infusion.values["DTSTAMP"] == "20270201T020000Z"
    assert (infusion.values["LAST-MODIFIED"], infusion.values["SEQUENCE"]) == ("20270131T013000Z", "7")


def test_visits_and_infusions_ring_at_six_the_evening_before_and_nothing_else_rings() -> None:
    events = written(calendar(cycles=THREE_CYCLES).values()).all("VEVENT")

    ringing = {one.values["SUMMARY;LANGUAGE=en"] for one in events if one.all("VALARM")}
    alarms = [alarm.values for one in events for alarm in one.all("VALARM")]

    assert ringing == {"Visit at the hospital"}
    # The day is floating and so is its alarm: six hours before midnight by the phone's own clock.
    assert all((one["ACTION"], one["TRIGGER"]) == ("DISPLAY", "-PT6H") for one in alarms)
    assert alarms


def test_what_is_over_does_not_ring() -> None:
    visited = {"visit.m1": (Attendance.ATTENDED, at("2027-02-28 09:00").date())}

    visit = event(calendar("2027-03-01 09:00", attended=visited).values(), "visit.m1")

    assert visit.all("VALARM") == []


def test_nothing_rings_while_contact_is_held() -> None:
    events = written(calendar(cycles=THREE_CYCLES).values(), rings=False).all("VEVENT")

    assert events
    assert not any(one.all("VALARM") for one in events)


def test_a_planned_infusion_is_not_in_the_file_even_if_it_is_handed_over() -> None:
    items = calendar(cycles=(cycle(1, "2027-02-01", status=CycleStatus.PLANNED, was_confirmed=False),))

    uids = {one.values["UID"] for one in written(items.values()).all("VEVENT")}

    assert items["cycle-1.day-1"].state is AgendaState.PLANNED
    assert uid("cycle-1.day-1") not in uids
    assert len(uids) == len(items) - 2


@pytest.mark.parametrize(("was_told", "events"), [(True, ["CANCELLED"]), (False, [])])
def test_a_failed_release_is_a_cancelled_event_for_whom_was_told_and_none_for_others(
    was_told: bool, events: list[str]
) -> None:
    failed = cycle(1, "2027-02-01", status=CycleStatus.RELEASE_FAILED, was_confirmed=was_told)
    items = calendar("2027-02-14 09:00", cycles=(failed,)).values()

    found = [one for one in written(items).all("VEVENT") if one.values["UID"] == uid("cycle-1.day-1")]

    assert [one.values["STATUS"] for one in found] == events
    assert not any(one.all("VALARM") for one in found)


def test_what_was_answered_since_is_modified_since() -> None:
    answered = at("2027-02-08 09:00")

    events = calendar("2027-02-09 09:00", answered={"weekly.w1": answered}).values()

    assert event(events, "weekly.w1").values["LAST-MODIFIED"] == f"{answered:%Y%m%dT%H%M%SZ}"
    assert event(events, "weekly.w2").values["LAST-MODIFIED"] == "20270131T013000Z"


def test_long_lines_are_folded_between_letters_and_signs_of_the_format_are_escaped() -> None:
    items = calendar().values()

    def long(key: str) -> str:
        return "随访" * 40 + f", {key}; \\ and\nmore"

    text = calendar_text(items, language=Language.CHINESE, uid_of=long, edition=EDITION)

    assert text.count("\r\n ") >= 3 * len(items)
    assert {one.values["UID"] for one in read(text).all("VEVENT")} == {long(item.key) for item in items}


@pytest.mark.parametrize("language", list(Language))
def test_an_empty_calendar_says_nothing(language: Language) -> None:
    file = read(nothing(language))

    assert file.within == []
    assert file.values["METHOD"] == "PUBLISH"
