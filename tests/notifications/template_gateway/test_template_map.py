"""The file that says which approved template is which of ours: wrong anywhere, it is refused whole, line by line."""

from dataclasses import replace
from pathlib import Path

import pytest

from backend.config import Settings, SmsGateway, read_settings
from backend.errors import BadSettings, BadTemplate
from backend.jobs import work_of
from backend.providers import text_provider
from backend.template_account import TEMPLATE_SETTINGS, template_account
from backend.terms import ChannelKind, Language
from notifications.channels.template_gateway import TemplateGateway
from notifications.template_map import Mapped, read_template_map
from notifications.templates import holds_an_address, load_templates
from tests.fakes.template_gateway_process import FakeGateway, write_map

TEXTS = load_templates()
NOWHERE = FakeGateway("http://127.0.0.1:9")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write_map(tmp_path / "map.yaml")


def spoil(file: Path, old: str, new: str) -> int:
    """Change that, and give the line in which it stands."""
    said = file.read_text("utf-8")
    assert said.count(old) == 1
    file.write_text(said.replace(old, new), "utf-8")
    return said[: said.index(old)].count("\n") + 1


def complaint(file: Path) -> str:
    with pytest.raises(BadTemplate) as refused:
        read_template_map(file, TEXTS)
    return refused.value.detail


def test_every_text_message_has_a_number_in_every_language(file):
    read = read_template_map(file, TEXTS)

    assert {name for name, _ in read.entries} == {name for name, text in TEXTS.items() if text.is_text_message}
    assert read.entries["visit_reminder", Language.CHINESE] == Mapped("T-visit_reminder-zh-CN", ("date", "phone"))
    assert read.longest_parameter == 500
    assert not {"page_email", "calendar_visit"} & {name for name, _ in read.entries}


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("  help_reply:\n", "  help_repli:\n", "help_repli is no text message of ours"),
        ("  page_sms:\n", "  page_email:\n", "page_email is no text message of ours"),
        ("id: T-help_reply-en\n", "id: T-help_reply-zh-CN\n", "help_reply in en has the id of help_reply in zh-CN"),
        ("id: T-help_reply-en\n", "id: 100121\n", "help_reply in en needs an id in quotation marks"),
        ("id: T-help_reply-en\n", "id: ''\n", "help_reply in en needs an id"),
        ("id: T-help_reply-en\n", "number: T-help_reply-en\n", "help_reply in en has number, which means nothing"),
        ("id: T-help_reply-en\n", "id: !!python/name:os.system\n", "means nothing here"),
        (
            "id: T-thanks_reply-en\n      parameters: []",
            "id: T-thanks_reply-en\n      parameters: [date]",
            "thanks_reply in en has the parameters date instead of none",
        ),
        (
            "id: T-help_reply-en\n      parameters:\n      - phone\n",
            "id: T-help_reply-en\n      parameters:\n      - phone\n      - phone\n",
            "help_reply in en has the parameters phone, phone instead of phone",
        ),
        ("id: T-help_reply-en\n      parameters:\n      - phone\n", "id: T-help_reply-en\n", "parameters none instead"),
        ("templates:\n", "templates: 7\nothers:\n", "the file has others, which means nothing here"),
    ],
)
def test_what_is_wrong_is_named_by_file_line_and_template(file, old, new, said):
    line = spoil(file, old, new)

    told = complaint(file)

    assert said in told
    # Within the entry that the change stands in, or at its end.
    numbers = [int(one.split(":")[1]) for one in told.split("map.yaml")[1:]] if "map.yaml:" in told else []
    assert any(abs(number - line) <= 3 for number in numbers), told


def test_a_language_that_is_missing_is_named_where_its_template_stands(file):
    said = file.read_text("utf-8")
    whole = "    en:\n      id: T-help_reply-en\n      parameters:\n      - phone\n"
    assert said.count(whole) == 1
    file.write_text(said.replace(whole, ""), "utf-8")
    line = said[: said.index("  help_reply:\n")].count("\n") + 1

    assert complaint(file) == f"map.yaml:{line}: help_reply has no entry in en."


@pytest.mark.parametrize("said", ["templates: [", "\x00", "- a\n", "", "templates: {}\nlongest_parameter: many\n"])
def test_a_file_that_is_no_map_at_all_is_refused_in_words(tmp_path, said):
    (tmp_path / "map.yaml").write_text(said)

    assert complaint(tmp_path / "map.yaml").startswith("map.yaml")


def test_nothing_starts_with_a_map_that_does_not_fit(db, settings, file):
    spoil(file, "id: T-help_reply-en\n", "id: ''\n")
    said = NOWHERE.settings(file, TEMPLATE_REGION="")
    wrong = replace(settings, sms_gateway=SmsGateway.TEMPLATE, template=template_account(said))

    with pytest.raises(BadTemplate, match=r"map.yaml:\d+: help_reply in en"):
        work_of(db, wrong)

    write_map(file)
    work = work_of(db, wrong)
    assert isinstance(work.channels[ChannelKind.SMS], TemplateGateway)
    assert work.templates["visit_reminder"].signatures[Language.ENGLISH] == "【仁和随访】"


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, file: Path):
    """Settings read from an environment that names this gateway, but for the changes."""

    def read(**changes: str) -> Settings:
        said = NOWHERE.settings(file, **{"MODE": "test", "HOME": str(tmp_path)} | changes)
        for name, value in said.items():
            monkeypatch.setenv(f"FOLLOWUP_{name}", value)
        return read_settings()

    return read


def test_the_settings_name_the_account_and_hide_its_secret(told):
    settings = told(TEMPLATE_SIGN_NAME="【仁和随访】", TEMPLATE_REGION="SG")

    assert settings.template is not None
    assert (settings.template.sign_name, settings.template.region) == ("仁和随访", "SG")
    assert settings.template.secret not in repr(settings) + repr(settings.template)
    assert text_provider(settings).leaves_the_country
    assert not text_provider(told(TEMPLATE_REGION="")).leaves_the_country


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *((name, "") for name in TEMPLATE_SETTINGS if name != "TEMPLATE_REGION"),
        ("TEMPLATE_BASE_URL", "http://sms.example.cn"),
        ("TEMPLATE_BASE_URL", "https://user@sms.example.cn"),
        ("TEMPLATE_BASE_URL", "https://sms.example.cn/?a=b"),
        ("TEMPLATE_BASE_URL", "https://[broken"),
        ("TEMPLATE_APP_ID", "a\nb"),
        ("TEMPLATE_SECRET", "s3cret"),
        ("TEMPLATE_SIGN_NAME", "a】b"),
        ("TEMPLATE_REGION", "China"),
        ("TEMPLATE_MAP", "/nowhere/map.yaml"),
    ],
)
def test_a_setting_that_is_missing_or_cannot_be_right_is_named_and_never_repeated(told, name, value):
    with pytest.raises(BadSettings) as refused:
        told(**{name: value})

    assert f"FOLLOWUP_{name}" in refused.value.fields
    assert not value or value not in refused.value.detail


def test_a_demos_invented_numbers_reach_no_real_gateway(told):
    with pytest.raises(BadSettings) as refused:
        told(MODE="demo", TEMPLATE_BASE_URL="https://sms.example.cn")

    assert "FOLLOWUP_SMS_GATEWAY" in refused.value.fields


@pytest.mark.parametrize(
    ("text", "is_address"),
    [
        ("https://a.b", True),
        ("看www.x.cn", True),
        ("t.cn/Ab", True),
        ("医院.中国", True),
        ("MAILTO://x", True),
        ("体温38.5，3.17来院", False),
        ("Please rest.Thank you", False),
        ("1.能来 2.想改期", False),
        ("Dr.Li, a.m.", False),
    ],
)
def test_an_address_is_what_a_telephone_makes_a_link_of(text, is_address):
    assert holds_an_address(text) is is_address
