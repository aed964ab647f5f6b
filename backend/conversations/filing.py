"""From answers to a report: judged after every answer, filed once, by the same door as every other report."""

from collections.abc import Mapping
from typing import Any

from backend import clock
from backend.conversation_terms import AnswerChannel, Caveat, ConversationStatus
from backend.conversations import drafts, form_questions, script
from backend.conversations.models import Conversation, ConversationAnswer
from backend.conversations.wording import words
from backend.db import Transaction
from backend.errors import InvalidInput
from backend.instruments.definition import Instrument
from backend.patients.models import Patient
from backend.reports.submit import Submission, Submitted, judge, submit_report
from backend.sealing import unseal
from backend.terms import ReportMode, Respondent, Tier

MODES = {AnswerChannel.SMS: ReportMode.SMS, AnswerChannel.WEB_FORM: ReportMode.WEB_FORM}
WHEN_FINISHED = frozenset({ConversationStatus.COMPLETED})


def judge_so_far(
    txn: Transaction, conversation: Conversation, answers: Mapping[str, ConversationAnswer]
) -> Tier | None:
    """How urgent the answers so far are, as if they were a report (see ``judge``); None when nothing is in them.

    Only that is kept, with the conversation: what needs a call is not to be left lying. Call it after every answer.
    """
    tier = _judged(txn, conversation, answers)
    conversation.tier_so_far = tier
    return tier


def _card(answers: Mapping[str, ConversationAnswer]) -> Tier | None:
    """Any sign on the card is an emergency by itself."""
    card = answers.get(script.CARD)
    return Tier.T1 if card is not None and card.value == script.YES else None


def file(
    txn: Transaction,
    conversation: Conversation,
    *,
    status: ConversationStatus,
    answers: Mapping[str, ConversationAnswer] | None = None,
) -> Submitted:
    """Submit what was answered and end the conversation so. Twice is once: the report has the conversation's own id.

    ``answers``: those there are, where they have been read in the patient's turn.

    Raises ``NoLongerPossible`` when it has ended already, and for an end that cannot be, such as of part of nothing.
    """
    drafts.hold(txn, conversation)
    patient = txn.session.get_one(Patient, conversation.patient_id)
    answers = drafts.answers_of(txn, conversation) if answers is None else answers
    sent = _submission(txn, conversation, answers, status)
    drafts.end(txn, conversation, status)
    try:
        return submit_report(txn, patient, sent)
    except InvalidInput as refused:
        if "agenda_key" not in (refused.fields or {}):
            raise
        # The item has become another while it was being answered. No answer is lost for that.
        return submit_report(txn, patient, _without_a_place(sent))


def _judged(txn: Transaction, conversation: Conversation, answers: Mapping[str, ConversationAnswer]) -> Tier | None:
    if not answers:
        return None
    if _card(answers) is not None:
        return _card(answers)
    patient = txn.session.get_one(Patient, conversation.patient_id)
    return judge(txn, patient, _submission(txn, conversation, answers, ConversationStatus.PARTIAL))


def _submission(
    txn: Transaction,
    conversation: Conversation,
    answers: Mapping[str, ConversationAnswer],
    status: ConversationStatus,
) -> Submission:
    asked_by = drafts.instrument_of(txn, conversation)
    patient = txn.session.get_one(Patient, conversation.patient_id)
    answers = _without_what_is_not_picked(txn, asked_by, answers)
    filled = script.filled(asked_by, drafts.values_of(answers))
    newest = max(answers.values(), key=lambda one: one.turn, default=None)
    last_heard = conversation.last_heard_at or txn.now
    return Submission(
        id=conversation.report_id,
        instrument=conversation.instrument,
        instrument_version=conversation.instrument_version,
        language=conversation.language,
        respondent=Respondent.CAREGIVER if conversation.caregiver_id else Respondent.PATIENT,
        mode=MODES[AnswerChannel(newest.channel) if newest else AnswerChannel.SMS],
        started_at=clock.local(conversation.first_answer_at or last_heard, patient.time_zone),
        completed_at=clock.local(last_heard, patient.time_zone),
        agenda_key=conversation.agenda_key,
        answers=tuple({"item": code, "value": value} for code, value in filled.answers.items()),
        measurements=filled.measurements,
        other_symptoms=(
            *_other_symptoms(txn, answers.get(form_questions.OTHER)),
            *_all_in_all(asked_by.content, conversation.language, filled.overall),
        ),
        wants_call=_wants_call(answers),
        provenance=_provenance(filled, answers),
        raised_before=_card(answers),
        caveats=(*filled.caveats, *([] if status in WHEN_FINISHED else [Caveat.NOT_FINISHED])),
    )


def _without_what_is_not_picked(
    txn: Transaction, asked_by: Instrument, answers: Mapping[str, ConversationAnswer]
) -> Mapping[str, ConversationAnswer]:
    """On the form a symptom that is only offered may be picked, answered, and then taken back."""
    picked = answers.get(form_questions.PICKED)
    if picked is None:
        return answers
    slugs = frozenset((unseal(txn, picked, "words_sealed") or "").split())
    taken_back = {item.code for item in asked_by.items.values() if item.offered and item.symptom not in slugs}
    return {code: answer for code, answer in answers.items() if code not in taken_back}


def _other_symptoms(txn: Transaction, other: ConversationAnswer | None) -> tuple[Mapping[str, Any], ...]:
    """What the patient wrote on the form, if anything, and how bad it is."""
    said = unseal(txn, other, "words_sealed") if other is not None else None
    if other is None or not said:
        return ()
    return ({"text": said, "severity": None if other.value is None else int(other.value)},)


def _all_in_all(content: Mapping[str, Any], language: str, overall: int | None) -> tuple[Mapping[str, Any], ...]:
    """One answer for everything, when it is bad, as something in words that a person looks at."""
    if overall is None:
        return ()
    choice = content["severity_choices"][language][overall]
    return ({"text": words(language)["other_symptoms"].format(choice=choice), "severity": overall},)


def _wants_call(answers: Mapping[str, ConversationAnswer]) -> bool:
    asked = answers.get(form_questions.CALL)
    return asked is not None and asked.value == script.YES


def _provenance(filled: script.Filled, answers: Mapping[str, ConversationAnswer]) -> dict[str, dict[str, str]]:
    """Item → by what way and when its answer came; of what texts alone ask, also what it was."""
    card = answers.get(script.CARD)
    came = {code: answers.get(code) or card for code in (*filled.answers, *filled.measurements)}
    found = {code: _came(answer) for code, answer in came.items() if answer is not None}
    for question in script.ONLY_BY_TEXT:
        if question in answers:
            value = answers[question].value
            found[question] = _came(answers[question]) | {"value": "skipped" if value is None else f"{value:g}"}
    for question in (form_questions.OTHER, form_questions.CALL):
        if question in answers:
            found[question] = _came(answers[question])
    return found


def _came(answer: ConversationAnswer) -> dict[str, str]:
    return {"channel": answer.channel, "at": answer.answered_at.isoformat()}


def _without_a_place(sent: Submission) -> Submission:
    return Submission(**{**vars(sent), "agenda_key": None})
