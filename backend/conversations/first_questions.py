"""A prompt that goes by text message puts the first question itself, or gives the link to the form in its stead."""

from dataclasses import replace

from backend.agenda.course import AgendaItem
from backend.conversation_terms import TextSurveys
from backend.conversations import asking, drafts
from backend.conversations.form_letters import LINK_VALUE, may_be_sent_to
from backend.conversations.form_links import link_for
from backend.conversations.models import Conversation
from backend.conversations.whom_to_call import number_in
from backend.db import Transaction
from backend.errors import NoLongerPossible
from backend.instruments.definition import find_instrument
from backend.patients.models import Patient
from backend.staff.models import Site
from backend.terms import ChannelKind
from notifications import Send
from notifications.models import Message

LINK = "survey_link"


def first_question(txn: Transaction, message: Message, item: AgendaItem, said: Send, public_url: str) -> Send:
    """The same text with the question that is open, or with the link; as it was where there is nothing to ask so.

    ``said`` is the prompt as it would go without. Links go to no number at which they are stopped: questions do.
    """
    patient = txn.session.get_one(Patient, message.patient_id)
    site = txn.session.get_one(Site, patient.site_id)
    survey = _survey(txn, patient, item, site.text_surveys)
    question = asking.next_of(txn, survey) if survey else None
    if survey is None or question is None:
        return said
    if site.text_surveys == TextSurveys.LINK_ONLY and may_be_sent_to(said.address):
        try:
            link = link_for(txn, survey, public_url)
        except NoLongerPossible:
            return said
        return replace(said, values={**said.values, LINK_VALUE: link, "phone": number_in(LINK, site)}, template=LINK)
    asking.is_asked(survey, question, message, txn.now)
    txn.session.flush()
    words = _words_around(patient, message.template)
    put = {**asking.said_by(txn, survey, said.language), "phone": number_in(words, site)}
    return replace(said, values={**said.values, **put}, template=words)


def _survey(txn: Transaction, patient: Patient, item: AgendaItem, extent: str) -> Conversation | None:
    """The patient's own conversation about this item; what a caregiver has begun is left to them."""
    found = find_instrument(txn, item.instrument) if item.instrument else None
    if found is None:
        return None
    survey = drafts.open_conversation(
        txn,
        patient,
        instrument=found.name,
        version=found.version,
        agenda_key=item.key,
        extent=extent,
        language=patient.language,
        closes_at=asking.closes_at(item, txn.now),
    )
    return survey if survey.caregiver_id is None else None


def _words_around(patient: Patient, template: str) -> str:
    words = asking.PROMPTS[template]
    is_due = words == asking.PROMPTS["report_due"]
    return asking.DUE_OR_APP if is_due and ChannelKind.IN_APP in patient.channels else words
