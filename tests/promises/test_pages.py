"""What is written down can be trusted: drawings, links and lists agree with the project."""

import re
import tomllib
from pathlib import Path

import pytest

from tests.promises.pages import DOCS, ROOT, kept_files, table

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LINK = re.compile(r"(?<!!)\[[^\]]+\]\(([^)\s]+)\)")
MARKDOWN = [path for path in kept_files() if path.suffix == ".md"]


def name_of(requirement: str) -> str:
    return re.split(r"[\[<>=,;~! ]", requirement, maxsplit=1)[0].lower()


@pytest.mark.parametrize("page", MARKDOWN, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_link_between_our_files_leads_somewhere(page: Path):
    targets = [link.split("#")[0] for link in LINK.findall(page.read_text(encoding="utf-8")) if "://" not in link]

    assert [target for target in targets if target and not (page.parent / target).exists()] == []


def test_the_drawing_of_the_rooms_is_the_contract_that_is_checked():
    contract = PROJECT["tool"]["importlinter"]["contracts"][0]["layers"]
    drawn = re.search(r"```layers\n(.*?)```", (DOCS / "architecture.md").read_text(encoding="utf-8"), re.DOTALL)

    assert drawn is not None
    assert drawn[1].splitlines() == contract


def test_every_dependency_has_its_line_and_its_reason():
    told = [row[0].lower() for row in table(DOCS / "decisions" / "0007-dependencies.md", "package")]

    assert told == sorted(name_of(one) for one in PROJECT["project"]["dependencies"])


def test_decisions_are_numbered_without_a_gap_and_all_have_the_same_parts():
    pages = sorted((DOCS / "decisions").glob("*.md"))

    assert [page.name[:4] for page in pages] == [f"{number:04}" for number in range(1, len(pages) + 1)]
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert [part for part in ("Status:", "## Context", "## Decision", "## Avoided") if part not in text] == []


def test_every_seed_file_says_where_it_came_from():
    page = (ROOT / "seeds" / "README.md").read_text(encoding="utf-8")
    files = [path for path in kept_files() if path.is_relative_to(ROOT / "seeds") and path.suffix in {".yaml", ".csv"}]

    assert files
    assert [path.name for path in files if f"`{path.relative_to(ROOT / 'seeds').as_posix()}`" not in page] == []
