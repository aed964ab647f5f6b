"""The account at a gateway of approved templates, as the settings name it. Knows nothing of how it is spoken to."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

# In the order in which the README tells of them.
TEMPLATE_SETTINGS = (
    "TEMPLATE_BASE_URL",
    "TEMPLATE_APP_ID",
    "TEMPLATE_SECRET",
    "TEMPLATE_SIGN_NAME",
    "TEMPLATE_REGION",
    "TEMPLATE_MAP",
)
USUAL_REGION = "CN"
APP_ID, SECRET = re.compile(r"[!-~]{1,128}"), re.compile(r"[!-~]{16,}")
# What stands between the brackets in front of a text; more would take the place of the words.
SIGN_NAME = re.compile(r"[\w· -]{2,20}")
THIS_MACHINE = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(frozen=True)
class TemplateAccount:
    """Whose account, the registered name in front of every text, and where our templates' numbers are written down.

    ``region`` is the country in which the gateway stands.
    """

    base_url: str
    app_id: str
    secret: str = field(repr=False)
    sign_name: str
    region: str
    map_file: Path

    @property
    def is_here(self) -> bool:
        """Whether it stands on this machine."""
        return urlsplit(self.base_url).hostname in THIS_MACHINE


def template_account(said: Mapping[str, str]) -> TemplateAccount:
    """What the settings say, once nothing is wrong with them."""
    return TemplateAccount(
        base_url=said["TEMPLATE_BASE_URL"].rstrip("/"),
        app_id=said["TEMPLATE_APP_ID"],
        secret=said["TEMPLATE_SECRET"],
        sign_name=_without_brackets(said["TEMPLATE_SIGN_NAME"]),
        region=said["TEMPLATE_REGION"] or USUAL_REGION,
        map_file=Path(said["TEMPLATE_MAP"]).expanduser().resolve(),
    )


def wrong_with_template(said: Mapping[str, str], *, is_used: bool, is_demo: bool) -> Iterator[tuple[str, str]]:
    """What cannot be right by itself and, if this gateway ``is_used``, what is missing. Never repeats what was said."""
    yield from _unreadable(said)
    if not is_used:
        return
    for name, where in _WHERE_IT_STANDS.items():
        if not said[name]:
            yield name, f"Is missing; {where}"
    if said["TEMPLATE_MAP"] and not Path(said["TEMPLATE_MAP"]).expanduser().is_file():
        yield "TEMPLATE_MAP", "Is no file that is there."
    if is_demo and not _leads_here(said["TEMPLATE_BASE_URL"]):
        yield "SMS_GATEWAY", "Reaches real telephones, and a demo's numbers are invented."


_WHERE_IT_STANDS = {
    "TEMPLATE_BASE_URL": "the https address of the gateway.",
    "TEMPLATE_APP_ID": "the gateway's console names it.",
    "TEMPLATE_SECRET": "the gateway's console shows it once.",
    "TEMPLATE_SIGN_NAME": "the registered name that stands in front of every text.",
    "TEMPLATE_MAP": "a file with the gateway's number for each of our texts (docs/operation.md).",
}


def _unreadable(said: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    if said["TEMPLATE_BASE_URL"] and not _is_address(said["TEMPLATE_BASE_URL"]):
        yield "TEMPLATE_BASE_URL", "Must be an https address, or http on this machine, without a question mark."
    if said["TEMPLATE_APP_ID"] and not APP_ID.fullmatch(said["TEMPLATE_APP_ID"]):
        yield "TEMPLATE_APP_ID", "Holds a character that no such id has."
    if said["TEMPLATE_SECRET"] and not SECRET.fullmatch(said["TEMPLATE_SECRET"]):
        yield "TEMPLATE_SECRET", "Must have at least 16 characters, and no spaces."
    if said["TEMPLATE_SIGN_NAME"] and not SIGN_NAME.fullmatch(_without_brackets(said["TEMPLATE_SIGN_NAME"])):
        yield "TEMPLATE_SIGN_NAME", "Must have 2 to 20 letters or digits."
    if said["TEMPLATE_REGION"] and not re.fullmatch("[A-Z]{2}", said["TEMPLATE_REGION"]):
        yield "TEMPLATE_REGION", "Must be a country code like CN."


def _is_address(address: str) -> bool:
    try:
        parts = urlsplit(address)
        is_whole = bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in THIS_MACHINE)
    return is_whole and is_safe and "@" not in parts.netloc and not (parts.query or parts.fragment)


def _leads_here(address: str) -> bool:
    return _is_address(address) and urlsplit(address).hostname in THIS_MACHINE


def _without_brackets(name: str) -> str:
    return name.removeprefix("【").removesuffix("】")
