"""The form of a serious event for the printer: two languages, no name, and words only for who may read them."""

from datetime import date

import pytest

from backend.adverse_events.safety_form import days_since
from tests import people
from tests.adverse_events.serious import API, JUDGED, Ward
from tests.reports.test_corrections import correction
from tests.sent import answers, report_body

NOTE = "Ann <b>Zhang</b> was very short of breath."


def test_days_since_the_last_infusion_count_to_the_onset():
    given = [date(2027, 3, 16), date(2027, 3, 17)]

    assert days_since(given, date(2027, 3, 20)) == 3
    assert days_since(given, date(2027, 3, 16)) == 0
    assert days_since(given, date(2027, 3, 1)) is None


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_form_names_nobody_and_keeps_words_from_those_who_may_not_read_them(db, client):
    ward = Ward(db, client)
    event, harmless = ward.enter(note=NOTE), ward.enter(serious=[])
    ward.report(event, sent_at="2027-03-01T08:00:00+08:00", recipients=["Dr. Liu"])
    where = f"/api/v1/adverse-events/{event['id']}/safety-form"
    monitor, stranger = people.monitor(db).headers, people.investigator(db, "site-02").headers

    english = client.get(f"{where}?language=en", headers=ward.physician)
    chinese = client.get(where, headers=ward.physician | {"Accept-Language": "zh-CN"})
    of_monitor = client.get(f"{where}?language=en", headers=monitor)
    not_serious = client.get(f"/api/v1/adverse-events/{harmless['id']}/safety-form", headers=ward.physician)

    assert (english.status_code, english.mimetype) == (200, "text/html")
    assert (english.headers["Content-Language"], chinese.headers["Content-Language"]) == ("en", "zh-CN")
    assert all(
        words in english.text for words in ("01-0001", "1961", "Cytokine release syndrome", "DRAFT - not signed")
    )
    assert all(words in chinese.text for words in ("细胞因子释放综合征", "草稿：尚未签名", "住院或住院时间延长"))
    assert "Ann &lt;b&gt;Zhang&lt;/b&gt;" in english.text
    assert "Dr. Liu" in english.text
    assert not [words for words in ("Zhang", "Dr. Liu", people.ANNS_PHONE) if words in of_monitor.text]
    assert "<style" not in english.text
    assert "<script" not in english.text
    assert " style=" not in english.text
    assert (not_serious.status_code, not_serious.json["code"]) == (409, "not_serious")
    assert client.get(where, headers=stranger).status_code == 404


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_what_a_correction_said_stands_on_the_form_as_a_correction_in_its_own_words(db, client):
    ward = Ward(db, client)
    phone = people.phone_of(db, ward.ann).headers
    first = report_body(answers=answers(checklist__seizure=0))
    seizure = {"answers": answers(checklist__seizure=1), "other_symptoms": [{"text": "my arm shook"}]}
    client.post(f"{API}/me/reports", json=first, headers=phone)
    client.post(f"{API}/me/reports/{first['id']}/corrections", json=correction(**seizure), headers=phone)
    queue = client.get(f"{API}/candidate-events?tier=T1", headers=ward.coordinator).json["items"]
    event = client.post(
        f"{API}/candidate-events/{queue[0]['id']}/confirmations", json=JUDGED, headers=ward.coordinator
    ).json

    where = f"{API}/adverse-events/{event['id']}/safety-form"
    english = client.get(f"{where}?language=en", headers=ward.physician).text
    chinese = client.get(f"{where}?language=zh-CN", headers=ward.physician).text

    assert "my arm shook" in english
    assert [" · correction" in english, " · 更正" in chinese] == [True, True]
    assert "Text message" not in english
