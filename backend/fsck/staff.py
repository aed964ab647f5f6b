"""What is always true of the rosters."""

from sqlalchemy import exists, or_, select

from backend.fsck.invariant import Invariant, ids_of
from backend.staff.models import OnCallShift, StaffRole
from backend.staff.roster import CARE_TEAM

_has_cared_there = exists().where(
    StaffRole.staff_id == OnCallShift.staff_id,
    StaffRole.role.in_(CARE_TEAM),
    or_(StaffRole.site_id == OnCallShift.site_id, StaffRole.site_id.is_(None)),
)

INVARIANTS: tuple[Invariant, ...] = (
    Invariant(
        "staff.shifts",
        "Every shift ends after it begins, and none was entered once it was over",
        ids_of(
            lambda: select(OnCallShift.id).where(
                or_(OnCallShift.ends_at <= OnCallShift.starts_at, OnCallShift.entered_at > OnCallShift.ends_at)
            )
        ),
    ),
    Invariant(
        "staff.on_call",
        "Whoever was ever on call at a site belongs or belonged to its care team",
        ids_of(lambda: select(OnCallShift.id).where(~_has_cared_there)),
    ),
)
