"""Every table, imported in one place, so that whoever needs the whole metadata gets the whole of it."""

import backend.adverse_events.models
import backend.agenda.models
import backend.audit
import backend.audit_seals
import backend.conversations.models
import backend.demo_clock
import backend.instruments.models
import backend.limits
import backend.patients.acts
import backend.patients.models
import backend.patients.report_correction
import backend.patients.symptom_report
import backend.protocol.models
import backend.sealing
import backend.staff.models
import backend.survival.models
import backend.terminology.models
import backend.triage.models
import backend.worklist.models
import notifications.models
from backend.db import Base

metadata = Base.metadata
