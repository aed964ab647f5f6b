"""Terms that a patient's own words may mean, for whoever codes an event."""

from collections.abc import Iterable
from typing import Any

from flask import g
from flask.views import MethodView

from backend.api.bodies import ApiBlueprint
from backend.db import Transaction
from backend.free_text.lexicon import lexicon
from backend.free_text.suggest import suggest, suggest_from
from schemas.suggestions import SuggestionOut, SuggestionsOut, WordsIn

blp = ApiBlueprint(
    "suggestions", __name__, url_prefix="/api/v1/terminology/suggestions", description="Terms for a patient's own words"
)

OF_SUGGESTION = tuple(SuggestionOut().fields)
WITH_PLACE = (*OF_SUGGESTION, "start", "end")


@blp.route("")
class Suggestions(MethodView):
    """Terms that words may mean."""

    @blp.arguments(WordsIn)
    @blp.response(200, SuggestionsOut)
    def post(self, body: dict[str, Any]) -> dict[str, Any]:
        """Suggest terms for a text. A POST only because the text can name somebody: nothing is kept or changed."""
        known = lexicon(g.txn)
        found = suggest(body["text"], known) if known else []
        return {"items": [{name: getattr(one, name) for name in WITH_PLACE} for one in found]}


def suggested(txn: Transaction, texts: Iterable[str]) -> list[dict[str, Any]]:
    """At most three terms for several texts together, as they are shown."""
    known = lexicon(txn)
    found = suggest_from(texts, known) if known else []
    return [{name: getattr(one, name) for name in OF_SUGGESTION} for one in found]
