"""Telling somebody outside, every minute, that a worker is well: their alarm rings when we fall silent."""

import logging
from urllib.error import URLError
from urllib.request import HTTPRedirectHandler, Request, build_opener

log = logging.getLogger(__name__)

SECONDS_TO_WAIT = 5.0


class _StayHere(HTTPRedirectHandler):
    """An answer that sends us elsewhere is no answer: only the configured address is ever called."""

    def redirect_request(self, *_: object) -> None:
        return None


def tell_outside(address: str) -> bool:
    """Call the address once; whether it answered well. A failure is logged without the address, which is a secret."""
    try:
        request = Request(address, headers={"User-Agent": "followup"})
        with build_opener(_StayHere()).open(request, timeout=SECONDS_TO_WAIT) as answer:
            return bool(answer.status < 300)
    except (URLError, OSError, ValueError) as failure:
        log.warning("the heartbeat's address did not answer", extra={"failure": type(failure).__name__})
        return False
