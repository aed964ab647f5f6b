"""Somebody who listens at an address of this process."""

from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from urllib.parse import parse_qsl


class Ears:
    """Hears what is posted to an address of this process, and keeps it in order."""

    def __init__(self) -> None:
        heard = self.heard = []

        class Ear(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                heard.append((self.path, dict(parse_qsl(body, keep_blank_values=True)), self.headers))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Ear)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        Thread(target=self.server.serve_forever, daemon=True).start()

    def statuses(self) -> list[str]:
        return [said["MessageStatus"] for _, said, _ in self.heard]
