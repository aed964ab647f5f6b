"""The doors of the API, in one list."""

from backend.api import (
    agenda,
    audit,
    health,
    instruments,
    me,
    messages,
    on_call,
    patients,
    questions,
    reports,
    sign_in,
    staff,
    survival,
    triage,
    worklist,
)

BLUEPRINTS = (
    sign_in.blp,
    me.blp,
    patients.blp,
    staff.blp,
    on_call.blp,
    worklist.blp,
    agenda.blp,
    instruments.blp,
    reports.blp,
    triage.blp,
    questions.blp,
    survival.blp,
    messages.blp,
    audit.blp,
    health.blp,
)
