"""Open-loop load in a process of its own: requests at a rate, each stamped when it was due, not when it was sent.

    python -m bench.open_loop --kind submit --rate 1000 --seconds 60 --players 100000

So a system that stalls is charged for everything that was due meanwhile (no coordinated omission).
"""

import argparse
import asyncio
import random
import re
import sys
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import cast
from urllib.parse import urlsplit

import orjson
import uvloop

from bench.load import Load, load_of, percentile
from bench.moves import moves

PATIENCE = 30.0
"""Seconds that answers may take after the last request."""
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class Connection(asyncio.Protocol):
    """HTTP/1.1, one request at a time and only what that needs: a client library would cost more than the system."""

    def __init__(self, done: "Callable[[Connection, int | None], None]") -> None:
        self.due = 0.0
        self._done = done
        self._received = b""
        self._transport: asyncio.Transport | None = None

    def send(self, due: float, request: bytes) -> None:
        """Send a request."""
        assert self._transport is not None
        self.due = due
        self._transport.write(request)

    def close(self) -> None:
        """Close it."""
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, whole, body = self._received.partition(b"\r\n\r\n")
        length = LENGTH.search(head) if whole else None
        if length is not None and len(body) >= int(length[1]):
            self._received = b""
            self._done(self, int(head[9:12]))

    def connection_lost(self, exc: Exception | None) -> None:
        self._done(self, None)


class Client:
    """Connections, and requests that wait for one while all are in use: they are late by the system's fault."""

    def __init__(self) -> None:
        self.latencies: list[float] = []
        self.lateness: list[float] = []
        self.errors: Counter[str] = Counter()
        self._idle: list[Connection] = []
        self._busy: set[Connection] = set()
        self._waiting: deque[tuple[float, bytes]] = deque()
        self._quiet = asyncio.Event()

    async def connect(self, host: str, port: int, connections: int) -> None:
        """Open all connections before the load begins."""
        loop = asyncio.get_running_loop()
        for _ in range(connections):
            opening = loop.create_connection(lambda: Connection(self._answered), host, port)
            _, connection = await asyncio.wait_for(opening, PATIENCE)
            self._idle.append(connection)

    def offer(self, due: float, request: bytes) -> None:
        """A request is due."""
        self.lateness.append(time.perf_counter() - due)
        self._waiting.append((due, request))
        self._quiet.clear()
        self._send()

    async def finish(self) -> None:
        """Wait for the answers that are missing; those that do not come are errors."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._quiet.wait(), PATIENCE)
        if missing := len(self._busy) + len(self._waiting):
            self.errors["no answer"] += missing

    def _send(self) -> None:
        while self._idle and self._waiting:
            connection = self._idle.pop()
            self._busy.add(connection)
            connection.send(*self._waiting.popleft())

    def _answered(self, connection: Connection, status: int | None) -> None:
        if status == 200:
            self.latencies.append(time.perf_counter() - connection.due)
        elif status is not None:
            self.errors[f"status {status}"] += 1
        elif connection in self._busy:
            self.errors["socket closed"] += 1
        self._busy.discard(connection)
        if status is not None:
            self._idle.append(connection)
            self._send()
        elif connection in self._idle:
            self._idle.remove(connection)
        if not (self._busy or self._waiting):
            self._quiet.set()


def requests(kind: str, host: str, players: int, count: int, seed: int) -> list[bytes]:
    """Whole requests, made beforehand."""
    if kind == "move":
        return [_submission(host, f"player-{player}", score) for player, score in moves(players, count, seed)]
    chance = random.Random(seed)
    make = _submission if kind == "submit" else _question
    return [make(host, f"player-{chance.randrange(players)}", chance.randrange(1, 500)) for _ in range(count)]


async def load(url: str, kind: str, rate: int, seconds: float, players: int, connections: int, seed: int) -> Load:
    """Load a system at a rate."""
    address = urlsplit(url)
    assert address.hostname is not None, url
    work = requests(kind, address.netloc, players, int(rate * seconds), seed)
    client = Client()
    await client.connect(address.hostname, address.port or 80, connections)
    used, began = time.process_time(), time.perf_counter()
    first_due = began + 0.05
    # A thread, as the timers of an event loop are a millisecond apart.
    await asyncio.to_thread(_pace, asyncio.get_running_loop(), client, work, rate, first_due)
    await client.finish()
    took, used = time.perf_counter() - began, time.process_time() - used
    late = percentile(sorted(client.lateness), 0.99) * 1000
    return replace(load_of(client.latencies, took, used, dict(client.errors), late), first_due=first_due)


def _pace(loop: asyncio.AbstractEventLoop, client: Client, work: Sequence[bytes], rate: int, began: float) -> None:
    """Offer each request to the loop when it is due."""
    for number, request in enumerate(work):
        due = began + number / rate
        if (pause := due - time.perf_counter()) > 0:
            time.sleep(pause)
        loop.call_soon_threadsafe(client.offer, due, request)


def _submission(host: str, player: str, score: int) -> bytes:
    body = b'{"user_id":"%b","score":%d}' % (player.encode(), score)
    head = f"POST /api/leaderboard/submit HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
    return b"%bContent-Length: %d\r\n\r\n%b" % (head.encode(), len(body), body)


def _question(host: str, player: str, _: int) -> bytes:
    return f"GET /api/leaderboard/rank/{player} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()


def main() -> None:
    """Print the load as a line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", default="http://127.0.0.1:8080")
    parser.add_argument("--kind", choices=["submit", "rank", "move"], default="submit")
    parser.add_argument("--rate", type=int, default=1_000, help="requests a second")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--players", type=int, default=100_000)
    parser.add_argument("--connections", type=int, default=256)
    parser.add_argument("--seed", type=int, default=1)
    sys.setswitchinterval(0.0005)  # the pacer must not wait 5 ms for its turn
    sys.stdout.buffer.write(orjson.dumps(uvloop.run(load(**vars(parser.parse_args())))) + b"\n")


if __name__ == "__main__":
    main()
