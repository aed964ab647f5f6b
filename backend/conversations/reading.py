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


# In small letters and simplified characters, as ``_word`` leaves them.
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
    | {"who is this", "who's this", "who are you", "你是谁", "您是谁", "你们是谁", "你是哪位"},
}
# ``打错了`` by itself says "I mistyped" as well, and is for a person.
WRONG_NUMBER = re.compile(
    r"(?:sorry )?(?:i think )?(?:(?:you have|you've|you) (?:got )?(?:the |a )?|(?:this is|it's) (?:the |a )?)?"
    r"wrong (?:number|person)(?: sorry)?"
    r"|(?:对不起|不好意思|抱歉|[你您]们?)*(?:[打发找认]错(?:电话|号码|短信|人)|号码?错|号码不对|错号)了?"
    r"|(?:对不起|不好意思|抱歉)?[你您]们?[打发]错了"
)
# The words that are printed beside 1 and 2, with the digit or without.
YES_OR_NO = re.compile(r"(?P<yes>(?:1[ .:]*)?(?:yes|y|有的?|是的?|对))|(?:2[ .:]*)?(?:no|n|none|没有?|无|否|不是)")
SIMPLER = str.maketrans(
    "錯電話號碼發對們認過後問鏈連結進幫來給請題點兩體溫攝沒無",
    "错电话号码发对们认过后问链连结进帮来给请题点两体温摄没无",
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
_HEAT, _WEIGHT = "体温|温度|temperature|temp", "体重|weight"
_DEGREES, _KILOGRAMS = "(?:摄氏)?度|°c?|c|degrees?(?: ?c| celsius)?|celsius", "公斤|千克|kgs?|kilos?"
A_NUMBER = re.compile(
    rf"(?:(?:(?P<heat>{_HEAT})|(?P<weight>{_WEIGHT})) ?(?:是|为|is|:)? ?)?(?P<celsius>摄氏)? ?"
    rf"(?:(?P<figures>0|[1-9][0-9]{{0,2}})|(?P<characters>{_CHINESE}))"
    rf"(?:[.,。·・点](?P<decimals>{_DIGIT}{{1,2}})| ?度 ?(?P<tenth>{_DIGIT}|半))?"
    rf" ?(?:(?P<degrees>{_DEGREES})|(?P<kilograms>{_KILOGRAMS}))?"
)
# A unit is believed only of what a person's temperature (degrees Celsius) or weight (kilograms) can be: nobody who
# writes ``2公斤`` or ``3度`` has answered a question of 0 to 4.
TEMPERATURES = (Decimal(30), Decimal(45))
WEIGHTS = (Decimal(20), Decimal(300))


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


def read_choice(text: str) -> int | None:
    """A plain answer of one digit: ``2``, ``２``, ``2.``, ``2、``, ``二`` and nothing beside it; ``2.0`` is none."""
    number = read_number(text)
    return int(number) if number is not None and number < 10 and number.as_tuple().exponent == 0 else None


def command_in(text: str) -> Command | None:
    """The word we act on, when the text is nothing but that word, in either language."""
    word = _word(text)
    for command, words in COMMAND_WORDS.items():
        if word in words:
            return command
    return Command.WRONG_NUMBER if WRONG_NUMBER.fullmatch(word) else None


def says_yes_or_no(text: str) -> bool | None:
    """Yes or no in a word, or as the choice is printed: ``有``, ``1 Yes``, ``2没有``; None for whatever says more."""
    found = YES_OR_NO.fullmatch(_word(text))
    return None if found is None else found["yes"] is not None


def _word(text: str) -> str:
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
