"""From the seed files to versioned rows: adds what is new, never edits or deletes, and says what it did.

A running trial never reads these files. Loading twice changes nothing, and everything is one transaction.
"""

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import select

from backend.db import Transaction
from backend.instruments.load import load_instruments, load_terminology
from backend.protocol.load import load_protocol
from backend.sealing import STUDY, DataKey, make_data_key
from backend.staff.models import Site
from backend.staff.sites import create_site
from backend.terminology.load import STUDY as FROM_THE_STUDY
from backend.terminology.load import load_terms
from notifications.templates import load_templates
from schemas.protocol import read_protocol_file
from schemas.seed_files import read_seed_file, read_yaml
from schemas.sites_file import SitesFile
from seeds.ctcae import VERSION, read_ctcae
from seeds.lexicon_files import read_lexicon
from seeds.questionnaires import read_instruments, read_terminology
from seeds.triage_files import read_triage

SEEDS = Path(__file__).parent
PROTOCOL = SEEDS / "protocol" / "nct04162158.yaml"
SITES = SEEDS / "sites.yaml"


@dataclass(frozen=True)
class Step:
    """What became of one piece of the study's content."""

    what: str
    is_new: bool

    def __str__(self) -> str:
        """For the person at the terminal."""
        return f"{self.what}: {'loaded' if self.is_new else 'nothing changed'}"


def load_study(txn: Transaction, protocol_file: Path = PROTOCOL) -> list[Step]:
    """Load terminology, instruments, protocol and sites. Raises ``BadSeedFile`` before anything is written."""
    terminology = read_terminology()
    instruments = read_instruments(terminology=terminology)
    protocol = read_protocol(protocol_file, instruments, terminology)
    lexicon = read_lexicon(terminology)
    terms = read_ctcae(terminology, instruments)
    sites = read_seed_file(SITES, SitesFile())["sites"]
    return [
        _study_key(txn),
        _named("terminology", load_terminology(txn, terminology)),
        _named("terminology", load_terminology(txn, lexicon)),
        _terms(txn, terms),
        *(_named("instrument", loaded) for loaded in load_instruments(txn, instruments)),
        _protocol(txn, protocol),
        *_sites(txn, sites),
    ]


def read_protocol(path: Path, instruments: list[dict[str, Any]], terminology: dict[str, Any]) -> dict[str, Any]:
    """A protocol file together with the rule file it names, both checked. Raises ``BadSeedFile``."""
    content = read_protocol_file(path)
    _refuse_unknown_names(path, content, {instrument["name"] for instrument in instruments})
    triage = read_triage(path.parent / content.pop("triage_rules"), instruments, terminology)
    return {**content, "triage": triage}


def _refuse_unknown_names(path: Path, content: Mapping[str, Any], instruments: Set[str]) -> None:
    """A form or a text that does not exist would only be found out on the day it is due."""
    texts = load_templates()
    unknown: dict[tuple[str, ...], list[str]] = {
        ("forms", str(place)): [f"There is no instrument {form!r}."]
        for place, form in enumerate(content["forms"])
        if form not in instruments
    }
    for row, rule in enumerate(content["agenda"]):
        for place, form in enumerate(rule.get("covered_by", ())):
            if form not in instruments:
                unknown["agenda", str(row), "covered_by", str(place)] = [f"There is no instrument {form!r}."]
        for place, prompt in enumerate(rule.get("prompts", ())):
            if prompt["template"] not in texts:
                field = ("agenda", str(row), "prompts", str(place), "template")
                unknown[field] = [f"There is no message text {prompt['template']!r}."]
    if unknown:
        raise read_yaml(path).complaint(unknown)


def _study_key(txn: Transaction) -> Step:
    """What belongs to no patient and no site is sealed under the study's own key."""
    is_new = txn.session.get(DataKey, STUDY) is None
    if is_new:
        make_data_key(txn, STUDY)
    return Step("study key", is_new)


def _named(kind: str, loaded: Any) -> Step:
    return Step(f"{kind} {loaded.name} version {loaded.version}", loaded.is_new)


def _terms(txn: Transaction, terms: list[dict[str, Any]]) -> Step:
    loaded = load_terms(txn, VERSION, terms, source=FROM_THE_STUDY)
    return Step(f"CTCAE {VERSION}, {loaded.terms} terms", loaded.is_new)


def _protocol(txn: Transaction, content: Mapping[str, Any]) -> Step:
    loaded = load_protocol(txn, content)
    return Step(f"protocol {loaded.version.study} version {loaded.version.version}", loaded.is_new)


def _sites(txn: Transaction, sites: list[dict[str, Any]]) -> Iterator[Step]:
    known = set(txn.session.scalars(select(Site.code)))
    for site in sites:
        is_new = site["code"] not in known
        if is_new:
            create_site(txn, **{name: value for name, value in site.items() if name != "assumption"})
        yield Step(f"site {site['code']}", is_new)
