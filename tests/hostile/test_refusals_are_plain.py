"""A refusal is not larger than what it refuses, and leads nowhere."""

import json

import pytest


def test_thousands_of_mistakes_under_a_long_name_are_answered_in_a_few_words(client):
    body = json.dumps({"k" * 30_000: ["\x00"] * 3_000})

    answer = client.post("/api/v1/auth/staff", data=body, content_type="application/json")

    assert answer.status_code == 422
    assert len(answer.data) < 10_000
    assert 0 < len(answer.json["errors"]) <= 20


@pytest.mark.parametrize("address", ["/api//v1/me", "/api/v1//me", "/./metrics", "/demo//metrics"])
def test_another_spelling_of_an_address_is_not_there_and_sends_nobody_elsewhere(client, address):
    answer = client.open(address, method="GET", headers={"Host": "evil.example"})

    assert (answer.status_code, answer.json["code"]) == (404, "not_found")
    assert "Location" not in answer.headers
