"""The connection under HTTP: an answer leaves in one write, not its head and its body each in its own."""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MOST_HELD = 64 * 1024
"""Bytes of a body that are not held back for what comes before or behind."""


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


class HttpConnection(HttpToolsProtocol):
    """uvicorn's, with joined writes; a socket that it is upgraded to has the transport itself."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """As a protocol's."""
        super().connection_made(JoinedWrites(transport, self.loop))  # type: ignore[arg-type]
        self._bare = transport

    def handle_websocket_upgrade(self) -> None:
        """As uvicorn's."""
        self.transport = self._bare
        super().handle_websocket_upgrade()
