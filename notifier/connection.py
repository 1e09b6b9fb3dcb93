"""The connection under a socket: it ends even when its client takes nothing."""

import socket
import struct

from uvicorn._types import ASGISendEvent
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

CLOSE_WITHIN = 5.0
"""Seconds a client has to take what was sent and to answer the close frame."""
RESET = struct.pack("ii", 1, 0)
"""SO_LINGER: on, for no time."""


class Connection(WebSocketsSansIOProtocol):
    """uvicorn's, with a bound on closing.

    Uvicorn's holds a close frame back until the client has taken what was sent before, and lets go of the
    connection only when the client has taken everything: one that does not read would stay for ever.
    """

    async def send(self, message: ASGISendEvent) -> None:
        """Send what the app says. A close is never held back, and it is final within CLOSE_WITHIN seconds."""
        if message["type"] == "websocket.close":
            self.writable.set()
        await super().send(message)
        if self.close_timer is not None:
            self.close_timer.cancel()
            self.close_timer = self.loop.call_later(CLOSE_WITHIN, self._reset)

    def _reset(self) -> None:
        """Drop what the client has not taken; without the reset the kernel would keep its part, up to megabytes."""
        self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self.transport.abort()
