"""Which questionnaire a link to the form opens: the one that is due, else the one for something that is wrong now."""

from datetime import timedelta

from backend.agenda.calendar import by_key
from backend.agenda.course import AgendaItem
from backend.agenda.history import agenda_of, protocol_for
from backend.conversations import asking, drafts
from backend.conversations.form_links import NO_LONGER_REPORTING
from backend.conversations.models import Conversation
from backend.db import Transaction
from backend.errors import InvalidInput, NoLongerPossible
from backend.instruments.definition import instrument
from backend.patients.models import Caregiver, Patient
from backend.patients.turns import take_turn
from backend.staff.models import Site
from backend.terms import AgendaKind, AgendaState

AD_HOC = "ad_hoc"
# What stands on no agenda has no window of its own; what was answered by then is filed.
AD_HOC_STAYS_OPEN = timedelta(hours=72)
NAME = "agenda_key"


def conversation_to_fill(
    txn: Transaction, patient: Patient, agenda_key: str | None = None, *, caregiver: Caregiver | None = None
) -> Conversation:
    """The conversation whose form is given out: begun by text message or on the form already, or new.

    Raises ``InvalidInput`` for a key of nothing that can be answered now, and ``NoLongerPossible`` for a patient who
    does not report any more, or where somebody else has begun to answer.
    """
    take_turn(txn, patient)
    if patient.status in NO_LONGER_REPORTING:
        raise NoLongerPossible("This patient has died or does not report any more.")
    open_now = due(txn, patient)
    if agenda_key is not None and agenda_key not in by_key(open_now):
        raise InvalidInput(fields={NAME: ["Nothing of this key is to be answered now."]})
    item = by_key(open_now)[agenda_key] if agenda_key is not None else next(iter(open_now), None)
    name = item.instrument if item is not None and item.instrument is not None else AD_HOC
    return drafts.open_conversation(
        txn,
        patient,
        drafts.Opening(
            instrument=name,
            version=instrument(txn, name).version,
            agenda_key=item.key if item is not None else None,
            extent=txn.session.get_one(Site, patient.site_id).text_surveys,
            language=patient.language,
            closes_at=asking.closes_at(item, txn.now) if item is not None else txn.now + AD_HOC_STAYS_OPEN,
            caregiver=caregiver,
        ),
    )


def due(txn: Transaction, patient: Patient) -> list[AgendaItem]:
    """What can be answered now: what has been begun, then what is in time, then the longest."""
    begun = {one.agenda_key for one in drafts.live(txn, patient) if one.first_answer_at is not None}
    forms = protocol_for(txn, patient).forms

    def order(item: AgendaItem) -> tuple[bool, bool, int, str]:
        length = forms.index(item.instrument) if item.instrument in forms else -1
        return item.key not in begun, item.state is not AgendaState.OPEN, -length, item.key

    return sorted((item for item in agenda_of(txn, patient) if _can_be_answered(item)), key=order)


def _can_be_answered(item: AgendaItem) -> bool:
    is_asked = item.kind is AgendaKind.ASSESSMENT and item.instrument is not None
    return is_asked and item.state in (AgendaState.OPEN, AgendaState.OVERDUE)
