"""The doors of the API, in one list."""

from backend.api import (
    agenda,
    audit,
    health,
    instruments,
    me,
    messages,
    patients,
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
    worklist.blp,
    agenda.blp,
    instruments.blp,
    reports.blp,
    triage.blp,
    survival.blp,
    messages.blp,
    audit.blp,
    health.blp,
)
