"""What the study says shall be sent can be sent: every text the protocol names exists."""

from notifications.templates import load_templates
from schemas.protocol import read_protocol_file
from seeds.load import PROTOCOL


def named_templates(value: object) -> set[str]:
    """Every `template:` anywhere in the protocol file."""
    if isinstance(value, dict):
        here = {value["template"]} if isinstance(value.get("template"), str) else set()
        return here.union(*(named_templates(inner) for inner in value.values()))
    if isinstance(value, list):
        return set().union(*(named_templates(inner) for inner in value))
    return set()


def test_every_text_the_protocol_asks_for_is_there():
    named = named_templates(read_protocol_file(PROTOCOL))

    assert named
    assert named - load_templates().keys() == set()
