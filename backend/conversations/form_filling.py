"""The plain form as it stands for one conversation, and what happens when a page of it is sent.

Every answer is kept when its page is sent, beside those that came by text message. After each page the answers so far
are judged: what makes an emergency of them is filed at once, and the patient reads what to do.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from backend import audit
from backend.conversation_terms import AnswerChannel, ConversationStatus
from backend.conversations import drafts, filing, form_pages
from backend.conversations.form_pages import Page
from backend.conversations.form_questions import PICKED
from backend.conversations.models import Conversation, ConversationAnswer
from backend.db import Transaction
from backend.instruments.definition import Instrument
from backend.patients.models import Caregiver, Patient
from backend.patients.symptom_report import SymptomReport
from backend.sealing import unseal
from backend.terms import Tier


@dataclass(frozen=True)
class Given:
    """What was answered to one item: None where it was left out; some answers are in words."""

    value: float | None
    words: str | None = None


@dataclass(frozen=True)
class Filling:
    """A questionnaire with the answers there are so far, whichever way each came."""

    conversation: Conversation
    patient: Patient
    caregiver: Caregiver | None
    instrument: Instrument
    answers: Mapping[str, ConversationAnswer]
    words: Mapping[str, str]

    @cached_property
    def values(self) -> Mapping[str, float | None]:
        """Item → what a report would have; None where it was left out."""
        return drafts.values_of(self.answers)

    @property
    def picked(self) -> frozenset[str]:
        """The symptoms picked from those that are only offered."""
        return frozenset(self.words.get(PICKED, "").split())

    @cached_property
    def pages(self) -> tuple[Page, ...]:
        """Every page that the answers leave to be seen."""
        return form_pages.pages_of(self.instrument, self.values, self.picked)

    @property
    def left(self) -> tuple[Page, ...]:
        """The pages with something to ask."""
        return tuple(page for page in self.pages if not form_pages.is_answered(page, self.values))

    @property
    def has_begun_here(self) -> bool:
        """Whether something was answered on the form itself."""
        return any(one.channel == AnswerChannel.WEB_FORM for one in self.answers.values())

    def any_page(self, key: str) -> Page | None:
        """The page of that name, also one that answers have hidden: what is sent from it is kept all the same."""
        offered = [symptom.slug for symptom in self.instrument.offered]
        return form_pages.page_called(form_pages.pages_of(self.instrument, {}, offered), key)

    def next_page(self, after: str | None = None) -> Page | None:
        """The next page with something to ask; None when all is answered."""
        return form_pages.next_page(self.pages, self.values, after)

    def says_already(self, item: str, given: Given) -> bool:
        """Whether this is the answer that is there."""
        known = self.answers.get(item)
        return known is not None and known.value == given.value and (self.words.get(item) or None) == given.words


def filling_of(txn: Transaction, conversation: Conversation) -> Filling:
    """The form of this conversation as it stands."""
    answers = drafts.answers_of(txn, conversation)
    opened = {item: unseal(txn, answer, "words_sealed") for item, answer in answers.items() if answer.words_sealed}
    caregiver_id = conversation.caregiver_id
    return Filling(
        conversation=conversation,
        patient=txn.session.get_one(Patient, conversation.patient_id),
        caregiver=txn.session.get_one(Caregiver, caregiver_id) if caregiver_id else None,
        instrument=drafts.instrument_of(txn, conversation),
        answers=answers,
        words={item: words for item, words in opened.items() if words},
    )


def keep_page(txn: Transaction, filling: Filling, given: Mapping[str, Given], language: str) -> SymptomReport | None:
    """Keep what a page said; the report, if that makes an emergency, which is filed at once.

    A page that is sent twice says nothing new the second time. ``language`` is the one it was read in: what else is
    said about this questionnaire, is said in it.
    """
    conversation = filling.conversation
    _speak(txn, conversation, language)
    news = {item: answer for item, answer in given.items() if not filling.says_already(item, answer)}
    answers = filling.answers
    for item, answer in news.items():
        channel, words = AnswerChannel.WEB_FORM, answer.words
        answers = drafts.record_answer(txn, conversation, item, answer.value, channel=channel, at=txn.now, words=words)
    if not news or filing.judge_so_far(txn, conversation, answers) is not Tier.T1:
        return None
    is_whole = filling_of(txn, conversation).next_page() is None
    end = ConversationStatus.COMPLETED if is_whole else ConversationStatus.PARTIAL
    return filing.file(txn, conversation, status=end).report


def send(txn: Transaction, filling: Filling, language: str) -> SymptomReport:
    """File the whole questionnaire."""
    _speak(txn, filling.conversation, language)
    return filing.file(txn, filling.conversation, status=ConversationStatus.COMPLETED).report


def report_of(txn: Transaction, conversation: Conversation) -> SymptomReport | None:
    """What the questionnaire became; None when nothing of it was filed."""
    return txn.session.get(SymptomReport, (conversation.patient_id, conversation.report_id))


def _speak(txn: Transaction, conversation: Conversation, language: str) -> None:
    if conversation.language != language:
        conversation.language = language
        audit.record(txn, "conversation.language_chosen", conversation)
