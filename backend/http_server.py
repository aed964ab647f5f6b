"""The web server: one process that has a request whole before a thread looks at it.

A phone that loses its connection in mid-report, or a stranger who sends a byte and waits, costs a socket and
nothing else: no thread, no lock, no place in a line. The application does not depend on this server.
"""

import gc
import logging
import secrets
import signal
from functools import partial
from http import HTTPStatus
from socket import socket
from types import FrameType
from typing import Any, NoReturn

from flask import Flask, json
from waitress import create_server
from waitress.channel import HTTPChannel
from waitress.server import MultiSocketServer
from waitress.task import ErrorTask, ThreadedTaskDispatcher

from backend.api.problems import body_of
from backend.errors import BodyTooLarge, FollowupError, Unexpected, UnreadableRequest
from backend.fair_turns import FairTurns

# Beyond this nothing is taken in at all; what the application allows is less, and said by it in more words.
LONGEST_TAKEN = 1024 * 1024
LONGEST_HEAD = 64 * 1024
MOST_CONNECTIONS = 1_000
# A whole hospital behind one address has as many as it needs, and a stranger at one address not all of them.
PART_OF_AN_ADDRESS = 5
# A connection on which nothing moves for this long is closed, in mid-request too.
SECONDS_OF_SILENCE = 30
SECONDS_BETWEEN_SWEEPS = 5
OBJECTS_BETWEEN_LOOKS = 20_000
# Of the threads, the part that one who asks may hold at once.
PART_FOR_ONE = 4
# A balancer shows no token, and must not wait behind strangers.
WATCHED = frozenset({"/healthz", "/readyz"})

# What the server says by a number; whatever else it refuses was not a request.
NAMED: dict[int, type[FollowupError]] = {413: BodyTooLarge, 500: Unexpected}


class _Refusal(ErrorTask):  # type: ignore[misc]
    """What never reaches the application is refused in the shape of everything else."""

    def execute(self) -> None:
        """Say why, and hang up."""
        said = body_of(NAMED.get(self.request.error.code, UnreadableRequest)(), secrets.token_hex(8))
        body = json.dumps(said).encode()
        self.status = f"{said['status']} {HTTPStatus(said['status']).phrase}"
        self.response_headers.append(("Content-Type", "application/problem+json"))
        self.set_close_on_finish()
        self.content_length = len(body)
        self.write(body)


class _Channel(HTTPChannel):  # type: ignore[misc]
    error_task_class = _Refusal

    def __init__(self, server: Any, sock: socket, addr: Any, *rest: Any, most_of_one: int, **named: Any) -> None:
        """One connection more; it is closed again at once when its address has ``most_of_one`` already."""
        super().__init__(server, sock, addr, *rest, **named)
        of_the_same = sum(one.addr[0] == addr[0] for one in list(server.active_channels.values()))
        self.will_close = of_the_same > most_of_one


def answer_requests(app: Flask, host: str, port: int, *, threads: int, behind_proxies: bool) -> None:
    """Answer until the process is told to end, by Ctrl-C or SIGTERM; what is being answered then is finished.

    Behind a proxy every connection has the proxy's address, and counting them is the proxy's to do.
    """
    # It tells whose address was refused and which path failed; ours say the route and no more.
    logging.getLogger("waitress").setLevel(logging.CRITICAL)
    server = create_server(
        app,
        host=host,
        port=port,
        _dispatcher=_fair_dispatcher(threads),
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
        most = MOST_CONNECTIONS if behind_proxies else MOST_CONNECTIONS // PART_OF_AN_ADDRESS
        listening.channel_class = partial(_Channel, most_of_one=most)
    signal.signal(signal.SIGTERM, _end)
    _look_for_garbage_less_often()
    try:
        server.run()
    finally:
        server.close()


def _look_for_garbage_less_often() -> None:
    """What the start has made stays until the end, and a report makes tens of thousands of objects that go by count.

    At Python's own pace a sixth of a report's time went into looking through both for rings of garbage.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(OBJECTS_BETWEEN_LOOKS)


def _fair_dispatcher(threads: int) -> ThreadedTaskDispatcher:
    dispatcher = ThreadedTaskDispatcher()
    most = max(1, threads // PART_FOR_ONE)
    dispatcher.queue = FairTurns(_asker, most=most, woken=dispatcher.queue_cv)
    dispatcher.set_thread_count(threads)
    return dispatcher


def _asker(channel: HTTPChannel) -> str:
    """Who asks: the holder of a token, whatever it is worth; a balancer; or one of those who show none."""
    request = channel.requests[0]
    token = request.headers.get("AUTHORIZATION", "")
    path = getattr(request, "path", "")
    return str(token or (path if path in WATCHED else ""))


def _end(_signal: int, _frame: FrameType | None) -> NoReturn:
    """The server ends its loop on this, and lets its threads finish."""
    raise SystemExit(0)
