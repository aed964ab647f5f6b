"""May this message still be sent, to whom, how, and in which language? Decided here and nowhere else.

The mailroom asks at the last moment, in the transaction that writes down that it is about to speak. Whatever
changed since the message was planned - a death, a STOP, an answer, a moved date - is therefore seen.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from uuid import UUID

from backend import clock
from backend.agenda.calendar import by_key
from backend.agenda.course import AgendaItem
from backend.agenda.history import protocol_for
from backend.agenda.news import CANCELLED, NEWS, days_in, nearest_day
from backend.agenda.planning import INSTEAD_OF, letters_for
from backend.agenda.reminders import AHEAD_OR_OPEN
from backend.conversations import asking
from backend.conversations.channels import BY
from backend.conversations.dead_letters import undelivered
from backend.conversations.first_questions import first_question
from backend.conversations.form_letters import with_its_link
from backend.conversations.known import AtTheSite, Known, number_that_wrote
from backend.conversations.loops import ALWAYS_SAID
from backend.conversations.release_to_former import number_to_tell
from backend.conversations.release_to_staff import NO_WAYS, StaffWays, release_to_staff
from backend.conversations.release_to_writer import release_to_writer
from backend.conversations.unread_deaths import may_have_to_wait, must_wait
from backend.conversations.whom_to_call import number_in
from backend.db import Transaction
from backend.patients import contact, life
from backend.patients.models import Caregiver, Patient
from backend.patients.new_numbers import is_confirmed
from backend.sealing import is_forgotten, unseal
from backend.terms import (
    NO_LONGER_FOLLOWED,
    AgendaKind,
    ChannelKind,
    Language,
    MessageStatus,
    PatientStatus,
    Recipient,
    Urgency,
)
from backend.triage import questions
from backend.worklist import phone_checks
from notifications import Later, Send, Suppress, numbers, opt_outs
from notifications.dispatcher import Decision, Release, Trial
from notifications.models import Message
from notifications.outbox import Letter
from notifications.quiet_hours import next_allowed
from notifications.templates import Template

LOOK_AGAIN = timedelta(hours=1)
# Long enough for what was claimed in the same round to have left.
A_MOMENT = timedelta(minutes=1)
TO_LEAVE = frozenset({MessageStatus.QUEUED, MessageStatus.CLAIMED})


@dataclass(frozen=True)
class _Question:
    """What every step of the decision looks at."""

    txn: Transaction
    message: Message
    patient: Patient
    template: Template
    site: AtTheSite
    known: Known
    public_url: str

    @cached_property
    def question(self) -> asking.Question | None:
        """Of a message that asks the next question of a conversation, that question while it is still open."""
        return asking.asked_by(self.txn, self.message) if self.template.name in asking.ASKS else None


def release(
    txn: Transaction, message: Message, template: Template, ways: StaffWays = NO_WAYS, known: Known | None = None
) -> Decision:
    """Send, later, or not at all and why. The first rule that refuses decides.

    ``known`` is of all patients whose messages are decided about together.
    """
    if message.recipient == Recipient.STAFF:
        return release_to_staff(txn, message, template, ways)
    if message.recipient == Recipient.WRITER:
        return release_to_writer(txn, message)
    if message.patient_id is None:
        return Suppress("nobody_to_write_to")
    known = known or Known(txn, [message.patient_id])
    patient = known.patients[message.patient_id]
    question = _Question(txn, message, patient, template, known.site_of[patient.id], known, ways.public_url)
    for rule in _RULES:
        refused = rule(question)
        if refused is not None:
            return refused
    return with_its_link(txn, message, _to_whom(question), ways.public_url)


def _about_forgetting(asked: _Question) -> Decision | None:
    """Whoever was forgotten cannot be written to, and nothing may be kept of what would be said."""
    return Suppress("forgotten") if is_forgotten(asked.txn, asked.patient.id) else None


def _about_life(asked: _Question) -> Decision | None:
    """Not one text reaches the dead, nor a family whose report of a death still waits to be confirmed.

    The kind answer to whoever wrote of the death, and the emergency number to whoever wrote of a danger, are the
    exceptions: they go to the living. What was planned survives a hold, which may have been a mistake; an answer
    to a text does not, because nobody understands it days later.
    """
    if asked.template.name in ALWAYS_SAID:
        return None
    if life.is_dead(asked.patient):
        return Suppress("died")
    held = asked.known.holds.get(asked.patient.id)
    if not held:
        return None
    if asked.message.urgency == Urgency.REPLY:
        return Suppress(held[0])
    return Later(asked.txn.now + LOOK_AGAIN, held[0])


def _about_consent(asked: _Question) -> Decision | None:
    if asked.patient.status == PatientStatus.WITHDRAWN and asked.template.name not in ALWAYS_SAID:
        return Suppress("withdrawn")
    return None


def _about_the_caregiver(asked: _Question) -> Decision | None:
    """Nobody is asked about a patient who has not been named for that, or is not any more."""
    if asked.message.recipient != Recipient.CAREGIVER or asked.message.in_reply_to is not None:
        return None
    caregiver = asked.txn.session.get(Caregiver, asked.message.caregiver_id) if asked.message.caregiver_id else None
    if caregiver is None or caregiver.ended_at or not caregiver.may_confirm_survival:
        return Suppress("no_caregiver")
    return None


def _about_the_agenda(asked: _Question) -> Decision | None:
    """Still unanswered, still confirmed, still on the date it speaks of, and not said better by another?"""
    message = asked.message
    if message.agenda_key is None or message.template == f"infusion_{CANCELLED}":
        return None
    items = asked.known.items_about(message)
    item = by_key(items).get(message.agenda_key)
    if item is None:
        return Suppress("cancelled")
    if item.state not in AHEAD_OR_OPEN:
        return Suppress(item.state.value)
    if not message.key.startswith(f"{item.key}@{item.due_on.isoformat()}:"):
        return Suppress("moved")
    if message.template in NEWS:
        return None
    said = _about_the_news(asked) if item.kind is AgendaKind.INFUSION else None
    if said is not None:
        return said
    letter = _letters(asked, items).get(message.values.get(INSTEAD_OF, message.key))
    if letter is None:
        return Suppress("newer_prompt_due")
    return Suppress("covered_by") if "covered_by" in letter.values else None


def _letters(asked: _Question, items: Sequence[AgendaItem]) -> Mapping[str, Letter]:
    """By key, the reminders that these items call for now. None while contact is held or has ended."""
    patient = asked.patient
    if patient.status in NO_LONGER_FOLLOWED or patient.id in asked.known.holds:
        return {}
    are_told = any(prompt.to is Recipient.CAREGIVER for item in items for prompt in item.row.prompts)
    named = asked.known.caregivers[patient.id] if are_told else ()
    return letters_for(asked.txn, patient, items, named, asked.site.time_zone)


def _about_the_news(asked: _Question) -> Decision | None:
    """A day confirmed after its reminder's time is announced by the confirmation; twice would only confuse.

    News that is still to leave is waited for. News that was itself held back has told nobody.
    """
    message = asked.message
    same = [one for one in asked.known.news_since(message) if set(days_in(message)) <= set(days_in(one))]
    if any(one.channel is not None for one in same):
        return Suppress("said_already")
    waiting = [one.next_try_at for one in same if one.status in TO_LEAVE]
    return Later(max(asked.txn.now, *waiting) + A_MOMENT, "news_waits") if waiting else None


def _about_what_was_asked(asked: _Question) -> Decision | None:
    """A question of the team's is not put any more once it is answered or what it was about is closed."""
    if asked.message.template != questions.TEMPLATE or questions.is_still_asked(asked.txn, asked.message):
        return None
    return Suppress("no_longer_asked")


def _about_words_of_death(asked: _Question) -> Decision | None:
    """Somebody has written that the patient died, or may have: until a person has read it, what was planned waits."""
    if may_have_to_wait(asked.message) and must_wait(asked.message, asked.known.unread_deaths.get(asked.patient.id)):
        return Later(asked.txn.now + LOOK_AGAIN, "death_unread")
    return None


def _about_a_survey(asked: _Question) -> Decision | None:
    """While questions are being answered by text, routine texts wait; an infusion, a danger and a reply do not.

    What would come too late then is said all the same.
    """
    message = asked.message
    if message.template in asking.ASKS:
        return None if asked.question else Suppress("asked_since")
    may_wait = message.urgency == Urgency.ROUTINE or message.template in asking.PROMPTS
    if message.in_reply_to is not None or not may_wait:
        return None
    until = asking.busy_until(asked.txn, asked.known.surveys[asked.patient.id], message)
    is_too_late = until is not None and message.expires_at is not None and until >= message.expires_at
    return None if until is None or is_too_late else Later(until, "survey_runs")


def _about_hours(asked: _Question) -> Decision | None:
    """The patient's night is left in peace, but for answers to their own words and for changes within a day."""
    if asked.message.urgency == Urgency.REPLY or _is_news_of_tomorrow(asked):
        return None
    usual = protocol_for(asked.txn, asked.patient).messaging
    window = contact.quiet_window(asked.patient, usual_from=usual.quiet_from, usual_to=usual.quiet_to)
    allowed = next_allowed(asked.txn.now, window.zone, window.starts, window.ends)
    return Later(allowed, "quiet_hours") if allowed > asked.txn.now else None


def _is_news_of_tomorrow(asked: _Question) -> bool:
    """A confirmation, a move or a cancellation of a day so close that it must not wait for the morning."""
    cells = protocol_for(asked.txn, asked.patient).cells
    if asked.template.name not in NEWS or cells is None:
        return False
    begins = clock.start_of_day(nearest_day(asked.message), asked.site.time_zone)
    return begins - asked.txn.now < timedelta(hours=cells.send_at_once_under_hours)


def _about_the_cap(asked: _Question) -> Decision | None:
    """Only so many routine texts a day; infusions, safety and answers are outside the cap."""
    if asked.message.urgency != Urgency.ROUTINE:
        return None
    usual = protocol_for(asked.txn, asked.patient).messaging
    if not asked.known.has_had_enough(asked.patient.id, usual.sms_per_day):
        return None
    zone = asked.patient.time_zone
    tomorrow = clock.local_day(asked.txn.now, zone) + timedelta(days=1)
    return Later(clock.at_local(tomorrow, usual.preferred_time, zone), "daily_cap")


_RULES = (
    _about_forgetting,
    _about_life,
    _about_consent,
    _about_the_caregiver,
    _about_the_agenda,
    _about_what_was_asked,
    _about_words_of_death,
    _about_a_survey,
    _about_hours,
    _about_the_cap,
)


def _to_whom(asked: _Question) -> Decision:
    message = asked.message
    if message.in_reply_to is not None:
        return _back_to_the_sender(asked, message.in_reply_to)
    if message.recipient == Recipient.CAREGIVER:
        return _to_the_caregiver(asked)
    if message.recipient == Recipient.FORMER_NUMBER:
        return _to_the_former_number(asked)
    return _to_the_patient(asked)


def _back_to_the_sender(asked: _Question, inbound_id: UUID) -> Decision:
    """An answer goes to the number that wrote, whoever's it is."""
    number = number_that_wrote(asked.txn, inbound_id)
    if number is None:
        return _send(asked, ChannelKind.IN_APP, str(asked.patient.id))
    return _send(asked, ChannelKind.SMS, number)


def _to_the_caregiver(asked: _Question) -> Decision:
    number = contact.address_of(asked.txn, asked.message)
    return Suppress("no_number") if number is None else _send(asked, ChannelKind.SMS, number)


def _to_the_former_number(asked: _Question) -> Decision:
    told = number_to_tell(asked.txn, asked.message)
    return told if isinstance(told, Suppress) else _send(asked, ChannelKind.SMS, told)


def _to_the_patient(asked: _Question) -> Decision:
    """By text where the patient allows texts: the app's inbox shows it too, but cannot call anybody to it."""
    only = asked.message.values.get(BY)
    channels = [way for way in asked.patient.channels if only is None or way == only]
    number = asked.known.phones.get(asked.patient.id) if ChannelKind.SMS in channels else None
    hindrance = _why_no_text(asked, number)
    is_fit = _fits_a_text_message(asked)
    if number is not None and hindrance is None and is_fit:
        return _by_text(asked, number)
    if ChannelKind.IN_APP in channels:
        return _send(asked, ChannelKind.IN_APP, str(asked.patient.id))
    if _words_of(asked) is not None:
        # Somebody waits for the answer, and must hear that it cannot come this way.
        undelivered(asked.txn, asked.message)
    if not is_fit:
        return Suppress("not_for_a_text_message")
    assert hindrance is not None, "Nothing else keeps a text from going."
    return hindrance


def _by_text(asked: _Question, number: str) -> Decision:
    """A prompt for a questionnaire puts its first question at once, or the one at which it stopped."""
    message = asked.message
    may_ask = is_confirmed(asked.patient)
    if message.template not in asking.PROMPTS or message.agenda_key is None or not may_ask:
        return _send(asked, ChannelKind.SMS, number)
    if asked.known.has_declined(asked.patient.id, message.agenda_key):
        return Suppress("declined")
    item = by_key(asked.known.items_about(message)).get(message.agenda_key)
    said = _send(asked, ChannelKind.SMS, number)
    if item is None:
        return said
    return first_question(asked.txn, message, item, said, known=asked.known, public_url=asked.public_url)


def _why_no_text(asked: _Question, number: str | None) -> Suppress | None:
    """What the number itself stands in the way with; whoever can put it right is asked to."""
    if number is None:
        return Suppress("no_number")
    if numbers.is_malformed(number):
        phone_checks.ask_to_correct(asked.txn, asked.message)
        return Suppress(numbers.MALFORMED)
    # The mailroom makes sure, and asks again if need be: it holds the number from then until the message is begun.
    if (number, opt_outs.OPTED_OUT) in asked.known.against:
        return Suppress(opt_outs.OPTED_OUT)
    if (number, numbers.OF_NO_USE) in asked.known.against:
        phone_checks.ask_to_check(asked.txn, asked.message, number)
        return Suppress(numbers.OF_NO_USE)
    if asked.message.asks is not None:
        _say_whose_else_it_is(asked, number)
    return None


def _say_whose_else_it_is(asked: _Question, number: str) -> None:
    """A shared telephone is texted, for each patient by themselves; only its answers need a person."""
    if any(one != asked.patient.id for one in asked.known.sharers.get(number, ())):
        others = [one for one in contact.patients_by_phone(asked.txn, number) if one.id != asked.patient.id]
        phone_checks.say_it_is_shared(asked.txn, asked.message, others)


def _fits_a_text_message(asked: _Question) -> bool:
    """What a person wrote for the app alone stays there, also when the patient has chosen texts since.

    To a number at which nobody has shown who they are yet, nothing goes that a person wrote.
    """
    words = _words_of(asked)
    return words is None or (is_confirmed(asked.patient) and questions.may_be_texted(asked.txn, asked.patient, words))


def _words_of(asked: _Question) -> str | None:
    return unseal(asked.txn, asked.message, "words_sealed")


def _send(asked: _Question, channel: ChannelKind, address: str) -> Send:
    phone = number_in(asked.template.name, asked.site)
    values = {name: str(value) for name, value in asked.message.values.items()}
    words = _words_of(asked)
    if words is not None:
        values["words"] = words
    if asked.question is not None:
        values |= asking.said_by(asked.txn, asked.question, asked.patient.language)
    return Send(channel, address, Language(asked.patient.language), {**values, "phone": phone})


def releasing_with(templates: Mapping[str, Template], ways: StaffWays) -> Trial:
    """``release`` as the mailroom calls it, once the texts are loaded."""

    def about(txn: Transaction, patient_ids: Collection[UUID]) -> Release:
        known = Known(txn, patient_ids)

        def decide(txn: Transaction, message: Message) -> Decision | None:
            is_left_out = message.patient_id is not None and message.patient_id not in known.patients
            return None if is_left_out else release(txn, message, templates[message.template], ways, known)

        return decide

    return about
