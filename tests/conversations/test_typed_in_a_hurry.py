"""Texts as an ill person of seventy or a relative types them: slips, dialect, full width, dictation. And what is none.

Chosen from three hundred that were judged by hand, each also put through the webhook in every state of a conversation.
"""

from backend.conversations import printed
from backend.conversations.reading import (
    Command,
    begins_with_yes,
    command_in,
    read_number,
    read_score,
    tells_of_fever,
)
from backend.conversations.replies import EMERGENCIES, Digit, Meaning, read
from backend.conversations.strangers import says_wrong_number
from notifications.opt_outs import keyword_in
from notifications.templates import load_templates
from tests.free_text.figures import shipped_words

BAR = " | "
RINGS = (
    "救命！！！ | 憋气 | 胸口闷得慌 | 喘不上來氣 | 氣上不來 | 透唔到气 | 老头子抽风了怎么办 | 怎么推都推不醒 | 昏了过去"
    " | 人糊涂了 | 土血 | 吐出来都是血 | 屙黑屎 | 大便跟墨汁一样黑 | 尿是红的 | 我快不行了 | 帮我叫救护车"
    " | ＳＯＳ | 2没有 但是拉黑便"
    " | help me | Help! Please help | s o s | can t breathe | cant breeth | fighting for air | my chest is very tight"
    " | he is fitting | unconcious | theres blood in the bowl | motions are black | I'm dying | fell and cant get up"
    " | I want to end it | 1 but coughing blood | no bleeding"
)
RINGS_FOR_NOBODY = (
    "帮我改个时间 | 女儿心疼我 | 出去转转 | 抽了好多血去化验 | 坐120路车来行吗 | 闷热睡不好 | 心里憋屈 | 头有点晕"
    " | 爬楼就喘"
    " | thanks for your help | I need help with the form | I can't go on Thursday | feel sick, my blood pressure is low"
    " | who I am seeing tomorrow? | a stroke of luck | is the mask a good fit | breathing is better"
)
FOR_A_PERSON = "1还好就是腿肿 | 2/4 | 2级 | 10分 | 三四 | 我选1 | 停药了 | 打错了 | 打错了是2 | 发错人了 | 不是我"
FOR_A_PERSON += (
    " | fine | 1 fine | option 1 | grade 2 | 1 👍 | please stop | oops wrong number I meant 2 | call me tomorrow"
)
ITS_WORDS = {
    "survival_check": {
        1: "还好 | 1还好 | １ 還好。 | ①还好 | 1、还好！ | well | 1 = well | 1, Well.",
        3: "3请来电 | 3 call me",
    },
    "visit_reminder": {1: "能来 | 1 = coming", 2: "2想改期 | please change"},
}
NOT_ITS_WORDS = (
    "2还好 | 13还好 | 还好吧 | 还好？ | 还好，谢谢 | well... | well? | fine | 1 fine | coming | 1能来 | 好 | 1"
)


def test_a_cry_for_help_and_a_danger_are_heard_however_they_are_typed_and_everyday_words_are_not():
    words = shipped_words()

    assert [text for text in RINGS.split(BAR) if read(text, words) not in EMERGENCIES] == []
    assert [text for text in RINGS_FOR_NOBODY.split(BAR) if read(text, words) in EMERGENCIES] == []
    # By itself it asks for our number, which the answer gives beside that of the ambulance.
    assert {read(text, words) for text in ("HELP", "Help!", "帮助", "幫助。")} == {Command.HELP}


def test_what_is_a_cry_only_by_itself_is_none_among_other_words():
    alone, words = (
        ("EMERGENCY!", "ambulance", "fit", "I need help", "打120", "急救", "不行了", "没反应"),
        shipped_words(),
    )

    assert {text: read(text, words) for text in alone} == dict.fromkeys(alone, Meaning.DANGER)
    beside = (
        "it is no emergency number",
        "shoes do not fit",
        "I need help with the form",
        "吃了药没反应",
        "这手机不行了",
    )
    assert [text for text in beside if read(text, words) is not Meaning.UNCLEAR] == []


def test_no_text_of_ours_that_a_telephone_sends_back_raises_the_alarm():
    """The answer to words of danger is said as often as they are written: an echo would go on for ever."""
    said = [text for one in load_templates().values() if one.is_text_message for text in one.texts.values()]
    echoed = [text.replace("{phone}", phone) for text in said for phone in ("120", "+86 10 6693 1000")]

    assert [text for text in echoed if read(text, shipped_words()) is not Meaning.UNCLEAR] == []


def test_a_death_is_heard_in_both_ways_of_writing_chinese_and_in_softer_words():
    deaths = (
        "媽媽過世了",
        "我媽沒了",
        "老头子走了",
        "他病逝了",
        "He's gone.",
        "Dad has passed",
        "he is no longer with us",
    )

    assert {text: read(text, shipped_words()) for text in deaths} == dict.fromkeys(deaths, Meaning.DEATH)


def test_what_could_be_two_things_is_for_a_person():
    texts = FOR_A_PERSON.split(BAR)

    assert {text: read(text, shipped_words()) for text in texts} == dict.fromkeys(texts, Meaning.UNCLEAR)
    assert [text for text in texts if says_wrong_number(text) or keyword_in(text) or read_score(text)] == []
    assert [read(text, shipped_words()) for text in ("1！", "一。", "两")] == [Digit(1), Digit(1), Digit(2)]


def test_the_word_that_is_printed_beside_a_digit_is_that_digit_and_no_other_word_is():
    for template, said in ITS_WORDS.items():
        found = {text: printed.digit_meant(text, printed.words_of(template)) for text in _all(said)}
        assert found == _all(said)
    survival = printed.words_of("survival_check")
    assert [text for text in NOT_ITS_WORDS.split(BAR) if printed.digit_meant(text, survival) is not None] == []
    # Every text that asks for digits prints a word of its own beside each, in each language.
    asking = {
        name for name, one in load_templates().items() if any("3 = call me" in text for text in one.texts.values())
    }
    assert asking >= {"survival_check", "visit_reminder", "infusion_reminder", "infusion_confirmed", "infusion_moved"}
    assert {name: len(printed.words_of(name)) for name in asking} == {
        name: 4 if name == "survival_check" else 6 for name in asking
    }
    assert printed.words_of("thanks_reply") == printed.words_of("no such text") == {}


def _all(said: dict[int, str]) -> dict[str, int]:
    return {text: digit for digit, texts in said.items() for text in texts.split(BAR)}


def test_a_word_that_stands_beside_two_digits_is_neither():
    words = printed.printed([(0, "None"), (1, "Some"), (2, "some")])

    assert (printed.digit_meant("none", words), printed.digit_meant("some", words)) == (0, None)
    assert printed.digit_meant("2 some", words) is None


def test_points_are_a_score_and_grades_minutes_and_points_of_ten_are_none():
    assert [read_score(text) for text in ("2分", "２ 分。", "两分", "零分", "三分", "0分")] == [2, 2, 2, 0, 3, 0]
    others = ("2级", "2/4", "2分钟", "10分", "2分吧", "2.5分", "2", "分", "二三分")
    assert [text for text in others if read_score(text) is not None] == []


def test_a_fever_in_a_word_is_a_temperature_and_among_other_words_a_person_reads_it_first():
    plain = ("发烧38.5", "燒到38度5", "高烧，38.5", "体温有38.5度", "fever 38.5", "I have a temp of 38.5")
    assert {str(read_number(text)) for text in plain} == {"38.5"}
    told = ("昨晚烧到39度", "my temp went up to 38.6 in the night", "半夜发热三十九度多", "发烧39，吃了药")
    others = ("发烧3天", "血压138/90，体温正常", "体温36.8，别的没什么", "38床", "fever for 2 days", "39")
    assert [text for text in told if read_number(text) is not None or not tells_of_fever(text)] == []
    assert [text for text in others if tells_of_fever(text)] == []


def test_a_yes_with_more_beside_it_begins_as_a_yes():
    assert [begins_with_yes(text) for text in ("有，头疼得厉害", "1，有黄疸", "Yes the first one")] == [True] * 3
    assert [begins_with_yes(text) for text in ("没有", "12", "yesterday I was sick", "都没有", "no")] == [False] * 5


def test_who_is_plainly_not_the_one_we_mean_is_heard_and_whoever_mistyped_is_not():
    plain = "你打错了 | 您好，您打错了 | 你们发错人了 | 搞错人了 | 打错电话了。不好意思 | 不是本人 | 號碼不對"
    plain += (
        " | wrong number | Sorry but you have the wrong number. | u got the wrong person | its the wrong number mate"
    )
    others = (
        "打错了 | 發錯了 | 发错人了 | 打错字了，是3 | 你搞错了 | 我换号了 | not me | wrong one sorry | wrong button"
    )

    assert [text for text in plain.split(BAR) if not says_wrong_number(text)] == []
    assert [text for text in others.split(BAR) if says_wrong_number(text)] == []
    assert {command_in(text) for text in ("您哪位？", "请问你是谁", "Who is this please?")} == {Command.HELP}


def test_no_more_texts_is_a_stop_and_please_stop_may_be_said_of_a_pain():
    said = (
        "不要再发短信了",
        "別发短信了",
        "stop texting me",
        "Opt out",
        "REVOKE",
        "ＴＤ",
        "td。",
        "please stop",
        "停药了",
    )

    assert [keyword_in(text) is not None for text in said] == [True, False, True, True, True, True, True, False, False]
