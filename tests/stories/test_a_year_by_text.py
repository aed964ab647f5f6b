"""Somebody whom only text messages reach lives in the study, three times over: the record must not tell which.

Once through Twilio's webhooks, once through the simulated phones, and once with a fifth of all webhooks lost, others
told twice, and all told late and in any order. ``python3 do.py year-by-text`` lives the whole year.
"""

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.databases import Databases
from tests.stories.by_text.life import QUARTER, Lived, lived
from tests.stories.by_text.networks import Network, simulated, twilio
from tests.stories.by_text.outcome import differences

EMERGENCY = "120"
# One questionnaire with all symptoms is enough for a quarter of a year.
FULL_WEEK = range(7, 10)


def written() -> Mapping[str, list[str]]:
    """What must be in the record, as a person wrote it: how each line of it begins."""
    chapters: dict[str, list[str]] = {}
    for part in (Path(__file__).parent / "quarter-by-text.txt").read_text(encoding="utf-8").split("\n\n")[1:]:
        title, *lines = part.strip().splitlines()
        chapters[title] = lines
    return chapters


def a_quarter(databases: Databases, kind: str, home: Path, network: Network) -> Lived:
    url = databases.fresh_url(kind)
    try:
        return lived(url, home, network, days=QUARTER, full=FULL_WEEK)
    finally:
        databases.drop(url)


# Half a minute where nothing else runs.
@pytest.mark.timeout(600)
def test_a_life_by_text_leaves_the_same_record_whatever_carries_the_texts_and_loses_them(
    databases: Databases, tmp_path: Path
) -> None:
    with twilio() as network:
        usual = a_quarter(databases, "postgres", tmp_path / "usual", network)
    it_is_the_life_of_the_diary(usual)

    with simulated() as phones:
        in_the_demo = a_quarter(databases, "sqlite", tmp_path / "demo", phones)
    assert differences(usual.outcome, in_the_demo.outcome) == []

    with twilio(lost=0.2, seed=3) as network:
        on_bad_days = a_quarter(databases, "postgres", tmp_path / "bad", network)
    assert on_bad_days.figures["webhooks that were lost"] > 8
    assert on_bad_days.figures["webhooks that came again"] > 50
    assert on_bad_days.figures["callbacks"] == 2 * usual.figures["callbacks"]
    assert differences(usual.outcome, on_bad_days.outcome) == []


def it_is_the_life_of_the_diary(life: Lived) -> None:
    for title, lines in written().items():
        found = life.outcome[title]
        assert [one[: len(line)] for line, one in zip(lines, found, strict=True)] == lines
    assert not [line for line in life.outcome["texts that came in"] if "failed" in line]

    (at_once,) = life.answers_to["我刚才吐血了，好多"]
    assert EMERGENCY in at_once
    assert "紧急" in at_once
    assert "恢复" in life.answers_to["TD"][0]
    assert "不再使用这个号码" in life.answers_to["on the old telephone"][0]
    assert "5月17日" in life.answers_to["进度"][0]
    assert life.left_in_silence == []
    (kind,) = life.answers_to["他昨天晚上去世了"]
    assert EMERGENCY not in kind
    assert life.last_read[-1] == kind
