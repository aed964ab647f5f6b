"""Whether a request was signed with one of our tokens: Twilio, "Webhooks security" (twilio.com/docs/usage/security).

Over the whole address that we gave out, then every field of the form with its values, names and values in order.
"""

import base64
import hashlib
import hmac
from collections.abc import Collection, Iterable, Iterator, Mapping
from urllib.parse import urlsplit

PORTS = {"https": 443, "http": 80}


def is_signed(url: str, form: Mapping[str, Iterable[str]], signature: str, tokens: Collection[str]) -> bool:
    """Whether ``signature`` is right under any of the tokens. Every one is tried, each compared in constant time."""
    said = "".join(name + value for name in sorted(form) for value in sorted(set(form[name])))
    presented = signature.encode("utf-8", "replace")
    right = [
        hmac.compare_digest(_signature(token, address + said), presented)
        for token in tokens
        for address in _spellings(url)
    ]
    return any(right)


def _signature(token: str, words: str) -> bytes:
    # SHA-1 is the provider's choice; as a keyed hash it still cannot be forged.
    mac = hmac.new(token.encode(), words.encode("utf-8", "replace"), hashlib.sha1)
    return base64.b64encode(mac.digest())


def _spellings(url: str) -> Iterator[str]:
    """With and without the port: which of the two was signed, the provider does not promise."""
    parts = urlsplit(url)
    host = parts.netloc.rsplit("@", 1)[-1]
    bare = host.rsplit(":", 1)[0] if parts.port else host
    usual = PORTS.get(parts.scheme)
    yield url
    if parts.port in (None, usual):
        other = f"{bare}:{usual}" if parts.port is None else bare
        yield parts._replace(netloc=parts.netloc.removesuffix(host) + other).geturl()
