"""A fake gateway of templates as a process: ``python -m tests.fakes.template_gateway_server --port 0`` says where.

Requests to ``/fake/…`` are the test's: they switch faults and read the books. A fault is
``{"on": "/sms/send", "do": "drop", "times": 1}``; what it can do stands at ``_misbehave``. Loopback only.
"""

import argparse
import json
import os
import socket
import struct
import sys
import threading
import time
from dataclasses import asdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.fakes.template_gateway_books import Books, Faults, No

A_PAGE = b"<!DOCTYPE html><html><body><h1>502 Bad Gateway</h1></body></html>"
LONGEST_HANG = 60.0


class Server(ThreadingHTTPServer):
    """With the books that every request reads."""

    daemon_threads = True

    def __init__(self, port: int, window: float) -> None:
        super().__init__(("127.0.0.1", port), Door)
        self.window = window
        self.books = Books(faults=Faults(window=window))


class Door(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"
    server: Server

    def do_POST(self) -> None:
        """Everything is a POST."""
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        if self.path.startswith("/fake/"):
            self._say(200, self._for_the_test(self.path.removeprefix("/fake/"), json.loads(body or b"{}")))
            return
        with self.server.books.lock:
            fault = self.server.books.fault_for(self.path)
            # Whether it still does what it was asked for, and only the answer goes wrong.
            is_done = fault is None or fault.get("accepting", False) or fault["do"] == "latency"
            answer = self._answered(body) if is_done else {}
        if fault is None or not self._misbehave(fault):
            self._say(200, answer)

    def log_message(self, *_: object) -> None:
        """Nothing."""

    def _answered(self, body: bytes) -> dict[str, Any]:
        books = self.server.books
        try:
            books.check(self.path, self.headers, body)
            return books.answer(self.path, json.loads(body))
        except No as no:
            books.refused.append(str(no))
            return {"code": str(no), "message": "refused"}

    def _misbehave(self, fault: dict[str, Any]) -> bool:
        """Whether this was the answer, or the want of one."""
        match fault["do"]:
            case "latency":
                time.sleep(fault["seconds"])
                return False
            case "hang":
                time.sleep(min(fault.get("seconds", LONGEST_HANG), LONGEST_HANG))
                self._hang_up()
            case "drop":
                self._hang_up()
            case "page":
                self._say_page(fault.get("status", 200))
            case "dribble":
                self._dribble()
            case "status":
                self._say(fault["status"], {"code": fault.get("code", "SYSTEM_ERROR"), "message": "oh"})
            case "answer":
                self._say(fault.get("status", 200), fault["answer"])
        return True

    def _for_the_test(self, what: str, said: dict[str, Any]) -> Any:
        books = self.server.books
        with books.lock:
            if what == "books":
                shown = ("taken", "reports", "replies", "told", "refused")
                return {name: getattr(books, name) for name in shown} | {"faults": asdict(books.faults)}
            if what == "forget":
                self.server.books = Books(templates=books.templates, faults=Faults(window=self.server.window))
                return {}
            done = {
                "register": lambda: books.templates.update(said["templates"]),
                "switch": lambda: vars(books.faults).update(said),
                "write": lambda: books.write(said["phone"], said["text"], said.get("to", "10690001")),
                # As it stands: also what no gateway should say.
                "tell": lambda: getattr(books, said["list"]).extend(said["rows"]),
                "release": books.release,
            }[what]()
            return {"done": done}

    def _say(self, status: int, answer: Any) -> None:
        self._write(status, "application/json", json.dumps(answer).encode())

    def _say_page(self, status: int) -> None:
        self._write(status, "text/html", A_PAGE)

    def _write(self, status: int, kind: str, words: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(words)))
        self.end_headers()
        self.wfile.write(words)

    def _dribble(self) -> None:
        """A byte now and then, for as long as somebody listens."""
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        for _ in range(100):
            self.wfile.write(b" ")
            self.wfile.flush()
            time.sleep(0.1)
        self.close_connection = True

    def _hang_up(self) -> None:
        """By a reset, as a machine that dies does."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        # The streams hold the socket open until they are closed themselves.
        self.rfile.close()
        self.connection.close()
        self.close_connection = True


def main() -> None:
    """Serve until killed, or, if told so, until whoever started it ends."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--window", type=float, default=300.0, help="seconds a clock may be wrong; 0: any")
    parser.add_argument("--until-input-ends", action="store_true")
    asked = parser.parse_args()
    server = Server(asked.port, asked.window)
    sys.stdout.write(f"http://127.0.0.1:{server.server_address[1]}\n")
    sys.stdout.flush()
    if asked.until_input_ends:
        threading.Thread(target=_end_with_the_input, daemon=True).start()
    server.serve_forever()


def _end_with_the_input() -> None:
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    main()
