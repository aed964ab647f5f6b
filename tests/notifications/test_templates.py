"""Every text, in every language, within its segments; and what is refused at start."""

import re
import shutil
from datetime import date
from importlib.resources import files
from pathlib import Path

import pytest
import yaml

from backend.errors import BadTemplate
from backend.terms import Language
from notifications.templates import LONGEST, Placeholder, load_templates, render, segment_count, spoken_date

TEMPLATES = load_templates()
FORBIDDEN = re.compile(
    r"\b(cancer|carcinoma|tumou?r|liver|nk|cells?|sorafenib|lenvatinib|trial)\b"
    "|癌|肿瘤|肝|细胞|试验|研究|索拉非尼|仑伐替尼"
)
ASKING = ("visit_reminder", "infusion_reminder", "infusion_confirmed", "infusion_moved")


# What a person writes may take more, and what is no text message is not counted.
SHORT = sorted(
    name
    for name, template in TEMPLATES.items()
    if template.is_text_message and Placeholder.WORDS not in template.placeholders.values()
)
# Each costs twice: with a whole question beside its own words, or an address.
MORE_THAN_ONE = {
    "form_link_reply", "survey_again", "survey_due", "survey_due_or_app", "survey_link", "survey_safety",
}  # fmt: skip


def at_its_longest(name: str, language: Language) -> int:
    template = TEMPLATES[name]
    longest = {placeholder: LONGEST[kind] for placeholder, kind in template.placeholders.items()}
    return segment_count(render(template, language, longest))


def test_every_message_fits_its_segments_at_its_longest_with_the_signature() -> None:
    taken = {(name, language): at_its_longest(name, language) for name in SHORT for language in Language}

    over = {key: many for key, many in taken.items() if many > TEMPLATES[key[0]].segments[key[1]]}
    assert over == {}
    assert {name for (name, _), many in taken.items() if many > 1} == MORE_THAN_ONE


@pytest.mark.parametrize("language", list(Language))
@pytest.mark.parametrize("name", sorted(TEMPLATES))
def test_no_message_names_an_illness_a_drug_or_the_trial(name: str, language: Language) -> None:
    words = TEMPLATES[name].texts[language].casefold()

    assert FORBIDDEN.search(words) is None


@pytest.mark.parametrize("name", ASKING)
def test_an_invitation_prints_the_digits_it_takes(name: str) -> None:
    assert "1 = coming, 2 = please change, 3 = call me" in TEMPLATES[name].texts[Language.ENGLISH]
    assert "1能来，2想改期，3请来电" in TEMPLATES[name].texts[Language.CHINESE]


def test_the_survival_check_prints_the_digits_it_takes() -> None:
    assert "1 = well, 3 = call me" in TEMPLATES["survival_check"].texts[Language.ENGLISH]
    assert "1还好，3请来电" in TEMPLATES["survival_check"].texts[Language.CHINESE]


def test_dates_are_spoken_in_the_readers_language() -> None:
    assert spoken_date(date(2027, 3, 17), Language.ENGLISH) == "Wed 17 March"
    assert spoken_date(date(2027, 3, 17), Language.CHINESE) == "3月17日(周三)"
    assert spoken_date(date(2028, 2, 29), Language.ENGLISH) == "Tue 29 February"


def test_the_longest_date_is_the_one_segments_are_counted_with() -> None:
    longest = date.fromisoformat(LONGEST[TEMPLATES["visit_reminder"].placeholders["date"]])
    year = [date.fromordinal(date(2027, 1, 1).toordinal() + day) for day in range(2 * 366)]

    for language in Language:
        assert len(spoken_date(longest, language)) >= max(len(spoken_date(day, language)) for day in year) - 1


@pytest.mark.parametrize(
    ("text", "segments"),
    [
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("€" * 80, 1),
        ("€" * 81, 2),
        # What takes two places is never torn: 76 pairs fill 152 of 153.
        ("€" * 152, 2),
        ("€" * 153, 3),
        ("a" + "€" * 152, 2),
        ("aa" + "€" * 152, 3),
        ("", 1),
        ("\f^{}\\[~]|", 1),
        ("`" + "a" * 69, 1),
        ("`" + "a" * 70, 2),
        ("癌" * 134, 2),
        ("癌" * 135, 3),
        ("癌" * 70, 1),
        ("癌" * 71, 2),
        ("🙂" * 35, 1),
        ("🙂" * 36, 2),
        # 33 pairs fill 66 of 67.
        ("🙂" * 66, 2),
        ("🙂" * 67, 3),
    ],
)
def test_segments_are_counted_as_carriers_do(text: str, segments: int) -> None:
    assert segment_count(text) == segments


def test_a_value_that_is_missing_is_refused() -> None:
    with pytest.raises(BadTemplate, match="missing: phone"):
        render(TEMPLATES["visit_reminder"], Language.ENGLISH, {"date": "2027-03-17"})


def test_braces_in_a_value_stay_braces() -> None:
    text = render(TEMPLATES["help_reply"], Language.ENGLISH, {"phone": "{date}"})

    assert "{date}" in text


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the templates to spoil."""
    copy = tmp_path / "templates"
    shutil.copytree(str(files("notifications") / "templates"), copy)
    return copy


@pytest.mark.parametrize(
    ("spoilt", "complaint"),
    [
        ("Hello {date} {phone} {name}", "has date, name, phone instead of date, phone"),
        ("Hello {date}", "has date instead of date, phone"),
        ("Hello {date} {phone.__class__}", "instead of"),
        ("Hello {date!r} {phone}", "instead of"),
        ("Hello {date:>90} {phone}", "instead of"),
        ("", "has no text in en"),
        ("Hello {date} {phone}" + "!" * 160, "takes 2 segments instead of 1"),
    ],
)
def test_a_spoilt_text_is_refused_at_start(folder: Path, spoilt: str, complaint: str) -> None:
    (folder / "en" / "visit_reminder.txt").write_text(spoilt)

    with pytest.raises(BadTemplate, match="visit_reminder") as refused:
        load_templates(folder)

    assert complaint in refused.value.fields["visit_reminder"][0]


def test_a_text_missing_in_one_language_is_refused_at_start(folder: Path) -> None:
    (folder / "zh-CN" / "thanks_reply.txt").unlink()

    with pytest.raises(BadTemplate, match="thanks_reply: has no text in zh-CN"):
        load_templates(folder)


def test_a_text_nobody_declared_is_refused_at_start(folder: Path) -> None:
    (folder / "en" / "surprise.txt").write_text("Hello")

    with pytest.raises(BadTemplate, match="surprise: is not in the manifest"):
        load_templates(folder)


def test_a_placeholder_of_an_unknown_kind_is_refused_at_start(folder: Path) -> None:
    manifest = yaml.safe_load((folder / "manifest.yaml").read_text("utf-8"))
    manifest["templates"]["visit_reminder"]["placeholders"]["name"] = "full_name"
    (folder / "manifest.yaml").write_text(yaml.safe_dump(manifest, allow_unicode=True), "utf-8")

    with pytest.raises(BadTemplate, match="visit_reminder"):
        load_templates(folder)


def test_a_brace_that_is_not_closed_is_refused_at_start(folder: Path) -> None:
    (folder / "en" / "visit_reminder.txt").write_text("Hello {date")

    with pytest.raises(BadTemplate, match="visit_reminder"):
        load_templates(folder)
