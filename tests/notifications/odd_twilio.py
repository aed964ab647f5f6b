"""A server that answers as it is told to, whatever that is: for all that a proper Twilio never says."""

import json
import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qsl, urlsplit

Desk = BaseHTTPRequestHandler
Answer = Callable[[Desk], None]


@dataclass
class OddTwilio:
    """Where it is, how it answers, and what it was asked."""

    address: str
    answer: Answer
    asked: list[dict[str, Any]] = field(default_factory=list)


def says(status: int, body: Any, kind: str = "application/json") -> Answer:
    """That status with that body; what is not text already is written as JSON."""
    words = (body if isinstance(body, str) else json.dumps(body)).encode()

    def answer(desk: Desk) -> None:
        desk.send_response(status)
        desk.send_header("Content-Type", kind)
        desk.send_header("Content-Length", str(len(words)))
        desk.end_headers()
        desk.wfile.write(words)

    return answer


def refuses(status: int, code: int | None) -> Answer:
    """As Twilio refuses; without a code as something in between does."""
    return says(status, {"message": "no: +8613800138001", "status": status} | ({"code": code} if code else {}))


def hangs_up(desk: Desk) -> None:
    """A reset once the request has been read."""
    desk.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    desk.connection.close()


def drips(desk: Desk) -> None:
    """A little at a time, so that no silence is ever long."""
    desk.send_response(201)
    desk.send_header("Content-Length", "100")
    desk.end_headers()
    for _ in range(60):
        desk.wfile.write(b" ")
        time.sleep(0.05)


def says_nothing(desk: Desk) -> None:
    """The connection stays, and nothing is said on it."""
    desk.rfile.read(1)


@contextmanager
def odd_twilio() -> Iterator[OddTwilio]:
    """One of them, on this machine."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._hear()

        def do_POST(self) -> None:
            self._hear()

        def log_message(self, *_: object) -> None:
            """Nothing."""

        def _hear(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            said = dict(parse_qsl(body or urlsplit(self.path).query))
            odd.asked.append({"path": self.path, "said": said, "authorization": self.headers["Authorization"]})
            odd.answer(self)

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            """Whoever gave up is no error."""

    server = Server(("127.0.0.1", 0), Handler)
    odd = OddTwilio(f"http://127.0.0.1:{server.server_port}", says(500, ""))
    Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield odd
    finally:
        server.shutdown()
        server.server_close()
