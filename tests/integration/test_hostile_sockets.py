"""Clients that keep to no protocol: each is let go of, and the node that they were at still stops in order."""

import asyncio
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.live_client import Client
from tests.servers import Servers
from tests.slow_client import HANDSHAKE, WINDOW, SlowClient
from tests.stack import System, eventually, running

EMPTY_START, EMPTY_PART, RESERVED = (bytes((first, 0x80, 0, 0, 0, 0)) for first in (0x01, 0x00, 0x8F))
PING = bytes((0x89, 0xFD, 0, 0, 0, 0)) + b"x" * 125


@pytest.fixture(scope="module")
def system(servers: Servers, logs: Path) -> Iterator[System]:
    with running(servers, logs) as started:
        yield started


def opened(system: System, data: bytes) -> socket.socket:
    """A connection over which this is sent."""
    at = urlsplit(system.live)
    client = socket.create_connection((at.hostname, at.port or 0), timeout=15)
    client.sendall(data)
    return client


def answer(client: socket.socket) -> bytes:
    """What is sent up to the end of the connection, which has to come."""
    received = bytearray()
    with client:
        while chunk := client.recv(65_536):
            received += chunk
    return bytes(received)


def trickle(client: socket.socket, kilobytes: int) -> None:
    for _ in range(kilobytes):
        client.sendall(b"x" * 1_024)
        time.sleep(0.002)


def upgrade(path: str = "/ws/v1", more: str = "") -> bytes:
    return HANDSHAKE.format(path=path, host="x").replace("\r\n\r\n", f"\r\n{more}\r\n").encode()


HEADERS = "".join(f"X-{number}: 1\r\n" for number in range(140))


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (upgrade(more=HEADERS), 431),
        (upgrade("/" + "x" * 9_000), 414),
        (upgrade(more="X-Long: " + "x" * 9_000 + "\r\n"), 431),
        (f"GET / HTTP/1.1\r\nHost: x\r\n{HEADERS}\r\n".encode(), 431),
        (f"GET /{'x' * 33_000} HTTP/1.1\r\nHost: x\r\n\r\n".encode(), 431),
    ],
)
def test_too_large_a_head_is_answered_and_ends_the_connection(system: System, head: bytes, status: int) -> None:
    assert answer(opened(system, head)).startswith(b"HTTP/1.1 %d " % status)


def test_a_header_without_end_ends_the_connection(system: System) -> None:
    with (
        opened(system, b"GET / HTTP/1.1\r\nX-Endless: ") as client,
        pytest.raises((ConnectionResetError, BrokenPipeError)),
    ):
        trickle(client, 400)


def test_a_head_up_to_the_limit_is_served_in_parts(system: System) -> None:
    with opened(system, b"GET /api/leaderboard/top HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Long: ") as client:
        trickle(client, 20)
        client.sendall(b"\r\n\r\n")
        assert answer(client).startswith(b"HTTP/1.1 200 ")


def test_a_head_that_does_not_end_ends_the_connection(system: System) -> None:
    first = opened(system, b"GET / HTTP/1.1\r\nHost: x\r\n")
    later = opened(system, b"GET /api/leaderboard/top HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\n")
    assert answer(first) == b""
    assert answer(later).startswith(b"HTTP/1.1 200 ")


def greeted(system: System, window: int = WINDOW) -> SlowClient:
    client = SlowClient(f"{system.live}/ws/v1", window)
    client.send('{"op":"hello","id":1}')
    return client


def test_fragments_of_nothing_close_the_socket(system: System) -> None:
    with greeted(system) as client:
        client.send_bytes(EMPTY_START + EMPTY_PART * 64)
        assert client.close_code(b"more than 64 fragments") == 4000


def test_too_many_bytes_close_the_socket(system: System) -> None:
    with greeted(system) as client:
        client.send_bytes(PING * (256 * 1024 // len(PING)))
        time.sleep(2)  # what it may send has grown again, and the rest of its bytes waits to be read
        assert client.close_code(b"more than 65536 bytes a second, 131072 at once") == 4129


def test_who_breaks_the_protocol_and_takes_nothing_is_given_up(system: System) -> None:
    with greeted(system, window=4 * 1024) as client:
        client.send_bytes(PING * (50 * 1024 // len(PING)) + RESERVED)
        eventually(client.dropped, 10, "a reset")


async def test_a_node_with_hostile_clients_stops_in_order(system: System) -> None:
    with opened(system, upgrade("/" + "x" * 9_000)), opened(system, b"GET / HTTP/1.1\r\n"):
        async with await Client.open(system.live) as client:
            await client.hear("hi")
            system.processes["front"].send_signal(signal.SIGTERM)
            await client.hear("bye")
        assert await asyncio.to_thread(system.processes["front"].wait, 10) == 0
