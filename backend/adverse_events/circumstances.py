"""What the record says about a patient that adverse events are judged by: days of treatment, of birth and of death."""

from datetime import date

from backend import clock
from backend.adverse_events.emergence import Facts
from backend.adverse_events.judgement import Bounds
from backend.adverse_events.suspected import outcome_ends_on
from backend.agenda.history import cycles_of, protocol_for
from backend.db import Transaction
from backend.patients import life
from backend.patients.models import Patient
from backend.staff.models import Site


def facts_of(txn: Transaction, patient: Patient) -> Facts:
    """What emergence is computed from, as it stands on the record now."""
    protocol, given_on = protocol_for(txn, patient), infusion_days(txn, patient)
    return Facts(
        randomised_on=patient.randomised_on,
        study_ends_on=outcome_ends_on(protocol, patient.randomised_on),
        receives_cells=protocol.arms[patient.arm].receives_cells,
        first_infusion_on=min(given_on, default=None),
        last_infusion_on=max(given_on, default=None),
        drug_stopped_on=patient.drug_discontinued_on,
    )


def bounds_of(txn: Transaction, patient: Patient) -> Bounds:
    """What a judgement must agree with."""
    return Bounds(
        today=clock.local_day(txn.now, patient.time_zone),
        birth_year=patient.birth_year,
        died_on=patient.died_on if life.is_dead(patient) else None,
        receives_cells=protocol_for(txn, patient).arms[patient.arm].receives_cells,
        first_infusion_on=min(infusion_days(txn, patient), default=None),
    )


def infusion_days(txn: Transaction, patient: Patient) -> tuple[date, ...]:
    """The days, at the site, on which an infusion was begun; one that was entered by mistake is none."""
    zone = txn.session.get_one(Site, patient.site_id).time_zone
    cycles = (cycle for cycle in cycles_of(txn, patient) if cycle.reversed_at is None)
    starts = (at for cycle in cycles for at in (cycle.day_1_started_at, cycle.day_2_started_at))
    return tuple(clock.local_day(at, zone) for at in starts if at is not None)
