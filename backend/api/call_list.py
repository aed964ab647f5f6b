"""The call list: open tasks about survival, with whom to telephone and what was tried."""

from functools import partial
from typing import Any

from flask import g
from flask.views import MethodView

from backend import access
from backend.access import Verb
from backend.api.bodies import ApiBlueprint
from backend.api.requests import afterwards
from backend.api.worklist import shown as tasks_shown
from backend.patients.identifiers import note_reading
from backend.survival.call_list import FollowUp, follow_ups, numbers_of
from backend.worklist import items
from backend.worklist.models import WorkItem
from schemas.paging import make_cursor, read_cursor
from schemas.survival import ON_THE_LIST, SurvivalWorkQuery
from schemas.survival_attempts import SurvivalWorkPageOut

blp = ApiBlueprint("call_list", __name__, url_prefix="/api/v1", description="Who to telephone about survival")


@blp.route("/survival/worklist")
class SurvivalWorklist(MethodView):
    """The part of the work list that is about survival."""

    @blp.arguments(SurvivalWorkQuery, location="query")
    @blp.response(200, SurvivalWorkPageOut)
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """List open tasks about survival, the most pressing first; numbers for who may read them, which is noted."""
        visible = access.visible_at(g.txn, WorkItem.site_id, Verb.READ_SURVIVAL, query["site"])
        reasons = [query["reason"]] if query["reason"] else list(ON_THE_LIST)
        after = read_cursor(query["cursor"], *items.KEY)
        page = items.list_items(g.txn, visible & WorkItem.reason.in_(reasons), after=after, limit=query["limit"])
        calls = follow_ups(g.txn, page.items)
        shown = {task_id: _follow_up(call) for task_id, call in calls.items()}
        listed = [one | {"follow_up": shown.get(one["id"])} for one in tasks_shown(page.items)]
        return {"items": listed, "next_cursor": make_cursor(page.after)}


def _follow_up(call: FollowUp) -> dict[str, Any]:
    shown: dict[str, Any] = {name: getattr(call, name) for name in ("why", "last_known_alive", "next_step", "messages")}
    shown |= {
        "attempts": len(call.attempts),
        "last_outcome": call.last.outcome if call.last else None,
        "last_tried_at": call.last.tried_at if call.last else None,
    }
    if access.may(g.txn, call.patient.site_id, Verb.READ_IDENTIFIERS):
        shown["numbers"] = numbers_of(g.txn, call.patient, call.attempts)
        afterwards(partial(note_reading, patient_id=call.patient.id))
    return shown
