"""The connection under HTTP: an answer leaves in one write, and the head of a request is bounded in size and time."""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from shared.health import STOPPING

MOST_HELD = 64 * 1024
"""Bytes of a body that are not held back for what comes before or behind."""
LARGEST_HEAD = 32 * 1024
"""Bytes of the URL and the headers of a request; of what comes of them in parts, too."""
MOST_HEADERS = 100
HEAD_WITHIN = 10.0
"""Seconds a client has from its connection on, and later from the first byte of a request on, to send a head."""
TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class JoinedWrites:
    """A transport that hands on, at the end of a turn of the loop, what was written in it."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._held: list[bytes] = []

    def write(self, data: bytes) -> None:
        """As a transport's; it leaves when the loop turns."""
        if not self._held:
            self._loop.call_soon(self.flush)
        self._held.append(data)
        if len(data) > MOST_HELD:
            self.flush()

    def flush(self) -> None:
        """Write what is held."""
        held, self._held = self._held, []
        if held:
            self._transport.write(held[0] if len(held) == 1 else b"".join(held))

    def close(self) -> None:
        """As a transport's: what was written before leaves first."""
        self.flush()
        self._transport.close()

    def __getattr__(self, name: str) -> Any:
        """Everything else is the transport's."""
        return getattr(self._transport, name)


class HeadTooLarge(Exception):
    """The parser is to go no further."""


class HttpConnection(HttpToolsProtocol):
    """uvicorn's, with joined writes and bounded heads; a socket that it is upgraded to has the transport itself."""

    _in_head = False
    _fed = 0
    """Bytes that came for a head that they neither began nor ended."""
    _due: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """As a protocol's."""
        super().connection_made(JoinedWrites(transport, self.loop))  # type: ignore[arg-type]
        self._bare = transport
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """As a protocol's."""
        self._head_is_over()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Wait for the rest of a head, but neither for ever nor for any number of bytes."""
        before = self.scope if self._in_head else None
        super().data_received(data)
        if not self._in_head or self.transport.is_closing():
            return
        if self.scope is before:
            self._fed += len(data)
        if self._fed > LARGEST_HEAD or len(self.headers) > MOST_HEADERS:
            self._refuse()
        elif self._due is None:
            self._await_head()

    def on_message_begin(self) -> None:
        """As uvicorn's."""
        super().on_message_begin()
        self._in_head, self._fed = True, 0

    def on_headers_complete(self) -> None:
        """As uvicorn's. Raises HeadTooLarge."""
        if self._is_too_large():
            raise HeadTooLarge
        self._head_is_over()
        super().on_headers_complete()
        if self.app_state.get(STOPPING) and not self.parser.should_upgrade():
            self.cycle.keep_alive = False  # the client goes elsewhere now, rather than in the middle of a request

    def send_400_response(self, msg: str) -> None:
        """What the parser has stopped at; where it was told to, that is another answer."""
        if self._is_too_large():
            self._refuse()
        else:
            super().send_400_response(msg)

    def handle_websocket_upgrade(self) -> None:
        """As uvicorn's."""
        self.transport = self._bare
        super().handle_websocket_upgrade()

    def _is_too_large(self) -> bool:
        """Looked at once a head: what a chunk brings is bounded by the loop, and what chunks bring by `_fed`."""
        size = sum([len(name) + len(value) for name, value in self.headers], len(self.url))
        return self._in_head and (size > LARGEST_HEAD or len(self.headers) > MOST_HEADERS)

    def _refuse(self) -> None:
        self.transport.write(TOO_LARGE)
        self.transport.close()

    def _await_head(self) -> None:
        self._due = self.loop.call_later(HEAD_WITHIN, self._too_late)

    def _head_is_over(self) -> None:
        self._in_head = False
        if self._due is not None:
            self._due.cancel()
            self._due = None

    def _too_late(self) -> None:
        """While an answer is under way nothing may be read: the head has its time after it."""
        if self.cycle and not self.cycle.response_complete:
            self._await_head()
        else:
            self.transport.close()
