"""A TCP proxy in front of a server, whose faults are switched at run time.

It runs in a thread with an event loop of its own, so that blocking tests can use it. Kafka's clients connect to the
address that the broker advertises, so in front of Kafka it works only where the broker advertises the proxy's port.
"""

import asyncio
import re
import socket
import ssl
import struct
import threading
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal, Self, TypeAlias, TypeVar, cast

Side: TypeAlias = Literal["requests", "answers"]
"""What the client sends, and what the server sends."""
CHUNK = 64 * 1024
PATIENCE = 5.0
"""Seconds for the server to accept, and for the thread to do what it is told."""
COMMIT = re.compile(rb"Q.{4}COMMIT;?\x00", re.DOTALL | re.IGNORECASE)
"""A simple query of Postgres's protocol, as drivers send it at the end of a transaction."""
LONGEST_COMMIT = 13
HOST = "127.0.0.1"
T = TypeVar("T")


@dataclass(frozen=True)
class Pass:
    """Forward everything."""


@dataclass(frozen=True)
class Drop:
    """A black hole: take what comes, forward nothing. A connection that lost bytes is reset when this ends."""


@dataclass(frozen=True)
class Stall:
    """Stop reading and forwarding one side; nothing is lost, it goes on when this ends."""

    side: Side


@dataclass(frozen=True)
class Reset:
    """End every connection, and each new one, with RST."""


@dataclass(frozen=True)
class Latency:
    """Forward everything this many milliseconds late."""

    ms: float


@dataclass(frozen=True)
class CutAtCommit:
    """Once: let a client's COMMIT through, drop what the server answers and reset both sides. Then forward."""


Mode: TypeAlias = Pass | Drop | Stall | Reset | Latency | CutAtCommit


@dataclass(eq=False, slots=True)
class Link:
    """One connection through the proxy."""

    client: asyncio.StreamWriter
    server: asyncio.StreamWriter
    lost: bool = False
    """Whether bytes of it were dropped: what would follow them makes no sense."""
    cutting: bool = False
    tail: bytes = b""
    pumps: list["asyncio.Task[None]"] = field(default_factory=list)

    def reset(self) -> None:
        """End both sides with RST."""
        for writer in (self.client, self.server):
            reset(writer)

    def commits(self, chunk: bytes) -> bool:
        """Whether a COMMIT ends in this chunk of what the client sends."""
        seen = self.tail + chunk
        self.tail = seen[-(LONGEST_COMMIT - 1) :]
        return COMMIT.search(seen) is not None


def reset(writer: asyncio.StreamWriter) -> None:
    """Close with RST: with a linger time of 0 the kernel drops what is unsent."""
    end = cast("socket.socket | None", writer.get_extra_info("socket"))
    if end is not None:
        with suppress(OSError):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


class Proxy:
    """Listens on a free port and forwards to `port` of this machine; with `tls`, clients have to speak it."""

    def __init__(self, port: int, tls: ssl.SSLContext | None = None) -> None:
        self.target = port
        self.port = 0
        self.cuts = 0
        """Connections that were cut at a COMMIT."""
        self._mode: Mode = Pass()
        self._links: set[Link] = set()
        self._tls = tls
        self._loop = asyncio.new_event_loop()
        self._changed = asyncio.Event()
        self._thread = threading.Thread(target=self._loop.run_forever, name=f"proxy-{port}", daemon=True)

    @property
    def mode(self) -> Mode:
        return self._mode

    def switch(self, mode: Mode) -> None:
        """From any thread: this mode is in force when it returns."""
        self._do(self._enter(mode))

    def __enter__(self) -> Self:
        self._thread.start()
        self._server = self._do(asyncio.start_server(self._accept, HOST, 0, ssl=self._tls))
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(self, *_: object) -> None:
        self._do(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE)
        self._loop.close()

    def _do(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE)

    async def _enter(self, mode: Mode) -> None:
        for link in list(self._links):
            if link.lost or isinstance(mode, Reset):
                link.reset()
        self._mode = mode
        self._changed.set()
        self._changed = asyncio.Event()

    async def _close(self) -> None:
        self._server.close()
        for link in list(self._links):
            link.reset()
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        if isinstance(self._mode, Reset):
            reset(client)
            return
        try:
            answers, server = await asyncio.wait_for(asyncio.open_connection(HOST, self.target), PATIENCE)
        except (OSError, TimeoutError):
            reset(client)
            return
        link = Link(client, server)
        self._links.add(link)
        try:
            await self._serve(link, reader, answers)
        finally:
            self._links.discard(link)

    async def _serve(self, link: Link, requests: asyncio.StreamReader, answers: asyncio.StreamReader) -> None:
        """Forward until one side ends; then end the other as well."""
        link.pumps = [
            asyncio.create_task(self._pump(link, "requests", requests, link.server)),
            asyncio.create_task(self._pump(link, "answers", answers, link.client)),
        ]
        try:
            await asyncio.wait(link.pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in link.pumps:
                pump.cancel()
            for writer in (link.client, link.server):
                writer.close()

    async def _pump(self, link: Link, side: Side, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while chunk := await source.read(CHUNK):
                if await self._lets_through(link, side, chunk):
                    sink.write(chunk)
                    await sink.drain()

    async def _lets_through(self, link: Link, side: Side, chunk: bytes) -> bool:
        """Whether to forward a chunk, once it is time to."""
        while self._mode == Stall(side):
            await self._changed.wait()
        if link.cutting:
            if side == "answers":
                self._cut(link)
            return side == "requests"
        match self._mode:
            case Drop():
                link.lost = True
                return False
            case Latency(ms):
                await asyncio.sleep(ms / 1000)
            case CutAtCommit() if side == "requests" and link.commits(chunk):
                link.cutting = True
                self._mode = Pass()
        return True

    def _cut(self, link: Link) -> None:
        """The server has answered the COMMIT, so it took place; the client never hears of it."""
        self.cuts += 1
        link.reset()
