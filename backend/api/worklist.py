"""Tasks for a person: the list, closing one, and putting one back that was closed by mistake."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

from flask import g
from flask.views import MethodView

from backend import access
from backend.access import Verb
from backend.agenda.planning import replan
from backend.api.bodies import ApiBlueprint
from backend.db import Transaction
from backend.patients.listing import subject_numbers
from backend.survival import deaths
from backend.terms import WorkReason
from backend.worklist import items
from backend.worklist.models import WorkItem
from backend.worklist.phone_checks import close_wrong_number
from schemas.paging import make_cursor, read_cursor
from schemas.worklist import ReopeningIn, ResolutionIn, WorkItemOut, WorkPageOut, WorkQuery

blp = ApiBlueprint("worklist", __name__, url_prefix="/api/v1/worklist", description="Tasks for a person")


@blp.route("")
class Worklist(MethodView):
    """The tasks of one's sites."""

    @blp.arguments(WorkQuery, location="query")
    @blp.response(200, WorkPageOut)
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """List tasks, the most pressing first: open ones, unless others are asked for."""
        visible = access.visible_at(g.txn, WorkItem.site_id, Verb.READ_WORKLIST, query["site"])
        after = read_cursor(query["cursor"], *items.KEY)
        filters = {name: query[name] for name in ("status", "reason", "for_role")}
        page = items.list_items(g.txn, visible, **filters, after=after, limit=query["limit"])
        return {"items": shown(page.items), "next_cursor": make_cursor(page.after)}


@blp.route("/<uuid:item_id>/resolutions")
class Resolutions(MethodView):
    """What came of a task."""

    @blp.arguments(ResolutionIn)
    @blp.response(201, WorkItemOut)
    def post(self, body: dict[str, Any], item_id: UUID) -> dict[str, Any]:
        """Close a task; a call that reached nobody stays open, and the try is kept."""
        item = access.record(g.txn, WorkItem, item_id, Verb.RESOLVE_WORK)
        close = _close_after_a_death if item.reason in deaths.TASKS else _BY_REASON.get(item.reason, items.settle)
        return shown([close(g.txn, item, body["outcome"], body["note"])])[0]


@blp.route("/<uuid:item_id>/reopenings")
class Reopenings(MethodView):
    """A task that was closed by mistake."""

    @blp.arguments(ReopeningIn)
    @blp.response(201, WorkItemOut)
    def post(self, body: dict[str, Any], item_id: UUID) -> dict[str, Any]:
        """Put a task back on the list, due as it was."""
        item = access.record(g.txn, WorkItem, item_id, Verb.RESOLVE_WORK)
        reopen = _ask_again_after_a_death if item.reason in deaths.TASKS else items.reopen
        return shown([reopen(g.txn, item, body["reason"])])[0]


# What closing these does beside it.
_BY_REASON: Mapping[str, Callable[..., WorkItem]] = {WorkReason.WRONG_NUMBER: close_wrong_number}


def _close_after_a_death(txn: Transaction, item: WorkItem, outcome: str, note: str | None) -> WorkItem:
    """After a report of death that was mistaken, only a person's word lets messages go out again."""
    patient = access.patient(txn, item.owner_id, Verb.RESOLVE_WORK)
    closed = deaths.close_task(txn, patient, item, outcome, note)
    replan(txn, patient)
    return closed


def _ask_again_after_a_death(txn: Transaction, item: WorkItem, reason: str) -> WorkItem:
    return deaths.reopen_task(txn, access.patient(txn, item.owner_id, Verb.RESOLVE_WORK), item, reason)


def shown(listed: Sequence[WorkItem]) -> list[dict[str, Any]]:
    """Tasks as every list of tasks shows them."""
    codes = access.site_codes(g.txn)
    numbers = subject_numbers(g.txn, {item.patient_id for item in listed if item.patient_id})
    return [_item(item, codes, numbers) for item in listed]


def _item(item: WorkItem, codes: Mapping[UUID, str], numbers: Mapping[UUID, str]) -> dict[str, Any]:
    names = ("id", "reason", "key", "agenda_key", "for_role", "due_at", "created_at", "resolved_at", "resolved_by")
    patient = {"id": item.patient_id, "subject_number": numbers[item.patient_id]} if item.patient_id else None
    known = {name: getattr(item, name) for name in names}
    return known | {"site": codes[item.site_id], "patient": patient, "last_try": items.last_try(g.txn, item)}
