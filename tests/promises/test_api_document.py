"""docs/api.json is the document the server gives, so that a change of the contract shows in review."""

import json

from tests.promises.pages import DOCS, STALE, agrees


def test_the_kept_document_is_the_one_the_server_gives(client):
    given = client.get("/api/v1/openapi.json").json
    is_the_same = agrees(DOCS / "api.json", json.dumps(given, ensure_ascii=False, indent=1, sort_keys=True) + "\n")

    assert is_the_same, STALE


def test_every_route_is_described_in_a_sentence(client):
    described = {
        f"{method} {path}": does.get("summary") or does.get("description")
        for path, methods in client.get("/api/v1/openapi.json").json["paths"].items()
        for method, does in methods.items()
        if method in {"get", "post", "patch", "put", "delete"}
    }

    assert [route for route, sentence in described.items() if not sentence] == []
