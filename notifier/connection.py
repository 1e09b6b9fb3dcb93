"""The connection under a socket: uvicorn's, which the app hands over to a session once it is open.

Then no task waits in it, what is written goes to the transport at once, and it ends even when its client takes nothing.
"""

import logging
import random
import socket
import struct
from asyncio import BaseTransport
from contextlib import suppress
from typing import Any, Protocol

import structlog
from uvicorn._types import ASGISendEvent
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.exceptions import InvalidState
from websockets.frames import Frame
from websockets.http11 import Request

from notifier.limits import Bucket
from notifier.messages import CLOSE_BAD_REQUEST, CLOSE_RATE

CLOSE_WITHIN = 5.0
"""Seconds a client has to take what was sent and to answer the close frame."""
LEAVE_WITHIN = 2.0
"""Seconds over which the sockets of a node that stops are closed."""
RESET = struct.pack("ii", 1, 0)
"""SO_LINGER: on, for no time."""
UNSENT = 16 * 1024
"""Bytes that the kernel takes for a client beyond what is on its way; by default megabytes, minutes of old ranks."""
UNTAKEN = 8 * 1024
"""Bytes beyond those from which nothing is read any more, either."""
RATE, BURST = 64 * 1024, 128 * 1024
"""Bytes that a client may send, a second and at once: more than the requests that it may send."""
MOST_FRAGMENTS = 64
"""Of a message: empty ones are not counted by its length."""
LOGGER = "uvicorn.sockets"
"""Whose lines about each socket that opens can be left out without those about the server."""
HANDED_OVER = "connection"
"""Where in the scope's state an app finds the connection."""

log = structlog.get_logger()


class Receiver(Protocol):
    """Who takes a connection over."""

    def receive(self, message: bytes | None) -> None:
        """A text message; None: one that is no text."""

    def alive(self) -> None:
        """The client has been heard of."""

    def stop(self) -> None:
        """The server stops."""

    def end(self) -> None:
        """The connection is gone."""


class Connection(WebSocketsSansIOProtocol):
    """uvicorn's, with bounds on what waits in it and on closing.

    Uvicorn's holds a close frame back until the client has taken what was sent before, and lets go of the
    connection only when the client has taken everything: one that does not read would stay for ever.
    """

    receiver: Receiver | None = None

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.logger = self.conn.logger = logging.getLogger(LOGGER)
        self._limit = Bucket(RATE, BURST, BURST, self.loop.time())

    def connection_made(self, transport: BaseTransport) -> None:
        """Let little wait for a client that takes nothing."""
        super().connection_made(transport)
        self.transport.set_write_buffer_limits(high=UNTAKEN)
        at = transport.get_extra_info("socket")
        if at.family in (socket.AF_INET, socket.AF_INET6) and hasattr(socket, "TCP_NOTSENT_LOWAT"):
            at.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT)

    def data_received(self, data: bytes) -> None:
        """Take in what is within the limit, and end a handshake that is none: uvicorn's would wait for ever."""
        if not self._limit.take(self.loop.time(), len(data)):
            if self.close_sent:  # it goes on all the same: what is left out here ends the frames, nothing is read again
                self.transport.pause_reading()
                return
            self._refuse(CLOSE_RATE, f"more than {RATE} bytes a second, {BURST} at once")
            if self.transport.is_closing():
                return
        super().data_received(data)
        if self.conn.handshake_exc is not None and not self.transport.is_closing():
            self.transport.write(b"".join(self.conn.data_to_send()))
            self.transport.close()
            self._end_soon()

    def hand_over(self, receiver: Receiver) -> None:
        """From now on messages go to `receiver`; the app has no part in it any more, and may return."""
        self.receiver = receiver
        del self.scope, self.request, self.response

    def write(self, data: bytes) -> None:
        """Send bytes that are whole frames."""
        if not self.close_sent and not self.transport.is_closing():
            self.transport.write(data)

    def buffered(self) -> int:
        """Bytes that the kernel has not taken yet."""
        return self.transport.get_write_buffer_size()

    def close(self, code: int, reason: str) -> None:
        """Send a close frame; it is final within CLOSE_WITHIN seconds."""
        if self.close_sent or self.transport.is_closing():
            return
        with suppress(InvalidState):
            self.conn.send_close(code, reason)
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self.transport.resume_reading()
        self._end_soon()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell who has taken it over."""
        super().connection_lost(exc)
        if self.receiver is not None:
            self.receiver.end()
            self.receiver = None

    def shutdown(self) -> None:
        """The server stops: not all at once. One that is closing ends by itself."""
        if not self.handshake_complete:
            self.transport.abort()
        elif self.receiver is None or self.close_sent:
            if not self.transport.is_closing():
                super().shutdown()
        else:
            self.loop.call_later(random.uniform(0, LEAVE_WITHIN), self._stop)  # noqa: S311 - spread

    def pause_writing(self) -> None:
        """Who does not take answers is not asked for more questions."""
        super().pause_writing()
        if self.receiver is not None and not self.close_sent and not self.transport.is_closing():
            self.transport.pause_reading()

    def resume_writing(self) -> None:
        """Go on."""
        super().resume_writing()
        if self.receiver is not None and not self.close_sent and not self.transport.is_closing():
            self.transport.resume_reading()

    def start_keepalive(self) -> None:
        """Sockets are asked by the sessions' own wheel."""

    def handle_connect(self, event: Request) -> None:
        """Let the app find the connection that it may hand over."""
        super().handle_connect(event)
        if not self.close_sent:
            self.scope["state"][HANDED_OVER] = self

    def send_receive_event_to_app(self) -> None:
        """A whole message has come."""
        if self.receiver is None:
            super().send_receive_event_to_app()
            return
        message, self.frames = b"".join(self.frames), []
        if not self.close_sent:
            self.receiver.receive(message if self.curr_msg_data_type == "text" else None)

    def handle_cont(self, event: Frame) -> None:
        """A message is not in any number of parts."""
        if len(self.frames) < MOST_FRAGMENTS:
            super().handle_cont(event)
        else:
            self._refuse(CLOSE_BAD_REQUEST, f"more than {MOST_FRAGMENTS} fragments")

    def handle_parser_exception(self) -> None:
        """Let go even of a client that breaks the protocol and takes no more."""
        super().handle_parser_exception()
        self._end_soon()

    def handle_ping(self) -> None:
        """Nothing follows a close frame, and a client may stop reading at it."""
        answers = self.conn.data_to_send()
        if not self.close_sent:
            self.transport.write(b"".join(answers))

    def handle_pong(self, event: Frame) -> None:
        """The answer to a ping of the wheel."""
        if self.receiver is not None:
            self.receiver.alive()

    def handle_close(self, event: Frame) -> None:
        """Let go even of a client that says good-bye and takes no more."""
        super().handle_close(event)
        if self.receiver is not None and not self.disconnected:
            self._end_soon()

    async def run_asgi(self) -> None:
        """The app, up to the end of the connection or until it has handed it over."""
        try:
            await self.app(self.scope, self.receive, self.send)
        except ClientDisconnected:
            pass
        except Exception:
            self.logger.exception("Exception in ASGI application")
            self.send_500_response()
            self.transport.close()
        if self.receiver is None and self.close_timer is None:
            self.transport.close()

    async def send(self, message: ASGISendEvent) -> None:
        """Send what the app says. A close is never held back, and it is final within CLOSE_WITHIN seconds."""
        if message["type"] == "websocket.close":
            self.writable.set()
        await super().send(message)
        if self.close_timer is not None:
            self._end_soon()

    def _stop(self) -> None:
        if self.receiver is not None:
            self.receiver.stop()

    def _refuse(self, code: int, reason: str) -> None:
        if self.receiver is None:
            self.transport.abort()
        else:
            log.info("socket_closed", code=code, reason=reason)
            self.close(code, reason)

    def _end_soon(self) -> None:
        if self.close_timer is not None:
            self.close_timer.cancel()
        self.close_timer = self.loop.call_later(CLOSE_WITHIN, self._reset)

    def _reset(self) -> None:
        """Drop what the client has not taken; without the reset the kernel would keep its part, up to megabytes."""
        self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self.transport.abort()
