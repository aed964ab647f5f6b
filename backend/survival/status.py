"""Whether a patient lives, as far as anybody knows: one of three words, derived and stored nowhere.

How somebody takes part (lost to follow-up, withdrawn) is a disposition, and no value of this.
"""

from dataclasses import replace

from backend.agenda.calendar import Part, agenda
from backend.agenda.history import course_to_check_survival, protocol_for
from backend.db import Transaction
from backend.patients import life
from backend.patients.models import Patient
from backend.protocol.rules import Rule
from backend.terms import AgendaKind, AgendaState, SurvivalStatus


def survival_status_of(txn: Transaction, patient: Patient) -> SurvivalStatus:
    """Dead by an approved report; unknown once the window of a survival check has closed without evidence of life.

    Also of whoever has left the study: they are not asked, and what is known of them grows old all the same.
    """
    if life.is_dead(patient):
        return SurvivalStatus.DEAD
    course = replace(course_to_check_survival(txn, patient), withdrawn_from_study_on=None)
    checks = agenda(protocol_for(txn, patient), course, txn.now, only=Part(_asks_whether_alive))
    is_overdue = any(item.state is AgendaState.OVERDUE for item in checks)
    return SurvivalStatus.UNKNOWN if is_overdue else SurvivalStatus.ALIVE


def _asks_whether_alive(rule: Rule) -> bool:
    return rule.kind is AgendaKind.SURVIVAL_CHECK
