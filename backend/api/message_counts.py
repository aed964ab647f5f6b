"""How many texts a site sent and received, week by week: what it cost, and what was not said and why."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from flask import g
from flask.views import MethodView
from sqlalchemy import select

from backend import access, clock
from backend.access import Verb
from backend.api import languages
from backend.api.bodies import ApiBlueprint
from backend.api.outcome_answers import CSV, JSON, answer
from backend.csv_files import csv_text
from backend.errors import InvalidInput
from backend.staff.models import Site
from notifications.weekly_counts import WeekCounts, weekly_counts
from schemas.message_counts import MessageCountsOut, MessageCountsQuery

blp = ApiBlueprint(
    "message_counts", __name__, url_prefix="/api/v1/messages", description="What text messages were used for"
)

MOST_WEEKS = 53
USUAL_WEEKS = 4
A_WEEK = timedelta(weeks=1)
COLUMNS = ("site", "week", "starts_on", "counted", "template", "language", "reason", "messages", "segments")
ALSO = {200: {"content": {CSV: {"schema": {"type": "string"}}}}}
PLAIN = ("texts", "segments", "automatic_replies", "received", "failed")


@dataclass(frozen=True)
class _Week:
    site: str
    monday: date
    counts: WeekCounts

    @property
    def name(self) -> str:
        """As ISO 8601 has it; the first days of January may belong to the year before."""
        return f"{self.monday:%G-W%V}"


@blp.route("/counts")
class MessageCounts(MethodView):
    """Texts by site and week."""

    @blp.reads(languages.ACCEPT_LANGUAGE)
    @blp.arguments(MessageCountsQuery, location="query")
    @blp.response(200, MessageCountsOut, headers=languages.IN_ANSWERS)
    @blp.doc(responses=ALSO)
    def get(self, query: dict[str, Any]) -> Any:
        """Count texts, segments, answers, and what was held back and why: JSON, or text/csv with a row a count."""
        visible = access.visible_at(g.txn, Site.id, Verb.READ_MESSAGES, query["site"])
        sites = g.txn.session.scalars(select(Site).where(visible).order_by(Site.code)).all()
        weeks = _weeks(sites, query["first"], query["last"])
        return answer({JSON: partial(_data, weeks), CSV: partial(_table, weeks)})


def _weeks(sites: Sequence[Site], first: date | None, last: date | None) -> Sequence[_Week]:
    """Whole weeks that hold these days, of every site, each on its own wall."""
    found: list[_Week] = []
    for zone, some in _by_zone(sites).items():
        mondays = _mondays(first, last or clock.local_day(g.txn.now, zone))
        begins = [clock.start_of_day(one, zone) for one in (*mondays, mondays[-1] + A_WEEK)]
        counts = weekly_counts(g.txn, some.keys(), begins)
        found += [_Week(some[site], mondays[place], one) for (site, place), one in counts.items()]
    return sorted(found, key=lambda one: (one.site, one.monday))


def _by_zone(sites: Iterable[Site]) -> Mapping[str, Mapping[UUID, str]]:
    zones: dict[str, dict[UUID, str]] = {}
    for site in sites:
        zones.setdefault(site.time_zone, {})[site.id] = site.code
    return zones


def _mondays(first: date | None, last: date) -> Sequence[date]:
    begin = _monday(first or last - (USUAL_WEEKS - 1) * A_WEEK)
    count = (_monday(last) - begin) // A_WEEK + 1
    if count < 1:
        raise InvalidInput(fields={"to": ["Before from."]})
    if count > MOST_WEEKS:
        raise InvalidInput(fields={"from": [f"More than {MOST_WEEKS} weeks before to."]})
    return [begin + place * A_WEEK for place in range(count)]


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _data(weeks: Sequence[_Week], _language: str) -> dict[str, Any]:
    return {"items": [_shown(one) for one in weeks], "next_cursor": None}


def _shown(week: _Week) -> dict[str, Any]:
    counts = week.counts
    return {name: getattr(counts, name) for name in PLAIN} | {
        "site": week.site,
        "week": week.name,
        "starts_on": week.monday,
        "suppressed": [{"reason": why, "messages": many} for why, many in sorted(counts.suppressed.items())],
        "by_template": [
            {"template": template, "language": language, "texts": texts, "segments": segments}
            for (template, language), (texts, segments) in sorted(counts.by_template.items())
        ],
    }


def _table(weeks: Sequence[_Week], _language: str) -> str:
    return csv_text(COLUMNS, (row for week in weeks for row in _rows(week)))


def _rows(week: _Week) -> Iterable[tuple[object, ...]]:
    where, counts = (week.site, week.name, week.monday.isoformat()), week.counts
    for (template, language), (texts, segments) in sorted(counts.by_template.items()):
        yield *where, "texts", template, language, None, texts, segments
    yield *where, "automatic_replies", None, None, None, counts.automatic_replies, None
    yield *where, "received", None, None, None, counts.received, None
    for why, many in sorted(counts.suppressed.items()):
        yield *where, "suppressed", None, None, why, many, None
    yield *where, "failed", None, None, None, counts.failed, None
