"""The web server: one process that has a request whole before a thread looks at it.

A phone that loses its connection in mid-report, or a stranger who sends a byte and waits, costs a socket and
nothing else: no thread, no lock, no place in a line. The application does not depend on this server.
"""

import logging
import secrets
import signal
from http import HTTPStatus
from types import FrameType
from typing import NoReturn

from flask import Flask, json
from waitress import create_server
from waitress.channel import HTTPChannel
from waitress.server import MultiSocketServer
from waitress.task import ErrorTask

from backend.api.problems import body_of
from backend.errors import BodyTooLarge, FollowupError, Unexpected, UnreadableRequest

# Beyond this nothing is taken in at all; what the application allows is less, and said by it in more words.
LONGEST_TAKEN = 1024 * 1024
LONGEST_HEAD = 64 * 1024
MOST_CONNECTIONS = 1_000
# A connection on which nothing moves for this long is closed, in mid-request too.
SECONDS_OF_SILENCE = 30
SECONDS_BETWEEN_SWEEPS = 5

REFUSED: dict[int, type[FollowupError]] = {413: BodyTooLarge, 400: UnreadableRequest, 431: UnreadableRequest}


class _Refusal(ErrorTask):  # type: ignore[misc]
    """What never reaches the application is refused in the shape of everything else."""

    def execute(self) -> None:
        """Say why, and hang up."""
        said = body_of(REFUSED.get(self.request.error.code, Unexpected)(), secrets.token_hex(8))
        body = json.dumps(said).encode()
        self.status = f"{said['status']} {HTTPStatus(said['status']).phrase}"
        self.response_headers.append(("Content-Type", "application/problem+json"))
        self.set_close_on_finish()
        self.content_length = len(body)
        self.write(body)


class _Channel(HTTPChannel):  # type: ignore[misc]
    error_task_class = _Refusal


def answer_requests(app: Flask, host: str, port: int, *, threads: int) -> None:
    """Answer until the process is told to end, by Ctrl-C or SIGTERM; what is being answered then is finished."""
    # It tells whose address was refused and which path failed; ours say the route and no more.
    logging.getLogger("waitress").setLevel(logging.CRITICAL)
    server = create_server(
        app,
        host=host,
        port=port,
        threads=threads,
        ident="",
        connection_limit=MOST_CONNECTIONS,
        channel_timeout=SECONDS_OF_SILENCE,
        cleanup_interval=SECONDS_BETWEEN_SWEEPS,
        max_request_body_size=LONGEST_TAKEN,
        max_request_header_size=LONGEST_HEAD,
        # Whose word on the caller's address is taken, the application decides.
        clear_untrusted_proxy_headers=False,
        asyncore_use_poll=True,
    )
    for listening in server.map.values() if isinstance(server, MultiSocketServer) else [server]:
        listening.channel_class = _Channel
    signal.signal(signal.SIGTERM, _end)
    try:
        server.run()
    finally:
        server.close()


def _end(_signal: int, _frame: FrameType | None) -> NoReturn:
    """The server ends its loop on this, and lets its threads finish."""
    raise SystemExit(0)
