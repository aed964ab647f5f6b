"""What the tests may reach: this machine, and nobody else."""

import socket

import pytest
from pytest_socket import SocketConnectBlockedError

# An address set aside for documentation: nobody lives there, should the guard ever fail.
NOBODY = ("192.0.2.1", 443)


def test_nobody_outside_this_machine_is_reached_from_a_test() -> None:
    with socket.socket() as outward:
        outward.settimeout(0.2)

        with pytest.raises(SocketConnectBlockedError):
            outward.connect(NOBODY)


def test_a_server_on_this_machine_is_reached() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        client.sendall(b"hello")

        received = server.accept()[0]
        with received:
            assert received.recv(5) == b"hello"


def test_a_socket_file_on_this_machine_is_reached() -> None:
    one, other = socket.socketpair()

    with one, other:
        one.sendall(b"hello")

        assert other.recv(5) == b"hello"
