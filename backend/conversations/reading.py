"""What one text says when it says nothing else: a number, or one of the words we act on. Pure and total.

A number with anything beside it ("2 but worse at night") is no number here: it is kept whole for a person. So is
whatever could be two things: ``二三`` is "two or three", ``122斤`` is half as many kilograms. STOP and START are obeyed
long before (``notifications/opt_outs.py``), and words of danger and of death come before all of this (``replies.py``).
"""

import re
import unicodedata
from decimal import Decimal
from enum import Enum

from backend.triage.words import folded
from notifications.as_seen import as_seen
from notifications.opt_outs import AROUND_A_WORD


class Command(Enum):
    """A word that asks us for something."""

    CALL = "call"
    SKIP = "skip"
    BACK = "back"
    LATER = "later"
    NOT_ANSWERING = "not_answering"
    SURVEY = "survey"
    LINK = "link"
    STATUS = "status"
    HELP = "help"
    WRONG_NUMBER = "wrong_number"


# In small letters and simplified characters, as ``plain_word`` leaves them.
COMMAND_WORDS = {
    Command.CALL: {"call", "call me", "please call", "please call me", "phone me", "please phone me", "ring me"}
    | {"电话", "打电话", "请打电话", "给我打电话", "请给我打电话", "来电", "请来电", "回电", "请回电"},
    Command.SKIP: {"skip", "跳过"},
    Command.BACK: {"back", "go back", "返回", "上一题"},
    Command.LATER: {"later", "not now", "以后", "稍后", "以后再答", "稍后再答"},
    Command.NOT_ANSWERING: {"no", "no answer", "不答", "不回答", "不想答", "不想回答"},
    Command.SURVEY: {"survey", "questionnaire", "问卷"},
    Command.LINK: {"link", "链接", "连结"},
    Command.STATUS: {"status", "进度"},
    # A patient of seventy asks who writes; that does not make the number a stranger's.
    Command.HELP: {"help", "info", "帮助"}
    | {"who is this", "who's this", "whos this", "who are you", "who is this please", "who are you please"}
    | {"你是谁", "您是谁", "你们是谁", "你是哪位", "您是哪位", "你是谁啊", "你谁啊", "谁啊", "哪位", "您哪位", "你哪位"}
    | {"请问你是谁", "请问您是谁", "请问您是哪位", "请问哪位"},
}
# ``打错了`` by itself says "I mistyped" as well, and ``发错人了`` "that text was not for you": both are for a person.
_SORRY = "(?:对不起|不好意思|抱歉|喂|你好|您好)*"
WRONG_NUMBER = re.compile(
    r"(?:sorry )?(?:but )?(?:please stop )?(?:i think )?"
    r"(?:(?:you have|you've|youve|you|u have|u've|u) (?:got )?(?:the |a )?|(?:this is|it's|its|it is) (?:the |a )?)?"
    r"wrong (?:number|phone number|person|guy|man|woman|lady)(?: sorry| thanks| thank you| mate| i think| please stop)*"
    rf"|{_SORRY}(?:[你您]们?)?(?:[打找认搞弄]错(?:电话|号码|人)|号码?错|号码不对|错号)了?[吧啊呀哦啦]?{_SORRY}"
    rf"|{_SORRY}[你您]们?(?:[打发]错|发错(?:人|号码|短信))了[吧啊呀哦啦]?{_SORRY}"
)
BETWEEN_SENTENCES = re.compile(r" ?[.;。]+ ?")
# The words that are printed beside 1 and 2, with the digit or without.
YES_OR_NO = re.compile(r"(?P<yes>(?:1[ .:]*)?(?:yes|y|有的?|是的?|对))|(?:2[ .:]*)?(?:no|n|none|没有?|无|否|不是)")
SIMPLER = str.maketrans(
    "錯電話號碼發對們認過後問鏈連結進幫來給請題點兩體溫攝沒無還輕較爾時經幾響麼樣變燒熱",
    "错电话号码发对们认过后问链连结进帮来给请题点两体温摄没无还轻较尔时经几响么样变烧热",
)

# A number with all that may stand beside it is shorter.
LONGEST = 60
# What makes a picture of a key out of a digit.
KEYCAP = "\u20e3"
# In front no point is passed over, for ".5" is not 5; a minus is passed over nowhere.
BEFORE_A_NUMBER = " \"'“”‘’「」『』【[(<《"
AROUND = AROUND_A_WORD + ";:『』[]<>《》"

CHINESE_DIGITS = {one: value for value, one in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2, "半": 5}
_ONE = "[一二三四五六七八九]"
_DIGIT = "[0-9零〇一二三四五六七八九]"
_CHINESE = f"[零〇两]|{_ONE}|{_ONE}?十{_ONE}?|[一二两]百(?:零{_ONE}|{_ONE}十{_ONE}?)?"
_HEAT = (
    "(?:我)?(?:现在)?(?:体温|温度|发?[高低]?烧|发热)(?:了|到了?|有)?"
    "|(?:i have |i've got |have |got )?(?:a |my )?(?:fever|temperature|temp)(?: of)?"
)
_WEIGHT = "体重|weight"
_DEGREES, _KILOGRAMS = "(?:摄氏)?度|°c?|c|degrees?(?: ?c| celsius)?|celsius", "公斤|千克|kgs?|kilos?"
A_NUMBER = re.compile(
    rf"(?:(?:(?P<heat>{_HEAT})|(?P<weight>{_WEIGHT})) ?(?:是|为|is|:|,)? ?)?(?P<celsius>摄氏)? ?"
    rf"(?:(?P<figures>0|[1-9][0-9]{{0,2}})|(?P<characters>{_CHINESE}))"
    rf"(?:[.,。·・点](?P<decimals>{_DIGIT}{{1,2}})| ?度 ?(?P<tenth>{_DIGIT}|半))?"
    rf" ?(?:(?P<degrees>{_DEGREES})|(?P<kilograms>{_KILOGRAMS}))?"
)
# Fever told among other words: "昨晚烧到39度", "my temp went up to 38.6 in the night".
_A_FEVER = r"(?<![\d.])(?:3[89]|4[0-2])(?!\d)|三十[八九]|四十"
_OF_HEAT = r"体温|温度|烧|发热|度|temp|fever|degrees|°c"
TOLD_OF_FEVER = re.compile(rf"(?=.*(?:{_OF_HEAT})).*(?:{_A_FEVER})", re.DOTALL)
# Yes, and more: whatever is asked, it is no plain answer.
YES_AND_MORE = re.compile(r"(?:1(?!\d)|yes\b|yeah\b|yep\b|y\b|有|是的)(?!没有)")
# A unit is believed only of what a person's temperature (degrees Celsius) or weight (kilograms) can be: nobody who
# writes ``2公斤`` or ``3度`` has answered a question of 0 to 4.
TEMPERATURES = (Decimal(30), Decimal(45))
WEIGHTS = (Decimal(20), Decimal(300))
A_SCORE = re.compile(f"({_DIGIT}|两) ?分")


def read_number(text: str) -> Decimal | None:
    """The number that is all the text says, in figures of any width or in Chinese; None when it is anything else.

    A unit or a name beside it is passed over where it is that of a temperature in degrees Celsius or of a weight in
    kilograms. Between 0 and 999.99; what a question allows is for the question to say.
    """
    found = A_NUMBER.fullmatch(_one_number(text))
    if found is None:
        return None
    whole = int(found["figures"]) if found["figures"] else _value_of(found["characters"])
    decimals = _in_figures(found["decimals"] or found["tenth"] or "")
    value = Decimal(f"{whole}.{decimals}" if decimals else whole)
    return value if _may_be(found, value) else None


def read_temperature(text: str) -> Decimal | None:
    """The same in answer to how warm somebody is: ``40公斤`` is no fever."""
    found = A_NUMBER.fullmatch(_one_number(text))
    return None if found is None or _is_weight(found) else read_number(text)


def tells_of_fever(text: str) -> bool:
    """Whether 38 degrees or more stand in a longer text. Nobody files that by itself: it may be of yesterday."""
    return TOLD_OF_FEVER.match(folded(as_seen(text)).translate(SIMPLER)) is not None


def begins_with_yes(text: str) -> bool:
    """Whether it begins as a yes does and says more: ``有，头疼得厉害``, ``yes the first one``."""
    return YES_AND_MORE.match(plain_word(text)) is not None


def read_choice(text: str) -> int | None:
    """A plain answer of one digit: ``2``, ``２``, ``2.``, ``2、``, ``二`` and nothing beside it; ``2.0`` is none."""
    number = read_number(text)
    return int(number) if number is not None and number < 10 and number.as_tuple().exponent == 0 else None


def read_score(text: str) -> int | None:
    """``2分``: so many points, to whoever has just been asked for a number of 0 to 4, and nothing beside it.

    What could be on another scale or could be two things is for a person: ``2级`` is a grade as doctors count them,
    which is no answer of the patient's; ``10分`` is of ten; ``2/4`` is "of 4", "or 4" and a date; ``2分钟`` is a time.
    """
    found = A_SCORE.fullmatch(_one_number(text))
    return None if found is None else int(_in_figures(found[1]))


def command_in(text: str) -> Command | None:
    """The word we act on, when the text is nothing but that word, in either language."""
    word = plain_word(text)
    for command, words in COMMAND_WORDS.items():
        if word in words:
            return command
    in_one = BETWEEN_SENTENCES.sub(" " if word.isascii() else "", word)
    return Command.WRONG_NUMBER if WRONG_NUMBER.fullmatch(in_one) else None


def says_yes_or_no(text: str) -> bool | None:
    """Yes or no in a word, or as the choice is printed: ``有``, ``1 Yes``, ``2没有``; None for whatever says more."""
    found = YES_OR_NO.fullmatch(plain_word(text))
    return None if found is None else found["yes"] is not None


def plain_word(text: str) -> str:
    """One word or a few, as they are compared: commas between them and what stands around them say nothing."""
    said = " ".join(re.sub(r"[,，、!]", " ", folded(as_seen(text))).split()).strip(AROUND)
    return (said if said.isascii() else said.replace(" ", "")).translate(SIMPLER)


def _one_number(text: str) -> str:
    said = " ".join(folded(as_seen(text)).split()).rstrip(AROUND).lstrip(BEFORE_A_NUMBER)
    if len(said) > LONGEST:
        return ""
    return "".join(_figure(one) for one in said if one != KEYCAP).translate(SIMPLER)


def _figure(character: str) -> str:
    """Figures of other scripts are figures."""
    return str(unicodedata.decimal(character)) if character.isdecimal() else character


def _value_of(characters: str) -> int:
    """``三``, ``三十八``, ``一百零二``, ``一百二十``: as far as the pattern lets them come here."""
    hundreds, _, rest = characters.rpartition("百")
    tens, has_tens, ones = rest.rpartition("十")
    value = 100 * CHINESE_DIGITS[hundreds] if hundreds else 0
    if has_tens:
        value += 10 * (CHINESE_DIGITS[tens] if tens else 1)
    return value + (CHINESE_DIGITS[ones[-1]] if ones else 0)


def _in_figures(digits: str) -> str:
    return "".join(str(CHINESE_DIGITS.get(one, one)) for one in digits)


def _may_be(found: re.Match[str], value: Decimal) -> bool:
    """Whether what stands beside the number speaks of one thing, and of a value that it can have."""
    is_heat = any(found[group] for group in ("heat", "celsius", "tenth", "degrees"))
    if is_heat and _is_weight(found):
        return False
    least, most = TEMPERATURES if is_heat else WEIGHTS if _is_weight(found) else (value, value)
    return least <= value <= most


def _is_weight(found: re.Match[str]) -> bool:
    return found["weight"] is not None or found["kilograms"] is not None
