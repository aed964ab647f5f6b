"""CTCAE terms, for the people who code and grade events."""

from typing import Any

from flask import g
from flask.views import MethodView

from backend.api import languages
from backend.api.bodies import ApiBlueprint
from backend.api.languages import accepted_language
from backend.errors import InvalidCursor
from backend.terminology.search import Entry, entry_of, find_terms
from schemas.paging import make_cursor, read_cursor
from schemas.terminology import CtcaeTermOut, CtcaeTermPageOut, TermQuery, TermSearch

blp = ApiBlueprint("terminology", __name__, url_prefix="/api/v1/terminology/ctcae", description="CTCAE terms")

Answer = tuple[dict[str, Any], dict[str, str]]
AS_IT_IS = ("code", "name", "name_zh", "soc", "specify", "version", "published")


@blp.route("")
class Terms(MethodView):
    """The terms of a version of CTCAE."""

    @blp.reads(languages.ACCEPT_LANGUAGE)
    @blp.arguments(TermSearch, location="query")
    @blp.response(200, CtcaeTermPageOut, headers=languages.IN_ANSWERS)
    def get(self, query: dict[str, Any]) -> Answer:
        """Find the terms that may be meant, the likeliest first; all of them by name when nothing was typed."""
        language = accepted_language()
        (after,) = read_cursor(query["cursor"], int) or (0,)
        if after < 0:
            raise InvalidCursor()
        page = find_terms(g.txn, query["q"], version=query["version"], limit=query["limit"], after=after)
        next_cursor = make_cursor(None if page.after is None else (page.after,))
        return {"items": [_shown(one, language) for one in page.items], "next_cursor": next_cursor}, _in(language)


@blp.route("/<code>")
class OneTerm(MethodView):
    """One term."""

    @blp.reads(languages.ACCEPT_LANGUAGE)
    @blp.arguments(TermQuery, location="query")
    @blp.response(200, CtcaeTermOut, headers=languages.IN_ANSWERS)
    def get(self, query: dict[str, Any], code: str) -> Answer:
        """Read a term by its code."""
        language = accepted_language()
        return _shown(entry_of(g.txn, code, query["version"]), language), _in(language)


def _shown(term: Entry, language: str) -> dict[str, Any]:
    words = term.wording.get(language, {"criteria": {}, "hints": []})
    return {name: getattr(term, name) for name in AS_IT_IS} | {
        "grades": list(term.grades),
        "criteria": words["criteria"],
        "hints": words["hints"],
        "own_gradings": [
            {
                "name": own["name"],
                "title": own["title"][language],
                "allowed": own["allowed"],
                "criteria": own["criteria"][language],
            }
            for own in term.own_gradings
        ],
    }


def _in(language: str) -> dict[str, str]:
    return {"Content-Language": language, "Vary": "Accept-Language"}
