"""What a client receives: enough to ask, branch, check and warn without knowing anything itself."""

import json

import pytest

from backend.instruments.document import as_document
from backend.terms import Language
from tests.study import contents, instrument


@pytest.mark.parametrize("name", list(contents()))
@pytest.mark.parametrize("language", list(Language))
def test_every_instrument_can_be_said_in_every_language(name, language):
    document = json.loads(json.dumps(as_document(instrument(name), language.value)))

    assert document["name"] == name
    assert document["language"] == language
    assert [item["item"] for item in document["items"]] == list(instrument(name).items)
    assert all(item["question"] for item in document["items"])


def test_an_item_carries_question_choices_branching_and_term():
    document = as_document(instrument("weekly"), "en")

    item = next(item for item in document["items"] if item["item"] == "nausea.severity")

    assert item["choices"][0] == {"value": 0, "label": "None"}
    assert [choice["value"] for choice in item["choices"]] == [0, 1, 2, 3, 4]
    assert item["enable_when"] == [{"item": "nausea.frequency", "operator": "!=", "value": 0}]
    assert item["ctcae"] == {"code": "10028813", "term": "Nausea"}


def test_a_measurement_carries_its_bounds_and_unit():
    document = as_document(instrument("safety"), "zh-CN")

    weight = next(entry for entry in document["measurements"] if entry["name"] == "weight_kg")

    assert (weight["minimum"], weight["maximum"], weight["step"], weight["unit"]) == (25, 200, 0.1, "公斤")
    assert weight["asked"] is True


def test_the_time_asked_about_is_said_for_each_part():
    ad_hoc = as_document(instrument("ad_hoc"), "en")

    assert [part["recall"]["period"] for part in ad_hoc["parts"]] == ["PT24H", "P7D", "P7D", "P7D"]
    assert ad_hoc["parts"][0]["recall"]["text"] == "Please think of the last 24 hours."


def test_screens_name_their_items_and_the_row_that_stores_zeros():
    screens = as_document(instrument("safety"), "en")["screens"]

    assert {screen["none_of_these"] for screen in screens} == {"None of these"}
    assert [item for screen in screens for item in screen["items"]] == list(instrument("safety").items)


def test_a_phone_knows_how_much_may_be_written():
    asked = as_document(instrument("safety"), "en")["other_symptoms"]

    assert (asked["at_most"], asked["longest"], asked["together"]) == (20, 2_000, 16_000)
