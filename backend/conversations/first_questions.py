"""A prompt that goes by text message puts the first question itself, or gives the link to the form in its stead."""

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import inspect

from backend.agenda.course import AgendaItem
from backend.conversation_terms import TextSurveys
from backend.conversations import asking, drafts
from backend.conversations.form_letters import LINK_VALUE, may_be_sent_to
from backend.conversations.form_links import link_for
from backend.conversations.known import Known
from backend.conversations.models import Conversation
from backend.conversations.whom_to_call import number_in
from backend.db import Transaction, insert_now
from backend.errors import NoLongerPossible
from backend.instruments.definition import find_instrument
from backend.patients.models import Patient
from backend.terms import ChannelKind
from notifications import Send
from notifications.models import Message

LINK = "survey_link"


def first_question(
    txn: Transaction, message: Message, item: AgendaItem, said: Send, *, known: Known, public_url: str
) -> Send:
    """The same text with the question that is open, or with the link; as it was where there is nothing to ask so.

    ``said`` is the prompt as it would go without. Links go to no number at which they are stopped: questions do.
    """
    assert message.patient_id is not None, "Who is asked was looked up by it."
    patient = known.patients[message.patient_id]
    site = known.site_of[patient.id]
    survey = _survey(txn, patient, item, site.text_surveys, known.surveys[patient.id])
    if survey is None:
        return said
    question = asking.next_of(txn, survey)
    if question is None:
        _written(txn, survey)
        return said
    if site.text_surveys == TextSurveys.LINK_ONLY and may_be_sent_to(said.address):
        try:
            link = link_for(txn, _written(txn, survey), public_url)
        except NoLongerPossible:
            return said
        return replace(said, values={**said.values, LINK_VALUE: link, "phone": number_in(LINK, site)}, template=LINK)
    asking.is_asked(survey, question, message, txn.now)
    words = _words_around(patient, message.template)
    put = {**asking.said_by(txn, _written(txn, survey), said.language), "phone": number_in(words, site)}
    return replace(said, values={**said.values, **put}, template=words)


def _survey(
    txn: Transaction, patient: Patient, item: AgendaItem, extent: str, live: Sequence[Conversation]
) -> Conversation | None:
    """The patient's own conversation about this item; what a caregiver has begun is left to them.

    A new one is written with its first question in it (``_written``): the patient is held, so nobody else begins one.
    """
    if item.instrument is None:
        return None
    begun = next((one for one in live if one.agenda_key == item.key), None)
    if begun is not None:
        return begun if begun.caregiver_id is None else None
    found = find_instrument(txn, item.instrument)
    if found is None:
        return None
    return drafts.unwritten(
        txn,
        patient,
        drafts.Opening(
            instrument=found.name,
            version=found.version,
            agenda_key=item.key,
            extent=extent,
            language=patient.language,
            closes_at=asking.closes_at(item, txn.now),
        ),
    )


def _written(txn: Transaction, survey: Conversation) -> Conversation:
    """What is in the database already changes with the rest of the breath."""
    if inspect(survey).transient:
        insert_now(txn, survey)
    return survey


def _words_around(patient: Patient, template: str) -> str:
    words = asking.PROMPTS[template]
    is_due = words == asking.PROMPTS["report_due"]
    return asking.DUE_OR_APP if is_due and ChannelKind.IN_APP in patient.channels else words
