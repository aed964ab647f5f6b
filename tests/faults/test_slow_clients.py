"""Clients that send too little, too much, too slowly or nonsense: each gets its answer, and the others theirs."""

import contextlib
import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from backend.db import Database
from backend.http_server import MOST_CONNECTIONS, PART_OF_AN_ADDRESS
from tests import people
from tests.databases import KEYRING, Databases
from tests.faults.serving import Serving, a_patient, report

HEAD = "POST /api/v1/me/reports HTTP/1.1\r\nHost: here\r\nContent-Type: application/json\r\nAuthorization: {}\r\n"
# More than there are threads.
MANY = 60


@pytest.fixture(scope="module")
def running(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Serving, people.Person]]:
    """One server for all of them, and Ann's phone."""
    url = databases.fresh_url("sqlite")
    db = Database(url, KEYRING)
    ann = people.phone_of(db, a_patient(db))
    db.close()
    with Serving(url, Path(tmp_path_factory.mktemp("slow"))) as server:
        yield server, ann


def open_and_send(server: Serving, sent: bytes) -> socket.socket:
    """A connection on which something was said, and no more."""
    connection = socket.create_connection(("127.0.0.1", server.port), timeout=10)
    # Who says far too much is answered, and hung up on, before the end.
    with contextlib.suppress(ConnectionError):
        connection.sendall(sent)
    return connection


def first_line(server: Serving, sent: bytes) -> str:
    """What a client that sends exactly this hears first; nothing when it is hung up on."""
    with open_and_send(server, sent) as connection:
        connection.settimeout(3)
        return connection.recv(4096).split(b"\r\n")[0].decode()


def is_well(server: Serving, ann: people.Person) -> bool:
    """Somebody else is answered, and soon."""
    read = server.call("GET", "/api/v1/me/agenda", headers=ann.headers)
    written = server.call("POST", "/api/v1/me/reports", report(), ann.headers)
    return (read.status, written.status) == (200, 201) and read.seconds + written.seconds < 4


def head(ann: people.Person, more: str) -> bytes:
    return (HEAD.format(ann.headers["Authorization"]) + more + "\r\n").encode()


def test_those_who_send_half_a_body_and_wait_are_in_nobodys_way(running: tuple[Serving, people.Person]) -> None:
    server, ann = running
    half = head(ann, "Content-Length: 500\r\n") + b'{"id": "'
    hanging = [open_and_send(server, half) for _ in range(MANY)]
    hanging += [open_and_send(server, b"GET /api/v1/me HTT") for _ in range(MANY)]

    assert [is_well(server, ann) for _ in range(5)] == [True] * 5

    for connection in hanging:
        connection.close()
    assert is_well(server, ann)


def test_one_address_cannot_take_every_connection_there_is(running: tuple[Serving, people.Person]) -> None:
    server, ann = running
    most = MOST_CONNECTIONS // PART_OF_AN_ADDRESS
    with contextlib.ExitStack() as held:
        connections = [held.enter_context(open_and_send(server, b"")) for _ in range(most + 20)]

        assert [is_hung_up_on(one) for one in connections[-10:]] == [True] * 10
        assert not is_hung_up_on(connections[0])

    # Who lets go of them is answered as before.
    time.sleep(1)
    assert is_well(server, ann)


def is_hung_up_on(connection: socket.socket) -> bool:
    """Whether the server closed it, within a second."""
    connection.settimeout(1)
    try:
        return connection.recv(1) == b""
    except ConnectionError:
        return True
    except TimeoutError:
        return False


def test_a_body_shorter_than_announced_is_not_a_report(running: tuple[Serving, people.Person]) -> None:
    server, ann = running
    with open_and_send(server, head(ann, "Content-Length: 500\r\n") + b'{"id": 1}') as connection:
        connection.shutdown(socket.SHUT_WR)
        assert b" 201 " not in connection.recv(4096)

    assert is_well(server, ann)


@pytest.mark.parametrize("length", [70_000, 3_000_000])
def test_chunks_beyond_the_limit_are_too_large_though_no_length_was_announced(
    running: tuple[Serving, people.Person], length: int
) -> None:
    server, ann = running
    piece = b"1000\r\n" + b" " * 4096 + b"\r\n"
    body = piece * (length // 4096 + 1) + b"0\r\n\r\n"

    heard = first_line(server, head(ann, "Transfer-Encoding: chunked\r\n") + body)

    assert heard.startswith("HTTP/1.1 413")
    assert is_well(server, ann)


@pytest.mark.parametrize(
    "sent",
    [
        b"GET /healthz HTTP/1.1\r\nHost: here\r\nX-Long: " + b"a" * 10_000_000 + b"\r\n\r\n",
        b"GET /" + b"a" * 1_000_000 + b" HTTP/1.1\r\nHost: here\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"POST /api/v1/me/reports HTTP/1.1\r\nHost: here\r\nContent-Length: -1\r\n\r\n",
        b"POST /api/v1/me/reports HTTP/1.1\r\nHost: here\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        b"POST /api/v1/me/reports HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    ],
    ids=["long header", "long path", "TLS", "negative length", "two lengths", "an encoding of nobody's"],
)
def test_what_is_not_a_request_of_ours_is_refused_or_hung_up_on(
    running: tuple[Serving, people.Person], sent: bytes
) -> None:
    server, ann = running
    try:
        heard = first_line(server, sent)
    except (ConnectionError, TimeoutError):
        heard = ""

    assert heard == "" or heard.startswith(("HTTP/1.1 4", "HTTP/1.0 4"))
    assert is_well(server, ann)


def test_what_never_reaches_the_application_is_refused_in_the_one_shape(running: tuple[Serving, people.Person]) -> None:
    server, ann = running
    with open_and_send(server, head(ann, "Content-Length: 2000000\r\n") + b" " * 2_000) as connection:
        # It hangs up when it has said everything.
        heard = b"".join(iter(lambda: connection.recv(4096), b"")).decode()

    above, _, body = heard.partition("\r\n\r\n")
    assert above.startswith("HTTP/1.1 413 ")
    assert "application/problem+json" in above
    assert "waitress" not in heard.lower()
    assert (json.loads(body)["code"], json.loads(body)["status"]) == ("body_too_large", 413)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("HEAD", "/healthz", 200),
        ("HEAD", "/api/v1/me/agenda", 200),
        ("OPTIONS", "/api/v1/me/agenda", 200),
        ("TRACE", "/api/v1/me/agenda", 405),
        ("PROPFIND", "/api/v1/me/agenda", 405),
    ],
)
def test_other_methods_are_answered_as_they_should_be(
    running: tuple[Serving, people.Person], method: str, path: str, status: int
) -> None:
    server, ann = running

    answer = server.call(method, path, headers=ann.headers)

    assert answer.status == status
    assert method != "TRACE" or ann.headers["Authorization"] not in str(answer)
