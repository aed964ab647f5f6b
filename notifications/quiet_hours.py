"""When a person may be disturbed. Pure."""

from datetime import datetime, time, timedelta

from backend import clock


def next_allowed(moment: datetime, zone: str, quiet_from: time, quiet_to: time) -> datetime:
    """``moment`` itself when it is not in the quiet hours of ``zone``, else the instant at which they end.

    Quiet hours are half-open and may cross midnight; equal times mean none. Each night's hours are turned into
    instants first, so a night that a clock change makes longer or shorter ends when the clock on the wall says.
    """
    if quiet_from == quiet_to:
        return moment
    today = clock.local_day(moment, zone)
    for day in (today - timedelta(days=1), today):
        last_day = day if quiet_from < quiet_to else day + timedelta(days=1)
        begins, ends = clock.at_local(day, quiet_from, zone), clock.at_local(last_day, quiet_to, zone)
        if begins <= moment < ends:
            return ends
    return moment
