"""A WebSocket client that stops reading: a library's client would read behind our back."""

import select
import socket
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

HANDSHAKE = (
    "GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
WINDOW = 64 * 1024
"""Bytes the kernel keeps for a client that does not read: few, so that what is sent backs up in the server."""
CLOSE = 0x88
"""The first byte of a close frame."""


class SlowClient:
    """Shakes hands, and then reads only when told to."""

    def __init__(self, url: str, window: int = WINDOW) -> None:
        at = urlsplit(url)
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
        self._socket.settimeout(10)
        self._socket.connect((at.hostname, at.port))
        self._socket.sendall(HANDSHAKE.format(path=at.path, host=at.netloc).encode())
        assert self._socket.recv(12, socket.MSG_WAITALL) == b"HTTP/1.1 101"

    def send(self, text: str) -> None:
        """Send a text message of less than 126 bytes, under a mask of zeros."""
        self.send_bytes(bytes((0x81, 0x80 | len(text), 0, 0, 0, 0)) + text.encode())

    def send_bytes(self, data: bytes) -> None:
        """Send what need not be frames."""
        self._socket.sendall(data)

    def dropped(self) -> bool:
        """Whether the connection was reset; does not read."""
        polling = select.poll()
        polling.register(self._socket, 0)
        return any(event & (select.POLLERR | select.POLLHUP) for _, event in polling.poll(0))

    def close_code(self, reason: bytes) -> int:
        """Read all that was sent; the code of the close frame with this reason, which has to end it."""
        received = bytearray()
        while not received.endswith(reason):
            chunk = self._socket.recv(65536)
            assert chunk, "the connection ended without a close frame"
            received += chunk
        frame = received[-len(reason) - 4 :]
        assert frame[0] == CLOSE
        return int.from_bytes(frame[2:4], "big")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._socket.close()
