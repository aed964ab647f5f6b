"""A text as an answer to the questionnaire that is being asked, and what follows from it.

Danger, death and STOP have come before; here a plain answer, or one of the words a survey knows. Whatever is neither
is left to those who read texts, and the question stays open.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from backend.conversation_terms import AnswerChannel, ConversationStatus, WhyHere
from backend.conversations import (
    answers,
    asking,
    drafts,
    due_forms,
    endings,
    filing,
    printed,
    script,
    states,
    wording,
)
from backend.conversations.answers import Sender
from backend.conversations.commands import may_know
from backend.conversations.models import Conversation, ConversationAnswer
from backend.conversations.open_surveys import OpenSurvey, asked_last, open_surveys
from backend.conversations.reading import (
    Command,
    begins_with_yes,
    command_in,
    read_choice,
    read_number,
    read_score,
    read_temperature,
    says_yes_or_no,
)
from backend.conversations.states import Happened
from backend.conversations.wording import YES_AND_NO
from backend.db import Transaction
from backend.errors import NoLongerPossible
from backend.instruments.definition import instrument
from backend.terms import Language, Tier, WorkReason
from backend.triage.candidates import open_for_text
from backend.worklist.items import open_item
from notifications import inbound
from notifications.models import InboundMessage

# An answer that nobody can read is asked for again so often; after that a person telephones.
ASKED_AGAIN = 2
# Figures and signs alone, and no more than a slip of the finger: a longer number may be somebody's telephone.
MEANT_AS_AN_ANSWER = re.compile(r"[^a-z\u3400-\u9fff]{1,6}", re.IGNORECASE)
NOT_MEASURED = 0
ANSWERED, ANSWERED_BEFORE = "answered", "answered_before"


@dataclass(frozen=True)
class Turn:
    """One text to one survey, what that asks, and whether it had asked it before the text was written."""

    txn: Transaction
    received: InboundMessage
    sender: Sender
    survey: Conversation
    asked: str
    was_asked_before: bool
    # Whether another report has answered meanwhile what the survey asks about.
    is_overtaken: bool


def took(txn: Transaction, received: InboundMessage, sender: Sender) -> bool:
    """Whether this text belonged to a survey, which has then been taken a step further."""
    if received.number_index is None or received.in_reply_to is not None or not answers.may_count(received, sender):
        return False
    text = inbound.text_of(txn, received)
    command = command_in(text)
    if command is Command.SURVEY:
        begin(txn, received, sender)
        return True
    is_meant = command in _WORDS or _is_meant_as_an_answer(text)
    if not is_meant and len(text) > printed.LONGEST and not begins_with_yes(text):
        return False
    being_asked = open_surveys(txn, received, sender)
    turn = _turn_among(being_asked, txn, received, sender)
    if turn is None:
        return is_meant and _may_be_about_the_card(being_asked, txn, received, sender)
    if not is_meant and _degree(turn, text) is None:
        return turn.asked == script.CARD and begins_with_yes(text) and _leave_on_top(txn, received, sender)
    if not turn.was_asked_before:
        _leave_what_came_early(turn)
    elif command in _WORDS:
        _WORDS[command](turn)
    else:
        _take_answer(turn, text)
    return True


def begin(txn: Transaction, received: InboundMessage, sender: Sender) -> None:
    """The questionnaire that is due, from where it stopped; or word that none is."""
    if not may_know(sender):
        answers.leave_to_a_person(txn, received, sender)
        return
    survey = _to_go_on_with(txn, sender) or _newly_due(txn, sender)
    question = asking.next_of(txn, survey) if survey else None
    if survey is None or question is None:
        answers.answer(txn, received, sender, "survey_none", "survey")
        return
    _ask(Turn(txn, received, sender, survey, question, was_asked_before=False, is_overtaken=False), asking.QUESTION)


# --- whose it is, and what it asks --------------------------------------------------------------------------


def turn_of(txn: Transaction, received: InboundMessage, sender: Sender) -> Turn | None:
    """The survey that takes what this text answers, and what it asks; None where none does."""
    return _turn_among(open_surveys(txn, received, sender), txn, received, sender)


def _turn_among(
    being_asked: Sequence[OpenSurvey], txn: Transaction, received: InboundMessage, sender: Sender
) -> Turn | None:
    """The survey whose question is the newest thing asked at this number, of whatever is still open.

    A temperature can answer no reminder: it belongs to the survey that asks for it, also behind one.
    """
    one = asked_last(being_asked)
    if one is None or one.survey.asked is None or not one.was_put:
        return None
    if not one.is_the_newest and not _is_its_temperature(txn, one.survey, received):
        return None
    if one.survey.asked == script.TEMPERATURE and _is_for_a_reminder(txn, received, sender):
        return None
    return Turn(txn, received, sender, one.survey, one.survey.asked, one.was_asked_before, one.is_overtaken)


def _is_its_temperature(txn: Transaction, survey: Conversation, received: InboundMessage) -> bool:
    degrees = read_temperature(inbound.text_of(txn, received)) if survey.asked == script.TEMPERATURE else None
    return degrees is not None and script.may_be(drafts.instrument_of(txn, survey), script.TEMPERATURE, float(degrees))


def _is_for_a_reminder(txn: Transaction, received: InboundMessage, sender: Sender) -> bool:
    """1, 2 and 3 are no temperature. Where a reminder stands beside it that asks for them, they answer that."""
    digit = read_choice(inbound.text_of(txn, received))
    may_be = digit in (answers.YES, answers.PLEASE_CHANGE, answers.CALL_ME)
    return may_be and bool(answers.questions_for(txn, received, sender))


def _may_be_about_the_card(
    being_asked: Sequence[OpenSurvey], txn: Transaction, received: InboundMessage, sender: Sender
) -> bool:
    """1 and 2 answer the card of danger signs too, where a reminder came after it: nobody guesses which was meant."""
    is_open = any(one.survey.asked == script.CARD and one.was_put for one in being_asked)
    if not is_open or yes_or_no(inbound.text_of(txn, received)) is None:
        return False
    reminders = answers.questions_for(txn, received, sender)
    if not reminders:
        return False
    if not answers.was_asked_to_clarify(txn, sender, reminders):
        answers.answer(txn, received, sender, "please_clarify", "asked_to_clarify")
        return True
    return _leave_on_top(txn, received, sender)


def _leave_on_top(txn: Transaction, received: InboundMessage, sender: Sender) -> bool:
    """It may say that a sign of the card is there, and says more or may say something else: a person reads it first."""
    patient = sender.patient
    answers.say(txn, received, sender, "still_unclear_reply")
    inbound.leave_to_a_person(txn, received, patient_id=patient.id, site_id=patient.site_id, why=WhyHere.DANGER)
    return True


def _leave_what_came_early(turn: Turn) -> None:
    """The same answer twice is one answer. Anything else is for a person; the next question is on its way already."""
    last = max(drafts.answers_of(turn.txn, turn.survey).values(), key=lambda one: one.turn, default=None)
    before = turn.txn.session.get(InboundMessage, last.inbound_id) if last and last.inbound_id else None
    said = inbound.text_of(turn.txn, turn.received).strip()
    if before is not None and inbound.text_of(turn.txn, before).strip() == said:
        answers.done(turn.txn, turn.received, turn.sender, ANSWERED_BEFORE)
    else:
        patient = turn.sender.patient
        inbound.leave_to_a_person(turn.txn, turn.received, patient_id=patient.id, site_id=patient.site_id)


# --- taking an answer ---------------------------------------------------------------------------------------


def _is_meant_as_an_answer(text: str) -> bool:
    said = read_number(text) is not None or says_yes_or_no(text) is not None
    return said or MEANT_AS_AN_ANSWER.fullmatch(text.strip()) is not None


def _take_answer(turn: Turn, text: str) -> None:
    number = read_temperature(text) if turn.asked == script.TEMPERATURE else read_number(text)
    found = instrument(turn.txn, turn.survey.instrument, turn.survey.instrument_version)
    if script.is_yes_or_no(found, turn.asked):
        meant = yes_or_no(text)
        _ask_again(turn) if meant is None else _record(turn, meant)
    elif (degree := _degree(turn, text)) is not None:
        _record(turn, degree)
    elif number is None:
        _ask_again(turn)
    elif turn.asked == script.TEMPERATURE and number == NOT_MEASURED:
        _record(turn, None)
    elif script.may_be(found, turn.asked, float(number)):
        _record(turn, float(number))
    else:
        _ask_again(turn)


def _degree(turn: Turn, text: str) -> int | None:
    """What is said of a scale otherwise than by its digit: ``2分``, or the word that is printed there, ``2中等``."""
    found = instrument(turn.txn, turn.survey.instrument, turn.survey.instrument_version)
    if not script.is_a_scale(found, turn.asked):
        return None
    score = read_score(text)
    if score is not None:
        return score if script.may_be(found, turn.asked, score) else None
    choices = [choice for language in Language for choice in wording.choices_of(found, turn.asked, language)]
    return printed.digit_meant(text, printed.printed(choices))


def yes_or_no(text: str) -> int | None:
    """What 1 and 2 mean, or the word that is printed beside them: 有 to the card of danger signs must ring."""
    said = says_yes_or_no(text)
    if said is not None:
        return script.YES if said else script.NO
    return dict(enumerate(YES_AND_NO, start=1)).get(read_choice(text) or 0)


def _record(turn: Turn, value: float | None) -> None:
    """Keep it, hear what is urgent in all that was answered so far, and go on."""
    txn, survey, received = turn.txn, turn.survey, turn.received
    given = drafts.record_answer(
        txn, survey, turn.asked, value, channel=AnswerChannel.SMS, at=received.received_at, inbound_id=received.id
    )
    asking.note_answered(txn, survey)
    survey.asked_since = None
    if filing.judge_so_far(txn, survey, given) is Tier.T1:
        _raise_the_alarm(turn, value)
    elif turn.is_overtaken:
        endings.break_off(txn, survey)
        answers.answer(txn, received, turn.sender, "survey_done", ANSWERED)
    else:
        _go_on(turn, given)


def _raise_the_alarm(turn: Turn, value: float | None) -> None:
    """An emergency is heard with the answers there are; the rest a person asks by telephone."""
    txn, survey = turn.txn, turn.survey
    if turn.asked == script.CARD and value == script.YES:
        open_for_text(txn, turn.sender.patient, turn.received.id)
    filing.file(txn, survey, status=endings.how_it_ends_now(txn, survey))
    answers.answer(txn, turn.received, turn.sender, "danger_reply", "danger")


def _go_on(turn: Turn, given: Mapping[str, ConversationAnswer]) -> None:
    txn, survey = turn.txn, turn.survey
    question = asking.next_of(txn, survey, given)
    if question is not None:
        _ask(replace(turn, asked=question), asking.QUESTION)
        return
    filing.file(txn, survey, status=ConversationStatus.COMPLETED, answers=given)
    answers.answer(txn, turn.received, turn.sender, "survey_done", ANSWERED)


def _ask(turn: Turn, template: str) -> None:
    asking.ask(turn.txn, turn.survey, turn.asked, turn.received, template)
    answers.done(turn.txn, turn.received, turn.sender, ANSWERED)


def _ask_again(turn: Turn) -> None:
    """Twice; then somebody telephones, and the question waits for whatever comes."""
    turn.survey.unclear += 1
    if turn.survey.unclear <= ASKED_AGAIN:
        _ask(turn, asking.AGAIN)
        return
    open_item(
        turn.txn,
        reason=WorkReason.SURVEY_UNCLEAR,
        key=f"survey-unclear:{turn.survey.id}",
        site_id=turn.survey.site_id,
        patient_id=turn.survey.patient_id,
        due_at=turn.txn.now,
    )
    turn.survey.status = states.after(turn.survey.status, Happened.FELL_SILENT)
    answers.leave_to_a_person(turn.txn, turn.received, turn.sender)


# --- the words of a survey ----------------------------------------------------------------------------------


def _skip(turn: Turn) -> None:
    _record(turn, None)


def _go_back(turn: Turn) -> None:
    """The question before, once more; the first one again where there is none before it."""
    found = drafts.instrument_of(turn.txn, turn.survey)
    values = drafts.values_of(drafts.answers_of(turn.txn, turn.survey))
    before = script.question_before(found, turn.survey.extent, values, turn.asked)
    _ask(replace(turn, asked=before or turn.asked), asking.QUESTION)


def _leave_for_later(turn: Turn) -> None:
    turn.survey.status = states.after(turn.survey.status, Happened.FELL_SILENT)
    answers.answer(turn.txn, turn.received, turn.sender, "survey_later", "later")


def _decline(turn: Turn) -> None:
    """What was answered before is filed; nobody asks for the rest. "No" to a yes or no may mean the 2: asked again."""
    found = instrument(turn.txn, turn.survey.instrument, turn.survey.instrument_version)
    if script.is_yes_or_no(found, turn.asked) and says_yes_or_no(inbound.text_of(turn.txn, turn.received)) is not None:
        _ask_again(turn)
        return
    if turn.survey.first_answer_at is not None:
        filing.file(turn.txn, turn.survey, status=ConversationStatus.REFUSED)
    else:
        drafts.end(turn.txn, turn.survey, ConversationStatus.REFUSED)
    answers.answer(turn.txn, turn.received, turn.sender, "survey_declined", "declined")


_WORDS = {
    Command.SKIP: _skip,
    Command.BACK: _go_back,
    Command.LATER: _leave_for_later,
    Command.NOT_ANSWERING: _decline,
}


# --- beginning ----------------------------------------------------------------------------------------------


def _to_go_on_with(txn: Transaction, sender: Sender) -> Conversation | None:
    """What this person is being asked, the newest of it."""
    still = (one for one in endings.of(txn, sender) if one.closes_at is None or one.closes_at > txn.now)
    return next(still, None)


def _newly_due(txn: Transaction, sender: Sender) -> Conversation | None:
    """The questionnaire that is due; None where none is, or somebody else has begun to answer it."""
    item = next(iter(due_forms.due(txn, sender.patient)), None)
    if item is None:
        return None
    try:
        return due_forms.conversation_to_fill(txn, sender.patient, item.key, caregiver=sender.caregiver)
    except NoLongerPossible:
        return None
