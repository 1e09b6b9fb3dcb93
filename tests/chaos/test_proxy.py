"""Each mode of the proxy, on real sockets in front of an echo server."""

import socket
import socketserver
import threading
import time
from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.chaos.proxy import CutAtCommit, Drop, Latency, Pass, Proxy, Reset, Stall
from tests.stack import eventually

COMMIT = b"Q\x00\x00\x00\x0cCOMMIT;\x00"
HELD = 0.3
"""Seconds of silence that count as nothing having come."""


class Echo(socketserver.BaseRequestHandler):
    """Sends back what it gets, and keeps it."""

    def handle(self) -> None:
        assert isinstance(self.server, Server)
        while data := self._receive():
            self.server.heard += data
            self.request.sendall(data)

    def _receive(self) -> bytes:
        try:
            return bytes(self.request.recv(65536))
        except OSError:
            return b""


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    heard = b""


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(("127.0.0.1", 0), Echo) as started:
        threading.Thread(target=started.serve_forever, args=(0.05,), daemon=True).start()
        yield started
        started.shutdown()


@pytest.fixture
def proxy(server: Server) -> Iterator[Proxy]:
    with Proxy(server.server_address[1]) as started:
        yield started


@pytest.fixture
def client(proxy: Proxy) -> Iterator[socket.socket]:
    with closing(connected(proxy)) as made:
        yield made


def connected(proxy: Proxy) -> socket.socket:
    return socket.create_connection(("127.0.0.1", proxy.port), timeout=5)


def asked(client: socket.socket, data: bytes) -> bytes:
    client.sendall(data)
    return answered(client, len(data))


def answered(client: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        data += (part := client.recv(count - len(data)))
        assert part, data
    return data


def assert_silent(client: socket.socket) -> None:
    client.settimeout(HELD)
    with pytest.raises(TimeoutError):
        client.recv(1)
    client.settimeout(5)


def test_pass_forwards_both_ways_also_large(client: socket.socket) -> None:
    assert asked(client, b"hello") == b"hello"
    large = bytes(range(256)) * 4096
    sending = threading.Thread(target=client.sendall, args=(large,))
    sending.start()
    assert answered(client, len(large)) == large
    sending.join()


def test_the_end_of_one_side_ends_the_other(proxy: Proxy, server: Server) -> None:
    with closing(connected(proxy)) as client:
        assert asked(client, b"x") == b"x"
        client.shutdown(socket.SHUT_WR)
        assert client.recv(1) == b""


def test_drop_takes_all_and_forwards_nothing_and_its_connections_end_with_it(
    proxy: Proxy, server: Server, client: socket.socket
) -> None:
    assert asked(client, b"a") == b"a"
    proxy.switch(Drop())
    client.sendall(b"lost")
    assert_silent(client)
    assert server.heard == b"a"
    proxy.switch(Pass())
    with pytest.raises(ConnectionResetError):
        client.recv(1)
    with closing(connected(proxy)) as another:
        assert asked(another, b"b") == b"b"


def test_stalled_requests_are_late_and_whole(proxy: Proxy, server: Server, client: socket.socket) -> None:
    proxy.switch(Stall("requests"))
    client.sendall(b"one")
    client.sendall(b"two")
    assert_silent(client)
    assert server.heard == b""
    proxy.switch(Pass())
    assert answered(client, 6) == b"onetwo"


def test_stalled_answers_reach_the_server_first(proxy: Proxy, server: Server, client: socket.socket) -> None:
    proxy.switch(Stall("answers"))
    client.sendall(b"one")
    eventually(lambda: server.heard == b"one", 5, "the request")
    assert_silent(client)
    proxy.switch(Pass())
    assert answered(client, 3) == b"one"


def test_reset_ends_old_and_new_connections_with_rst(proxy: Proxy, client: socket.socket) -> None:
    assert asked(client, b"a") == b"a"
    proxy.switch(Reset())
    with pytest.raises(ConnectionResetError):
        client.recv(1)
    with pytest.raises(ConnectionResetError), closing(connected(proxy)) as another:
        another.recv(1)
    proxy.switch(Pass())
    with closing(connected(proxy)) as another:
        assert asked(another, b"b") == b"b"


def test_latency_delays_both_ways(proxy: Proxy, client: socket.socket) -> None:
    proxy.switch(Latency(150))
    began = time.monotonic()
    assert asked(client, b"a") == b"a"
    assert time.monotonic() - began >= 0.3


@pytest.mark.parametrize("split", [0, 1, 6, 12])
def test_cut_at_commit_lets_the_commit_through_and_cuts_once(proxy: Proxy, server: Server, split: int) -> None:
    proxy.switch(CutAtCommit())
    with closing(connected(proxy)) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        assert asked(client, b"Q\x00\x00\x00\x0bSELECT;\x00") == b"Q\x00\x00\x00\x0bSELECT;\x00"
        if split:
            assert asked(client, COMMIT[:split]) == COMMIT[:split]
        client.sendall(COMMIT[split:])
        with pytest.raises(ConnectionResetError):
            client.recv(1)
    assert server.heard.endswith(COMMIT)
    assert (proxy.cuts, proxy.mode) == (1, Pass())
    with closing(connected(proxy)) as client:
        assert asked(client, COMMIT) == COMMIT


def test_a_server_that_is_away_is_a_reset(proxy: Proxy, server: Server) -> None:
    server.shutdown()
    server.server_close()
    with pytest.raises(ConnectionResetError), closing(connected(proxy)) as client:  # it may come at once
        client.recv(1)
