"""A gateway of approved templates: what it takes, what it refuses, and what it leaves in doubt."""

import socket
import time
from dataclasses import replace
from uuid import UUID, uuid4

import pytest

from backend.doctor import examine
from backend.symptoms import Health
from backend.terms import AttemptStatus, ChannelKind, Language, MessageStatus
from notifications.channels import Absent, Accepted, CannotTell, Envelope, Refusal, Sought, Undeliverable
from notifications.channels.calls import Unanswered, Unreached
from notifications.channels.template_gateway import (
    LEAVES_IN_DOUBT,
    REFUSALS,
    TemplateGateway,
    as_registered,
    why_refused,
)
from notifications.channels.template_wire import Answered
from notifications.templates import render
from tests.fakes.template_gateway_books import SIGN_NAME
from tests.fakes.template_gateway_process import registered, write_map
from tests.notifications.conftest import ANNS_NUMBER
from tests.notifications.template_gateway.conftest import LITTLE_PATIENCE, SILENT, TEXTS, VALUES, settled


def envelope(
    name: str = "visit_reminder", language: Language = Language.CHINESE, address: str = ANNS_NUMBER, **values: str
) -> Envelope:
    said = VALUES | values
    return Envelope(address, render(TEXTS[name], language, said), language, name, said)


def refused(channel: TemplateGateway, letter: Envelope | None = None) -> tuple[str, Refusal]:
    with pytest.raises(Undeliverable) as refusal:
        channel.send(letter or envelope(), uuid4())
    return refusal.value.code, refusal.value.why


def sought(attempt_id: UUID) -> Sought:
    return Sought(attempt_id, envelope(), None)


@pytest.mark.parametrize("language", list(Language))
@pytest.mark.parametrize("name", ["visit_reminder", "infusion_confirmed", "page_reply", "question", "stop_reply"])
def test_a_telephone_shows_the_words_that_we_rendered(channel, fake, name, language):
    values = {"dates": "2027-03-17,2027-03-18", "subject": "01-0007", "count": "2", "words": "昨晚{1}睡得好吗？\n真的"}
    letter = envelope(name, language, **values)

    accepted = channel.send(letter, attempt := uuid4())

    (row,) = fake.books()["taken"].values()
    assert row["text"] == letter.text
    assert (row["out_id"], row["biz_id"], row["sign_name"]) == (str(attempt), accepted.provider_id, SIGN_NAME)
    assert accepted.delivered is False


@pytest.mark.parametrize("code", sorted(REFUSALS))
def test_every_code_of_the_table_is_a_refusal_of_its_class(channel, fake, code):
    fake.next("answer", answer={"code": code, "message": "no"}, status=200 if code != "429" else 429)

    assert refused(channel) == (code, REFUSALS[code])
    assert fake.texts() == []


def test_a_code_that_nobody_has_classed_is_an_unknown_refusal(channel, fake):
    fake.next("answer", answer={"code": "NEW_RULE", "message": "no"})

    assert refused(channel) == ("NEW_RULE", Refusal.UNKNOWN)
    assert why_refused("NEW_RULE") is Refusal.UNKNOWN


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"secret": "another secret that is long"}, "BAD_SIGNATURE"),
        ({"app_id": "app-8"}, "APP_UNKNOWN"),
        ({"sign_name": "别的名字"}, "SIGN_NAME_UNKNOWN"),
    ],
)
def test_the_gateway_itself_refuses_what_is_not_signed_registered_or_ours(account, reaching, changes, code):
    assert refused(reaching(replace(account, **changes))) == (code, Refusal.CONFIGURATION)


def test_a_clock_that_jumped_hours_is_a_matter_of_configuration_and_of_nobodys_message(channel, fake, clock):
    fake.switch(window=300)

    assert refused(channel) == ("STALE_TIMESTAMP", Refusal.CONFIGURATION)


def test_a_template_that_is_not_approved_and_a_number_that_is_none_are_told_apart(channel, fake):
    assert refused(channel, envelope(address="+862012345678")) == ("NUMBER_MALFORMED", Refusal.NUMBER_OF_NO_USE)

    fake.register({"T-kind_reply-en": {"state": "PENDING", "text": "?"}})
    try:
        assert refused(channel, envelope("kind_reply", Language.ENGLISH)) == (
            "TEMPLATE_NOT_APPROVED",
            Refusal.TRANSIENT,
        )
    finally:
        ours = as_registered(TEXTS["kind_reply"], Language.ENGLISH, [])
        fake.register({"T-kind_reply-en": {"state": "APPROVED", "text": ours}})


@pytest.mark.parametrize(
    "words", ["看 https://t.cn/abc", "www.example.com", "详见hospital.org.cn", "医院.中国", "see BIT.LY/x"]
)
def test_no_address_goes_to_a_number_of_mainland_china(channel, fake, words):
    assert refused(channel, envelope("question", words=words)) == ("address_in_text", Refusal.FINAL)
    assert fake.texts() == []


def test_what_is_longer_than_the_gateway_takes_is_not_cut_but_given_to_a_person(account, reaching, listed, fake):
    short = reaching(account, replace(listed, longest_parameter=20))

    assert refused(short, envelope("question", words="字" * 21)) == ("parameter_too_long", Refusal.FINAL)
    short.send(envelope("question", words="字" * 20), uuid4())
    assert len(fake.texts()) == 1


UNCERTAIN = [
    {"do": "drop", "accepting": True},
    {"do": "hang", "accepting": True, "seconds": LITTLE_PATIENCE * 2},
    {"do": "dribble", "accepting": True},
    {"do": "page", "accepting": True},
    {"do": "page", "accepting": True, "status": 502},
    {"do": "status", "accepting": True, "status": 503, "code": "CONTENT_REFUSED"},
    {"do": "status", "accepting": True, "status": 302, "code": "OK"},
    {"do": "answer", "accepting": True, "answer": ["OK"]},
    {"do": "answer", "accepting": True, "answer": {"code": "OK", "biz_id": "b", "out_id": "another"}},
    {"do": "answer", "accepting": True, "answer": {"code": 0}},
    *({"do": "answer", "accepting": True, "answer": {"code": code}} for code in sorted(LEAVES_IN_DOUBT)),
]


@pytest.mark.parametrize("fault", UNCERTAIN, ids=lambda fault: "-".join(str(one) for one in fault.values()))
def test_whatever_is_no_plain_answer_leaves_us_in_doubt_until_we_ask_for_our_own_id(channel, impatient, fake, fault):
    fake.next(**fault)
    attempt, began = uuid4(), time.monotonic()

    with pytest.raises(Unanswered):
        (impatient if fault["do"] in SILENT else channel).send(envelope(), attempt)

    if fault["do"] in SILENT:
        # The whole of a call ends, however often a little of the answer arrives.
        assert time.monotonic() - began < LITTLE_PATIENCE + 4
    (row,) = fake.books()["taken"].values()
    assert channel.find(sought(attempt)) == Accepted(row["biz_id"], delivered=True)
    assert channel.find(sought(uuid4())) == Absent()


def test_a_question_that_has_no_answer_is_asked_again_and_one_that_comes_too_late_is_a_persons(channel, fake):
    fake.next("page", on="/sms/query")
    with pytest.raises(Unanswered):
        channel.find(sought(uuid4()))

    fake.next("answer", on="/sms/query", status=302, answer={"code": "OK", "messages": []})
    with pytest.raises(Unanswered):
        channel.find(sought(uuid4()))

    fake.next("answer", on="/sms/query", answer={"code": "APP_FLOW_LIMIT"})
    with pytest.raises(Answered):
        channel.find(sought(uuid4()))

    fake.next("answer", on="/sms/query", answer={"code": "QUERY_TOO_OLD"})
    assert channel.find(sought(uuid4())) == CannotTell()


def test_two_of_one_id_or_another_id_than_asked_for_is_for_a_person(channel, fake):
    attempt = uuid4()
    one = {"out_id": str(attempt), "biz_id": "b1", "state": "SENT"}

    for found in ([one, one], [{**one, "out_id": str(uuid4())}], [{**one, "biz_id": None}], ["b1"]):
        fake.next("answer", on="/sms/query", answer={"code": "OK", "messages": found})

        assert channel.find(sought(attempt)) == CannotTell()


def test_where_nobody_listens_nothing_was_sent(account, reaching):
    with socket.create_server(("127.0.0.1", 0)) as free:
        nobody = f"http://127.0.0.1:{free.getsockname()[1]}"

    assert refused(reaching(replace(account, base_url=nobody))) == ("template_unreachable", Refusal.TRANSIENT)


def test_words_of_a_halted_process_that_come_after_their_time_do_not_leave(channel, fake):
    letter, attempt = envelope(), str(uuid4())
    said = {"out_id": attempt, "phone": ANNS_NUMBER, "sign_name": SIGN_NAME, **channel._in_its_terms(letter)}

    with pytest.raises(Unreached):
        channel._wire.ask("/sms/send", said, until=time.monotonic() - 0.01)
    late = fake.texts()
    channel._wire.ask("/sms/send", said, until=time.monotonic() + 30)

    assert (late, fake.texts()) == ([], [letter.text])


def test_it_tells_where_telephones_would_show_other_words(channel, fake):
    assert channel.differences() == []

    other = {"T-help_reply-en": {"state": "APPROVED", "text": "Call {1}"}}
    fake.register({**other, "T-stop_reply-zh-CN": {"state": "REFUSED", "text": ""}})
    try:
        assert channel.differences() == ["help_reply in en reads otherwise", "stop_reply in zh-CN is not approved"]
    finally:
        fake.register(registered())


def test_the_doctor_asks_what_was_approved_and_prints_no_secret(fake, tmp_path, monkeypatch):
    said = fake.settings(write_map(tmp_path / "map.yaml"), MODE="test", HOME=str(tmp_path))
    for name, value in said.items():
        monkeypatch.setenv(f"FOLLOWUP_{name}", value)
    well = {one.name: one for one in examine()}
    monkeypatch.setenv("FOLLOWUP_TEMPLATE_SECRET", "a secret of another".replace(" ", "-"))
    ill = {one.name: one for one in examine()}
    (tmp_path / "map.yaml").write_text("templates: {}")
    worse = {one.name: one for one in examine()}

    name = "registered templates"
    assert [found[name].health for found in (well, ill, worse)] == [Health.OK, Health.FAILED, Health.FAILED]
    assert "BAD_SIGNATURE" in ill[name].saw
    assert "map.yaml:1: visit_reminder is missing" in worse[name].saw
    assert "a-secret" not in repr(ill)


@pytest.mark.parametrize("fault", UNCERTAIN[:2], ids=lambda fault: fault["do"])
def test_what_was_taken_in_silence_is_found_and_said_once(posted, later, channel, impatient, fake, fault):
    fake.next(**fault)
    message_id = posted.queue()
    posted.channels[ChannelKind.SMS] = impatient if fault["do"] in SILENT else channel

    posted.dispatch()
    posted.channels[ChannelKind.SMS] = channel
    later("2027-03-01T08:02:00+08:00")
    for _ in range(3):
        posted.reconcile()
        posted.dispatch()

    assert settled(posted, message_id) == (MessageStatus.DELIVERED, [AttemptStatus.ACCEPTED])
    assert len(fake.texts()) == 1


def test_what_was_never_taken_is_said_again_after_two_looks_a_minute_apart(posted, later, fake):
    fake.next("drop")
    message_id = posted.queue()

    posted.dispatch()
    for moment in ("08:02:00", "08:02:59", "08:03:01"):
        later(f"2027-03-01T{moment}+08:00")
        assert fake.texts() == []
        posted.reconcile()
    later("2027-03-01T08:03:05+08:00")
    posted.dispatch()

    assert settled(posted, message_id) == (MessageStatus.SENT, [AttemptStatus.ABSENT, AttemptStatus.ACCEPTED])
    assert len(fake.texts()) == 1
