"""What the doors of acts on a calendar share: an act may first be looked at, and its reason is for few to read."""

from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

from flask import g

from backend import access
from backend.access import Verb
from backend.agenda.acting import Diff
from backend.api.requests import afterwards
from backend.patients.identifiers import note_reading
from backend.patients.models import Patient
from backend.sealing import Sealable, unseal

PREVIEW = "A preview; nothing of it was kept"


def done(
    shown: dict[str, Any], diff: Diff, *, status: int = 201, preview: bool, new: str = ""
) -> tuple[dict[str, Any], int]:
    """What an act did. For a preview it was real up to here, and now nothing stays: not even the id of ``new``."""
    answer = shown | {"diff": asdict(diff)}
    if not preview:
        return answer, status
    g.txn.begin_anew()
    return answer | ({new: answer[new] | {"id": None}} if new else {}), 200


def reasons_of(patient: Patient, rows: Sequence[Sealable]) -> list[str | None]:
    """What was written, for those who care for the patient; the reading is noted once the answer stands."""
    if not rows or not access.may(g.txn, patient.site_id, Verb.READ_IDENTIFIERS):
        return [None for _ in rows]
    afterwards(partial(note_reading, patient_id=patient.id))
    return [unseal(g.txn, row, "reason_sealed") for row in rows]
