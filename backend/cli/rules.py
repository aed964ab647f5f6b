"""Commands about the rules of triage: what other rules would have made of the reports there are."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import click

from backend.cli.operator import OPERATOR, fit_database, progress_bar
from backend.db import Database
from backend.errors import BadSeedFile
from backend.instruments.definition import CtcaeTerm, newest_instruments, terminology
from backend.reports.replay import Comparison, Days, Difference, compare_rules
from backend.terms import Tier
from seeds.triage_files import read_triage

A_DAY = click.DateTime(["%Y-%m-%d"])
Terms = Mapping[str, CtcaeTerm]


@click.group()
def rules() -> None:
    """The rules that say who hears of a report."""


@rules.command("replay")
@click.option(
    "--rules",
    "file",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A triage file such as seeds/protocol/nct04162158.triage.yaml.",
)
@click.option("--from", "first", type=A_DAY, help="Only reports received on this day or later: 2027-03-01.")
@click.option("--to", "last", type=A_DAY, help="Only reports received on this day or earlier.")
@click.option("--json", "as_json", is_flag=True, help="For a program.")
def replay(file: Path, first: datetime | None, last: datetime | None, as_json: bool) -> None:
    """Hold the rules of FILE against every stored report: which alerts would be missed, and which new.

    An alert asks a person to look: a candidate event that opens, returns to the queue or pages again. Changes nothing.
    """
    days = Days(_day(first), _day(last))
    with fit_database() as db:
        triage, terms = _read(db, file)
        with progress_bar("Replaying the reports") as progress:
            compared = compare_rules(db, OPERATOR, triage, days=days, progress=progress)
    if as_json:
        click.echo(json.dumps(_as_json(compared, terms), ensure_ascii=False, indent=2))
    else:
        _say(compared, terms)


def _day(given: datetime | None) -> date | None:
    return given.date() if given else None


def _read(db: Database, file: Path) -> tuple[dict[str, Any], Terms]:
    """The file, held against the instruments and the terminology that the study has loaded."""
    with db.reading(OPERATOR) as txn:
        terms = terminology(txn).terms
        contents = [dict(one.content) for one in newest_instruments(txn)]
    try:
        return read_triage(file, contents, {"terms": [{"code": code} for code in terms]}), terms
    except BadSeedFile as wrong:
        # One line a mistake: file, line and field.
        raise click.ClickException(wrong.detail) from wrong


def _say(compared: Comparison, terms: Terms) -> None:
    click.echo(f"{compared.reports} reports of {compared.patients} patients, by both sets of rules")
    click.echo(f"{compared.before.total()} → {compared.after.total()} alerts")
    for tier in Tier:
        click.echo(f"  {tier}: {compared.before[tier]} → {compared.after[tier]}")
    _list("missed", compared.missed, terms)
    _list("new", compared.new, terms)
    _list("at another tier", compared.moved, terms)
    if compared.heard_otherwise:
        click.echo(
            f"Note: by their own rules {compared.heard_otherwise} of the reports would get another tier today than "
            "when they came: something that counts has been recorded since."
        )


def _list(what: str, differences: Sequence[Difference], terms: Terms) -> None:
    click.echo(f"{what}: {len(differences) or 'none'}")
    for one in differences:
        tiers = " → ".join(tier for tier in (one.before, one.after) if tier)
        led = " → ".join(rule for rule in (one.rule_before, one.rule_after) if rule)
        candidate = f", candidate event {one.candidate_event_id}" if one.candidate_event_id else ""
        moment = one.received_at.isoformat(timespec="minutes")
        click.echo(f"  {one.subject_number}  {moment}  {tiers}  {_term(one, terms)}  {led}")
        click.echo(f"    report {one.report_id}{candidate}")


def _term(one: Difference, terms: Terms) -> str:
    if one.term_code is None:
        return "no term"
    known = terms.get(one.term_code)
    return known.name if known else one.term_code


def _as_json(compared: Comparison, terms: Terms) -> dict[str, Any]:
    return {
        "reports": compared.reports,
        "patients": compared.patients,
        "heard_otherwise": compared.heard_otherwise,
        "alerts": {"before": _by_tier(compared.before), "after": _by_tier(compared.after)},
        "missed": [_difference(one, terms) for one in compared.missed],
        "new": [_difference(one, terms) for one in compared.new],
        "moved": [_difference(one, terms) for one in compared.moved],
    }


def _by_tier(alerts: Counter[Tier]) -> dict[str, int]:
    return {**{tier.value: alerts[tier] for tier in Tier}, "total": alerts.total()}


def _difference(one: Difference, terms: Terms) -> dict[str, Any]:
    return {
        "subject_number": one.subject_number,
        "report_id": str(one.report_id),
        "candidate_event_id": str(one.candidate_event_id) if one.candidate_event_id else None,
        "received_at": one.received_at.isoformat(),
        "term_code": one.term_code,
        "term": _term(one, terms) if one.term_code else None,
        "before": {"tier": one.before, "rule": one.rule_before} if one.before else None,
        "after": {"tier": one.after, "rule": one.rule_after} if one.after else None,
    }
