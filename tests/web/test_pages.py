"""Every page: complete in both languages, nothing inline, nothing from elsewhere."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

WEB = Path(__file__).parents[2] / "backend" / "web"
PAGES = ("/", "/api/docs", "/demo", "/demo/outcomes")
SCRIPTS_AND_STYLES = sorted([*WEB.glob("static/*.js"), *WEB.glob("static/*.css")])


class Tags(HTMLParser):
    """Every start tag with its attributes, and the text inside scripts and styles."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.inline: list[str] = []
        self._inside = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._inside = tag

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside in ("script", "style") and data.strip():
            self.inline.append(data)


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_a_page_holds_nothing_inline_and_nothing_from_elsewhere(demo, path, language):
    answer = demo.get(path, query_string={"lang": language})
    page = Tags(answer.text)

    assert answer.status_code == 200
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    assert page.inline == []
    for tag, attributes in page.tags:
        assert not [name for name in attributes if name == "style" or name.startswith("on")], tag
        for name in ("src", "href", "action"):
            address = attributes.get(name) or "/"
            assert re.match(r"/(?!/)|#|\?", address), (tag, address)


@pytest.mark.parametrize("path", PAGES)
def test_whatever_a_page_asks_for_is_there(demo, path):
    for tag, attributes in Tags(demo.get(path).text).tags:
        address = attributes.get("src") or attributes.get("href") or ""
        if address.startswith("/") and tag != "a":
            assert demo.get(address, buffered=True).status_code == 200, address


@pytest.mark.parametrize("file", SCRIPTS_AND_STYLES, ids=lambda file: file.name)
def test_our_scripts_and_styles_fetch_from_nobody_else(file):
    assert not re.search(r"https?://|url\(|@import|import |eval\(|innerHTML", file.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("asked", "chosen", "spoken"),
    [
        ("zh-CN,zh;q=0.9,en;q=0.8", "", "zh-CN"),
        ("zh", "", "zh-CN"),
        ("en-GB,en;q=0.9", "", "en"),
        ("fr", "", "zh-CN"),
        ("en", "zh-CN", "zh-CN"),
        ("zh-CN", "en", "en"),
        ("en", "tlh", "en"),
    ],
)
def test_a_page_speaks_the_readers_language(client, asked, chosen, spoken):
    answer = client.get("/", headers={"Accept-Language": asked}, query_string={"lang": chosen})

    assert f'<html lang="{spoken}">' in answer.text
    assert ("nobody is forgotten" in answer.text) == (spoken == "en")
    assert answer.headers["Vary"] == "Accept-Language"


def test_a_language_chosen_by_hand_goes_along(demo):
    assert 'href="/demo?lang=zh-CN"' in demo.get("/?lang=zh-CN", headers={"Accept-Language": "en"}).text
    assert 'href="/demo"' in demo.get("/").text


def test_the_landing_page_mentions_the_demo_only_in_a_demo(client, demo):
    assert "/demo" in demo.get("/").text
    assert "/demo" not in client.get("/").text


def test_only_what_the_api_page_needs_of_swagger_is_served(client):
    assert client.get("/api/docs/swagger-ui-bundle.js", buffered=True).status_code == 200
    for name in ("oauth2-redirect.html", "LICENSE", "..%2F__init__.py"):
        assert client.get(f"/api/docs/{name}").status_code == 404


def test_the_chinese_catalogue_has_every_word_of_the_pages_and_no_other():
    written = {str(found[2]) for found in extract_from_dir(WEB / "templates", [("**.html", "jinja2")])}

    with (WEB / "locales" / "zh_Hans_CN" / "LC_MESSAGES" / "messages.po").open("rb") as file:
        catalogue = read_po(file, locale="zh_Hans_CN")

    listed = {str(message.id): message for message in catalogue if message.id}
    assert set(listed) == written
    for text, message in listed.items():
        assert message.string, text
        assert not message.fuzzy, text
        assert re.findall(r"\{\w+\}", text) == re.findall(r"\{\w+\}", str(message.string)), text


def test_every_word_the_script_uses_is_on_the_page(demo):
    script = "".join(file.read_text(encoding="utf-8") for file in WEB.glob("static/demo*.js"))
    used = set(re.findall(r"\bwords\.(\w+)", script))

    given = next(attributes for _, attributes in Tags(demo.get("/demo").text).tags if attributes.get("id") == "demo")

    names = {
        re.sub(r"-(\w)", lambda part: part[1].upper(), name.removeprefix("data-")) for name in given if "data-" in name
    }
    assert names == used
