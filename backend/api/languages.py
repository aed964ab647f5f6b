"""In which of our languages to answer."""

from collections.abc import Mapping

from flask import request

from backend.terms import Language

# The first is what a reader gets who asked for nothing we have: the trial is in China.
OFFERED = [Language.CHINESE.value, Language.ENGLISH.value]

# For the document: each route that looks at the header names it.
ACCEPT_LANGUAGE = {
    "in": "header",
    "name": "Accept-Language",
    "schema": {"type": "string"},
    "description": "The reader's languages, the preferred one first; those we have are zh-CN and en",
    "example": "en",
}
IN_ANSWERS = {
    "Content-Language": {"description": "The language of the texts", "schema": {"type": "string"}},
    "Vary": {"description": "Which request headers the answer depends on", "schema": {"type": "string"}},
}


def accepted_language(otherwise: str = Language.CHINESE) -> str:
    """The best of our languages for this request's Accept-Language; without one, ``otherwise``."""
    return request.accept_languages.best_match(OFFERED) or str(otherwise)


def in_language(texts: Mapping[str, str], language: str) -> str:
    """The text in that language, or in the first of ours that it exists in."""
    return next((texts[one] for one in (language, *OFFERED) if one in texts), "")
