"""A refusal is not larger than what it refuses."""

import json


def test_thousands_of_mistakes_under_a_long_name_are_answered_in_a_few_words(client):
    body = json.dumps({"k" * 30_000: ["\x00"] * 3_000})

    answer = client.post("/api/v1/auth/staff", data=body, content_type="application/json")

    assert answer.status_code == 422
    assert len(answer.data) < 10_000
    assert 0 < len(answer.json["errors"]) <= 20
