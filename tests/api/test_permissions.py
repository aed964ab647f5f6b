"""The one table: complete, and without rows for what is not there."""

import pytest
from flask import Flask

from backend.api import permissions


def test_every_row_has_a_route_and_every_method_of_it(app):
    routed: dict[str, set[str]] = {}
    for rule in app.url_map.iter_rules():
        routed.setdefault(rule.endpoint, set()).update((rule.methods or set()) - {"HEAD", "OPTIONS"})

    listed = {endpoint: set(methods) for endpoint, methods in permissions.TABLE.items()}

    assert {endpoint: methods for endpoint, methods in listed.items() if routed.get(endpoint) != methods} == {}


def test_a_route_without_a_row_does_not_start():
    app = Flask("an app with one door too many", static_folder=None)
    app.add_url_rule("/back-door", "back_door", lambda: "", methods=["POST"])

    with pytest.raises(LookupError, match="back_door"):
        permissions.refuse_unlisted(app)
