"""Reading a JSON body without trusting it.

A plain parser answers 500 to sixty thousand nested brackets, to a number of five thousand digits, and lets a
lone surrogate or a NUL through to a database that cannot store it. All of that stops here, once for all.
"""

import itertools
import json
from collections.abc import Callable, Iterator
from typing import Any, NoReturn, TypeVar

from flask import Request
from flask_smorest import Blueprint
from webargs.core import missing
from webargs.flaskparser import FlaskParser, is_json_request

from backend.errors import InvalidInput, MalformedBody, UnsupportedMediaType

LONGEST_BODY = 64 * 1024
LONGEST_NUMBER = 24
MOST_COMPLAINTS = 20
LONGEST_PATH = 200
LARGEST_INTEGER = 2**63 - 1
# JSON and UTF-8 let through what cannot be stored only where it is spelt out like this.
ESCAPE = b"\\u"

View = TypeVar("View", bound=Callable[..., Any])


def read_json(raw: bytes) -> Any:
    """The value of a body. Raises ``MalformedBody`` or, for values nobody can store, ``InvalidInput``."""
    try:
        value = _READER.decode(raw.decode("utf-8"))
        # A few are enough to find the mistake; thousands of long paths would be an answer larger than any body.
        found = itertools.islice(_unstorable(value, "") if ESCAPE in raw else (), MOST_COMPLAINTS)
        complaints = {path[:LONGEST_PATH]: [complaint] for path, complaint in found}
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as wrong:
        raise MalformedBody() from wrong
    if complaints:
        raise InvalidInput(fields=complaints)
    return value


def _integer(digits: str) -> int:
    if len(digits) > LONGEST_NUMBER or abs(int(digits)) > LARGEST_INTEGER:
        raise MalformedBody("The body holds a number that is too large.")
    return int(digits)


def _number(digits: str) -> float:
    if len(digits) > LONGEST_NUMBER * 2 or abs(float(digits)) > LARGEST_INTEGER:
        raise MalformedBody("The body holds a number that is too large.")
    return float(digits)


def _no_constant(_name: str) -> NoReturn:
    raise MalformedBody("The body holds a number that is none.")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A name given twice would be understood differently by different readers, so by us not at all."""
    members = dict(pairs)
    if len(members) != len(pairs):
        raise MalformedBody("The body gives a name twice in one object.")
    return members


_READER = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_integer, parse_float=_number, parse_constant=_no_constant
)


def _unstorable(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """(path, complaint) of each text that no database could give back as it was."""
    if isinstance(value, str):
        if "\x00" in value or any("\ud800" <= letter <= "\udfff" for letter in value):
            yield path or "body", "Holds a character that cannot be stored."
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _unstorable(key, path)
            yield from _unstorable(inner, f"{path}.{key}".lstrip(".") if key.isprintable() else path)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _unstorable(inner, f"{path}.{index}".lstrip("."))


class BodyParser(FlaskParser):
    """webargs with our reader in place of the plain one; declared JSON only.

    An unknown name in a query is refused as it is in a body: a filter that is ignored shows too much.
    """

    DEFAULT_UNKNOWN_BY_LOCATION = {}

    def _raw_load_json(self, req: Request) -> Any:
        raw = req.get_data(cache=True)
        if not raw:
            return missing
        if not is_json_request(req):
            raise UnsupportedMediaType()
        return read_json(raw)


class ApiBlueprint(Blueprint):
    """A flask-smorest blueprint that reads bodies our way, and says which headers a route reads."""

    ARGUMENTS_PARSER = BodyParser()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """As flask-smorest's; headers come after the other parameters in the document."""
        super().__init__(*args, **kwargs)
        self._prepare_doc_cbks.append(_add_headers)

    @staticmethod
    def reads(header: dict[str, Any]) -> Callable[[View], View]:
        """Say in the document that the route reads this header."""

        def decorate(view: View) -> View:
            described = view.__dict__.setdefault("_apidoc", {})
            described.setdefault("headers", []).append(header)
            return view

        return decorate


def _add_headers(doc: dict[str, Any], doc_info: dict[str, Any], **_: Any) -> dict[str, Any]:
    return {**doc, "parameters": doc.get("parameters", []) + doc_info.get("headers", [])}
