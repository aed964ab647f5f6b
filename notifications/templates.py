"""Patient-facing words: loaded and checked at start, rendered at release.

The texts lie in ``templates/<language>/``, because ethics committees approve them; the manifest says what each is
for, which placeholders it has and how many segments it may take.
"""

import re
import string
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

import yaml

from backend.errors import BadTemplate
from backend.terms import Language

GSM_7 = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM_7_ESCAPED = frozenset("\f^{}\\[~]|€")
SMALL_ALPHABET = GSM_7 | GSM_7_ESCAPED
# From the next one on a letter is a pair of surrogates.
LAST_OF_ONE_UNIT = "\uffff"
WEEKDAYS_EN = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
WEEKDAYS_ZH = "一二三四五六日"
MONTHS_EN = (
    "January", "February", "March", "April", "May", "June", "July",
    "August", "September", "October", "November", "December",
)  # fmt: skip


class Placeholder(StrEnum):
    """What may stand in a text. There is none for a name, a drug or a diagnosis, and there shall be none.

    ``WORDS`` are what a person of the team wrote, which has been looked through for those before; ``QUESTION`` stands
    in an instrument.
    """

    DATE = "date"
    DATES = "dates"
    PHONE = "phone"
    WORDS = "words"
    SUBJECT = "subject"
    TIER = "tier"
    TIME = "time"
    COUNT = "count"
    LINK = "link"
    QUESTION = "question"


LONGEST_WORDS = 500
# A scheme, or a host as people write one; neither a date, a decimal number nor a full stop without a space after it.
ADDRESS = re.compile(
    r"\b[a-z][a-z0-9+.-]*://|\bwww\.|\.(?:中国|公司|网络)"
    r"|\b[a-z0-9-]+\.(?:cc|cn|com|edu|gov|info|io|link|ly|mobi|net|org|top|vip|xyz)\b",
    re.IGNORECASE | re.ASCII,
)

# The longest that can really occur, to count segments with: E.164 has at most 15 digits.
LONGEST = {
    Placeholder.DATE: "2027-09-29",
    Placeholder.DATES: "2027-09-29,2027-09-30",
    Placeholder.PHONE: "+123456789012345",
    Placeholder.WORDS: "字" * LONGEST_WORDS,
    Placeholder.SUBJECT: "012-012345",
    Placeholder.TIER: "T2",
    Placeholder.TIME: "23:59",
    Placeholder.COUNT: "99",
    # A question of a questionnaire with its choices. A test counts each of those there are.
    Placeholder.QUESTION: "字" * 64,
    # In a text message only where the manifest says so: phones of mainland China get no text with an address in it.
    Placeholder.LINK: "https://" + "x" * 200,
}


@dataclass(frozen=True)
class Template:
    """One message in every language, with what the manifest says of it."""

    name: str
    purpose: str
    version: int
    ethics_reference: str | None
    placeholders: Mapping[str, Placeholder]
    segments: Mapping[Language, int]
    answers_after_stop: bool
    is_email: bool
    is_calendar: bool
    holds_link: bool
    texts: Mapping[Language, str]
    signatures: Mapping[Language, str]

    @property
    def is_text_message(self) -> bool:
        """Whether it may go to a telephone as a text."""
        return not self.is_email and not self.is_calendar


def load_templates(folder: Traversable | None = None) -> Mapping[str, Template]:
    """Every template, checked. Raises ``BadTemplate`` with all complaints at once, by template and language."""
    return _our_own() if folder is None else _load(folder)


@cache
def _our_own() -> Mapping[str, Template]:
    """They are a part of the program, and change only with it."""
    return _load(files("notifications") / "templates")


def _load(where: Traversable) -> Mapping[str, Template]:
    manifest = yaml.load((where / "manifest.yaml").read_text("utf-8"), Loader=yaml.CSafeLoader)
    signatures = {Language(code): text for code, text in manifest["signatures"].items()}
    complaints: dict[str, list[str]] = {}
    loaded = {}
    for name, entry in manifest["templates"].items():
        texts = {language: _text(where, language, name) for language in Language}
        try:
            loaded[name] = _template(name, entry, texts, signatures)
            found = list(_complaints(loaded[name]))
        except (KeyError, ValueError) as wrong:
            found = [f"cannot be read: {wrong}"]
        if found:
            complaints[name] = found
    unlisted = {name for language in Language for name in _names_in(where, language)} - set(manifest["templates"])
    complaints |= {name: ["is not in the manifest"] for name in unlisted}
    if complaints:
        said = "; ".join(f"{name}: {', '.join(what)}" for name, what in sorted(complaints.items()))
        raise BadTemplate(f"Message templates are wrong. {said}", fields=complaints)
    return loaded


def render(template: Template, language: Language, values: Mapping[str, str], *, signed: bool = True) -> str:
    """The words as the person reads them: dates spoken in their language, the sender named in front.

    Values that the text has no place for are left out, so that a sender may offer the same few for every template.
    """
    spoken = spoken_values(template, language, values)
    return (template.signatures[language] if signed else "") + template.texts[language].format(**spoken)


def spoken_values(template: Template, language: Language, values: Mapping[str, str]) -> dict[str, str]:
    """What stands at each placeholder as the person reads it. Raises ``BadTemplate`` when a value is missing."""
    missing = template.placeholders.keys() - values.keys()
    if missing:
        raise BadTemplate(f"{template.name} takes {_listed(template.placeholders)}; missing: {_listed(missing)}.")
    return {name: _spoken(kind, values[name], language) for name, kind in template.placeholders.items()}


def signed_as(templates: Mapping[str, Template], name: str) -> Mapping[str, Template]:
    """The same texts in front of which a gateway puts a name of its own in every language, as ``【name】``."""
    signatures = dict.fromkeys(Language, f"【{name}】")
    return {key: replace(template, signatures=signatures) for key, template in templates.items()}


def holds_an_address(text: str) -> bool:
    """Whether a telephone would make a link of something in it."""
    return bool(ADDRESS.search(text))


def spoken_date(day: date, language: Language) -> str:
    """``Wed 17 March``, ``3月17日(周三)``."""
    if language is Language.CHINESE:
        return f"{day.month}月{day.day}日(周{WEEKDAYS_ZH[day.weekday()]})"
    return f"{WEEKDAYS_EN[day.weekday()]} {day.day} {MONTHS_EN[day.month - 1]}"


def spoken_dates(days: Sequence[date], language: Language) -> str:
    """``Wed 17 March and Thu 18 March``, ``3月17日(周三)、3月18日(周四)``."""
    joint = "、" if language is Language.CHINESE else " and "
    return joint.join(spoken_date(day, language) for day in days)


def segment_count(text: str) -> int:
    """How many text messages a carrier makes of it, which is what it charges.

    One holds 160 letters of the small alphabet (GSM 03.38; those of its second table, such as the euro sign, take the
    place of two) or 70 units of UTF-16; each of several holds 153 or 67. What takes two places is never torn in two.
    """
    if GSM_7.issuperset(text):
        return _segments([1] * len(text), 160, 153)
    if SMALL_ALPHABET.issuperset(text):
        return _segments([2 if letter in GSM_7_ESCAPED else 1 for letter in text], 160, 153)
    return _segments([2 if letter > LAST_OF_ONE_UNIT else 1 for letter in text], 70, 67)


def _segments(places: Sequence[int], alone: int, each: int) -> int:
    """Of a text whose letters take so many places: at most ``alone`` in one, or ``each`` in several."""
    if sum(places) <= alone:
        return 1
    if len(places) == sum(places):
        return -(-len(places) // each)
    count, left = 1, each
    for taken in places:
        if taken > left:
            count, left = count + 1, each
        left -= taken
    return count


def _template(
    name: str, entry: Mapping[str, Any], texts: Mapping[Language, str], signatures: Mapping[Language, str]
) -> Template:
    segments = entry.get("segments", {})
    return Template(
        name=name,
        purpose=entry["purpose"],
        version=entry["version"],
        ethics_reference=entry["ethics_reference"],
        placeholders={key: Placeholder(kind) for key, kind in entry.get("placeholders", {}).items()},
        segments={language: segments.get(language.value, 1) for language in Language},
        answers_after_stop=entry.get("answers_after_stop", False),
        is_email=entry.get("email", False),
        is_calendar=entry.get("calendar", False),
        holds_link=entry.get("link", False),
        texts=texts,
        signatures=signatures,
    )


def _complaints(template: Template) -> Iterator[str]:
    declared = set(template.placeholders)
    for language, text in template.texts.items():
        used = _placeholders_in(text)
        if not text:
            yield f"has no text in {language}"
        elif used != declared:
            yield f"in {language} has {_listed(used)} instead of {_listed(declared)}"
        elif not template.is_email and (holds_an_address(text) or _has_a_link_it_may_not(template)):
            yield "holds an address, which no text message may"
        elif not template.is_email:
            longest = {name: LONGEST[kind] for name, kind in template.placeholders.items()}
            taken = segment_count(render(template, language, longest))
            if taken > template.segments[language]:
                yield f"in {language} takes {taken} segments instead of {template.segments[language]}"


def _has_a_link_it_may_not(template: Template) -> bool:
    has_one = Placeholder.LINK in template.placeholders.values()
    return has_one and not template.holds_link


def _placeholders_in(text: str) -> set[str]:
    """Names between braces. Anything cleverer (a format, an attribute) comes back as a name nobody declared."""
    return {
        "".join(part for part in (name, conversion and "!" + conversion, form and ":" + form) if part)
        for _, name, form, conversion in string.Formatter().parse(text)
        if name is not None
    }


def _spoken(kind: Placeholder, value: str, language: Language) -> str:
    if kind is Placeholder.DATE:
        return spoken_date(date.fromisoformat(value), language)
    if kind is Placeholder.DATES:
        return spoken_dates([date.fromisoformat(day) for day in value.split(",")], language)
    return value


def _text(where: Traversable, language: Language, name: str) -> str:
    file = where / language.value / f"{name}.txt"
    return file.read_text("utf-8").strip() if file.is_file() else ""


def _names_in(where: Traversable, language: Language) -> Iterator[str]:
    for file in (where / language.value).iterdir():
        if file.name.endswith(".txt"):
            yield file.name.removesuffix(".txt")


def _listed(names: Any) -> str:
    return ", ".join(sorted(names)) or "none"
