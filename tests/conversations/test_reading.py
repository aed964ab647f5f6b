"""What one text says when it says nothing else: numbers and words we act on. No database is needed."""

from datetime import UTC, datetime
from decimal import Decimal

from backend.conversations.commands import SAID_AS, template_for
from backend.conversations.reading import (
    Command,
    command_in,
    read_choice,
    read_number,
    read_temperature,
    says_yes_or_no,
)
from backend.conversations.replies import EMERGENCIES, Digit, Meaning, read
from backend.reports.progress import Progress, State
from tests.agenda.courses import the_protocol
from tests.study import triage_content

BAR = " | "
CHOICES = {
    1: "1 | １ | 1. | 1、 | （1） | (1) |  1  | 1。 | “1” | ① | ㈠ | 一 | 1️⃣ | 1\u200e | \u202b1\u202c | 1! | ١",
    2: "2 | 二 | 两 | 兩 | 2, | 2\r\n | 【2】",
    0: "0 | 零 | 〇 | 0。",
}
NUMBERS = {
    "38.5": "38.5 | 38,5 | 38。5 | ３８．５ | 38·5 | 38.5. | 三十八度五 | 三十八点五 | 三十八點五度"
    " | 38度5 | 38度半 | 38点5 | 38.5℃ | 38.5 °C | 38.5 c | 38.5度 | 38.5摄氏度"
    " | 38.5 degrees celsius | 体温38.5 | 體溫：38.5度 | Temp 38.5"
    " | temperature is 38.5 | 摄氏38.5度",
    "61": "61公斤 | 61 kg | 61千克 | 体重61 | weight: 61 kilos | 六十一公斤 | 61",
    "10": "10 | 十 | １０。",
    "102": "一百零二 | 102",
    "37.25": "37.25 | 三十七点二五",
}
KEPT_WHOLE = (
    "2 but worse at night | about 2 | 2 or 3 | 1-2 | 1/2 | 120/80 | 1 2 | 二三 | 一点 | 三点 | 一百二 | -1 | .5"
    " | 1,000 | 01 | 1000 | ½ | 101F | 122斤 | 135 lb | 2公斤 | 3度 | 体温2 | 体温38公斤 | 38.5左右 | 大概38.5 | 第2天"
    " | 2 yes | 2 🙏 | 1̶ | 2% | 十几 |  |   | 。 | \ud800 | 1\nSent from my phone"
)
COMMANDS = {
    Command.CALL: "CALL | Call me! | please call | 电话 | 電話。 | （電話） | 电 话 | 打电话 | 請給我打電話 | ｃａｌｌ",
    Command.SKIP: "skip | SKIP. | 跳过 | 跳過",
    Command.BACK: "Back | 返回 | 上一題",
    Command.LATER: "later | 以后 | 以後！",
    Command.NOT_ANSWERING: "NO | no. | 不答",
    Command.SURVEY: "Survey | 问卷 | 問卷",
    Command.LINK: "LINK | 链接 | 鏈接",
    Command.STATUS: "status? | 进度 | 進度 | “进度” | s\u200etatus",
    Command.HELP: "help | INFO | 帮助 | 幫助 | Who is this? | 你是谁？",
    Command.WRONG_NUMBER: "Wrong number | Sorry, wrong number! | You’ve got the wrong number | 你打错了"
    " | 你們發錯人了 | 号码错了 | 喂，你好，你打錯了吧 | 打错电话了。不好意思 | u have the wrong number. sorry mate",
}
NO_COMMANDS = "no pain | call me if it gets worse | status please | 电话号码 | backache"
NO_COMMANDS += " | 打错了 | 发错了 | 发错人了 | 你搞错了 | 不是我 | later I fell | STOP | 恢复"


def test_a_number_is_read_however_it_is_written():
    numbers = {text: Decimal(said) for said, texts in NUMBERS.items() for text in texts.split(BAR)}
    choices = {text: said for said, texts in CHOICES.items() for text in texts.split(BAR)}

    assert {text: read_number(text) for text in numbers} == numbers
    assert {text: read_choice(text) for text in choices} == choices
    assert [text for text in numbers if read_choice(text) is not None] == []


def test_a_number_with_anything_beside_it_or_that_could_be_two_things_is_none():
    assert [text for text in KEPT_WHOLE.split(BAR) if read_number(text) is not None] == []
    assert [text for text in KEPT_WHOLE.split(BAR) if read(text, the_protocol().words) is not Meaning.UNCLEAR] == []
    assert [read_temperature(text) for text in ("40公斤", "体重40", "40 kg", "40", "40度")] == [None] * 3 + [
        Decimal(40)
    ] * 2
    # A number, but no plain answer: it could be two answers.
    assert (read_number("2.0"), read_choice("2.0"), read_choice("1,2")) == (Decimal("2.0"), None, None)


def test_yes_and_no_are_heard_in_a_word_or_as_they_are_printed_beside_their_digits():
    yes, no = (
        "yes | Y. | 有 | 有的。 | 是 | 對 | 1 Yes | 1有 | １、有 | 1. yes",
        "NO | n | 没有 | 沒有！ | 无 | 2 No | 2没有 | 2：没有",
    )
    none = "1 no | 2有 | 1 | 2 | yes but little | 有点 | 没事 | no pain | not sure | 是不是 |  | 12 yes"

    assert {says_yes_or_no(text) for text in yes.split(BAR)} == {True}
    assert {says_yes_or_no(text) for text in no.split(BAR)} == {False}
    assert {says_yes_or_no(text) for text in none.split(BAR)} == {None}


def test_a_word_we_act_on_is_heard_in_both_languages_and_only_by_itself():
    commands = {text: command for command, texts in COMMANDS.items() for text in texts.split(BAR)}

    assert {text: command_in(text) for text in commands} == commands
    assert [text for text in NO_COMMANDS.split(BAR) if command_in(text) is not None] == []


def test_danger_and_death_come_before_every_number_and_every_word_we_act_on():
    words = the_protocol().words
    rings = [
        "38.5 吐血",
        "体温39度，喘不过气",
        "1 bleeding",
        "call me I am bleeding",
        "吐\u200b血 2",
        "\u202eI am ble\u00adeding",
    ]

    assert [text for text in rings if read(text, words) not in EMERGENCIES] == []
    assert read("1 他去世了", words) is Meaning.DEATH
    assert (read("一", words), read("进度", words)) == (Digit(1), Command.STATUS)


def test_every_word_of_progress_has_its_text_and_however_it_was_decided_the_text_is_one():
    words = [word for word in triage_content()["progress"] if not word.startswith("correction_")]
    states = [next((state for state in State if word.startswith(state)), State.SEEN) for word in words]
    moment = datetime(2027, 3, 1, tzinfo=UTC)

    told = [template_for(Progress(state, word, moment)) for state, word in zip(states, words, strict=True)]

    assert set(told) == set(SAID_AS.values())
    assert told.count(SAID_AS[State.DECIDED]) == 3
