"""The language of a page: the reader's choice in the address, else what the browser asks for."""

from typing import Any

from flask import g, request, url_for

from backend.api.languages import OFFERED, accepted_language
from backend.terms import Language

# As the catalogues' folders are named.
LOCALES = {Language.CHINESE.value: "zh_Hans_CN", Language.ENGLISH.value: "en"}
CHOICE = "lang"
# What the API calls the same.
API_CHOICE = "language"
# Where a page whose reader is known says which language that is.
SPOKEN = "language_of_reader"


def page_language() -> str:
    """One of ours."""
    chosen = request.args.get(CHOICE) or request.args.get(API_CHOICE)
    return chosen if chosen in OFFERED else g.get(SPOKEN) or accepted_language()


def page_locale() -> str:
    """The same, as Babel calls it."""
    return LOCALES[page_language()]


def in_templates() -> dict[str, Any]:
    """What every page may ask about languages."""
    return {"language": page_language(), "languages": OFFERED, "page": _page}


def _page(endpoint: str) -> str:
    """The address of another page; a language chosen by hand goes along."""
    chosen = request.args.get(CHOICE)
    return url_for(endpoint, lang=chosen if chosen in OFFERED else None)
