"""Made-up texts of both languages, from a seed: plain answers, measurements, words we act on, danger, death, rubbish.

What a text must be read as is known from how it was made. ``ANYTHING`` may be read as whatever it is, without an error.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum, auto
from random import Random

from backend.conversations.reading import COMMAND_WORDS, Command
from backend.protocol.definition import Words
from notifications.opt_outs import START_WORDS, STOP_WORDS


class Kind(Enum):
    """How a text was made."""

    CHOICE = auto()
    NUMBER = auto()
    COMMAND = auto()
    KEYWORD = auto()
    DANGER = auto()
    DEATH = auto()
    # A number with other words beside it.
    BESIDE = auto()
    ANYTHING = auto()


@dataclass(frozen=True)
class Made:
    """A text, how it was made, and the number or the command in it."""

    text: str
    kind: Kind
    holds: Decimal | Command | None = None


CHINESE = "零一二三四五六七八九"
# Nobody sees these, and a phone may put them anywhere; the space of no width only where a word ends.
UNSEEN = ("\u200e", "\u200f", "\u202a", "\u202c", "\u2066", "\u2069", "\ufeff", "\u00ad", "\u2060")
SPACES = (" ", "  ", "\t", "\n", "\r\n", "\u3000", "\u00a0", "\u200b", "\x00", "\x07", "\u2003")
BEFORE = ("", "", "", '"', "“", "(", "（", "【", "「", "'")
AFTER = ("", "", "", ".", "。", "!", "！", "?", "、", ",", "，", ")", "）", "】", "..", ";", "：", "。)")
SIMPLE, FULL_FORM = (
    "错电话号码发对们认过后问链连结进帮来给请题点两体温摄",
    "錯電話號碼發對們認過後問鏈連結進幫來給請題點兩體溫攝",
)
TRADITIONAL = str.maketrans(SIMPLE, FULL_FORM)
WIDE = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}
OTHER_DIGITS = tuple(str.maketrans("0123456789", digits) for digits in ("٠١٢٣٤٥٦٧٨٩", "०१२३४५६७८९", "𝟎𝟏𝟐𝟑𝟒𝟓𝟔𝟕𝟖𝟗"))
BESIDE = (
    "{} but worse at night", "{} I think", "about {}", "{} or {}", "{}-{}", "{}/{}", "{} {}", "not {}", "-{}", "{}%",
    "{}晚上更重", "大概{}", "{}左右", "{}吧不确定", "{}或者{}", "吃了{}片药", "{}斤", "{} 🙏",
    "{}lb", "{}F", "{}个小时", "no {}", "my answer is {}", "第{}天", "{}:{}", "{}+", "~{}", "{} yes",
    "体温{}体重{}", "{}公斤度",
)  # fmt: skip
WORDS = (
    "the", "pain", "is", "better", "today", "nurse", "ok", "thanks", "my", "feet", "tired", "yes", "no", "please",
    "call", "stop", "it", "hurts", "later", "help", "me", "I", "have", "a", "rash", "38.5", "2", "3", "1.", "don't",
)  # fmt: skip
MEASURED = (
    "{}", "{}", "{}℃", "{} C", "{}度", "{}摄氏度", "{} degrees", "体温{}", "体温：{}度", "体温是{}", "Temp: {}",
    "摄氏{}度", "temperature is {}", "发烧{}度", "烧到{}", "fever {}", "{}公斤", "{} kg", "体重{}千克", "weight {}",
)  # fmt: skip
CHARACTERS = "我你他今天昨晚疼痛有点没不好吃饭睡药热度三十八点五两一二头晕手脚麻木医生护士谢谢电话跳过返回"
CHARACTERS += "以后问卷进度停血吐便走了在去世"
EMOJI = ("🙂", "👍", "🙏", "😭", "❤️", "1️⃣", "👩‍⚕️", "🇨🇳", "🤒", "💊")
RUBBISH = (
    "\ud83d",
    "\udc00",
    "\ud800\ud800",
    "\u0301",
    "\u0336",
    "\u202e",
    "\u2067",
    "\x00",
    "\x1b[2J",
    "ﷺ",
    "½",
    "Ⅷ",
    "㊿",
    "ß",
    "İ",
    "ﬁ",
)
LONGEST = 30_000
# A choice of each thing to make, by how often it is made.
SHARES = {Kind.CHOICE: 12, Kind.NUMBER: 14, Kind.COMMAND: 12, Kind.KEYWORD: 4, Kind.DANGER: 14, Kind.DEATH: 6}
SHARES |= {Kind.BESIDE: 14, Kind.ANYTHING: 24}


class Grammar:
    """Makes texts. The same seed makes the same ones; ``words`` are a protocol's lists of danger and of death."""

    def __init__(self, words: Words, seed: int) -> None:
        self.chance = Random(seed)
        self.danger = [word for listed in words.danger.values() for word in listed]
        self.death = [word for listed in words.death.values() for word in listed]
        self.makers: dict[Kind, Callable[[], Made]] = {
            Kind.CHOICE: self._choice,
            Kind.NUMBER: self._number,
            Kind.COMMAND: self._command,
            Kind.KEYWORD: self._keyword,
            Kind.DANGER: self._danger,
            Kind.DEATH: self._death,
            Kind.BESIDE: self._beside,
            Kind.ANYTHING: self._anything,
        }

    def make(self) -> Made:
        """The next text."""
        [kind] = self.chance.choices(list(SHARES), list(SHARES.values()))
        return self.makers[kind]()

    def _choice(self) -> Made:
        value = self.chance.randrange(10)
        plain = self.chance.choice((str(value), str(value), CHINESE[value], f"{value}\ufe0f\u20e3"))
        plain = self.chance.choice(("两", "兩")) if value == 2 and self.chance.random() < 0.3 else plain
        return Made(self._dressed(plain), Kind.CHOICE, Decimal(value))

    def _number(self) -> Made:
        """A temperature or a weight, as people write one."""
        value = Decimal(self.chance.randrange(340, 430)) / 10
        whole, tenth = divmod(int(value * 10), 10)
        in_words = f"{CHINESE[whole // 10]}十{CHINESE[whole % 10] if whole % 10 else ''}"
        point = self.chance.choice(".,。·")
        figures = self.chance.choice((f"{whole}{point}{tenth}", f"{in_words}点{CHINESE[tenth]}"))
        by_degree = (
            f"{whole}度{tenth}",
            f"{whole} 度 {tenth}",
            f"{in_words}度{CHINESE[tenth]}",
            f"体温{whole}度{tenth}",
        )
        form = self.chance.choice((*by_degree, *(form.replace("{}", figures) for form in MEASURED)))
        return Made(self._dressed(form), Kind.NUMBER, Decimal(f"{whole}.{tenth}"))

    def _command(self) -> Made:
        command = self.chance.choice(list(Command))
        wrong = {"wrong number", "sorry, wrong number", "you have the wrong number"} | {
            "你打错了",
            "你发错人了",
            "号码错了",
        }
        word = self.chance.choice(sorted(COMMAND_WORDS.get(command, wrong)))
        return Made(self._dressed(self._cased(word)), Kind.COMMAND, command)

    def _keyword(self) -> Made:
        word = self._cased(self.chance.choice(sorted(STOP_WORDS | START_WORDS)))
        return Made(f"{self._space()}{self._marked(word)}{self.chance.choice(AFTER[:9])}", Kind.KEYWORD)

    def _danger(self) -> Made:
        """A word of danger with anything before and after it, be it a measurement or a word we act on."""
        said = self._cased(self._written_out(self.chance.choice(self.danger)))
        return Made(f"{self._some()} {self._marked(said)} {self._some()}", Kind.DANGER)

    def _death(self) -> Made:
        said = self._cased(self.chance.choice(self.death))
        return Made(f"{self._some()} {self._marked(said)} {self._some()}", Kind.DEATH)

    def _beside(self) -> Made:
        number = str(self.chance.choice((self.chance.randrange(5), "38.5", "36,8", "12")))
        return Made(self._marked(self.chance.choice(BESIDE).replace("{}", number)), Kind.BESIDE)

    def _anything(self) -> Made:
        pieces = [self._piece() for _ in range(self.chance.choice((0, 1, 2, 3, 5, 8, 20)))]
        text = self.chance.choice(("", " ", "\n")).join(pieces)
        if self.chance.random() < 0.002:
            text = (text or "1") * (LONGEST // max(len(text), 1))
        return Made(text, Kind.ANYTHING)

    def _piece(self) -> str:
        roll = self.chance.random()
        if roll < 0.3:
            return self._cased(self.chance.choice(WORDS))
        if roll < 0.6:
            return "".join(self.chance.choices(CHARACTERS, k=self.chance.randrange(1, 7)))
        if roll < 0.75:
            return self.chance.choice((*EMOJI, *RUBBISH, *UNSEEN, *SPACES))
        if roll < 0.9:
            return str(self.chance.choice((self.chance.randrange(10**6), "38.5", "1,2", "一", "三十八度五", "9" * 40)))
        return chr(self.chance.randrange(0x110000))

    def _some(self) -> str:
        return " ".join(self._piece() for _ in range(self.chance.randrange(4)))

    def _written_out(self, word: str) -> str:
        """One of the things that a word with signs stands for."""
        word = word.replace("*", self.chance.choice(("", "s", "ing"))).replace(
            "~ ", self.chance.choice(("", "so very "))
        )
        return re.sub(r"\[([^\[\]]+)\]", lambda found: self._one_or_none(found[1]), word)

    def _one_or_none(self, characters: Sequence[str]) -> str:
        return self.chance.choice(("", self.chance.choice(characters)))

    def _cased(self, word: str) -> str:
        """In capitals, in full width, with a curly apostrophe: the same word."""
        curly = word.replace("'", "’")
        return self.chance.choice((word, word, word.upper(), word.title(), word.translate(WIDE), curly))

    def _dressed(self, plain: str) -> str:
        """With what people put around a plain answer."""
        digits = self.chance.choice((None, None, WIDE, *OTHER_DIGITS))
        said = plain if digits is None else plain.translate(digits)
        inside = f"{self.chance.choice(BEFORE)}{said.translate(self.chance.choice(({}, TRADITIONAL)))}"
        return f"{self._space()}{self._marked(inside)}{self._space()}{self.chance.choice(AFTER)}{self._space()}"

    def _space(self) -> str:
        return self.chance.choice(("", "", "", *SPACES))

    def _marked(self, said: str) -> str:
        """With a mark somewhere that nobody sees."""
        if self.chance.random() < 0.7:
            return said
        place = self.chance.randrange(len(said) + 1)
        return said[:place] + self.chance.choice(UNSEEN) + said[place:]
