"""Hot routes, answered ahead of the framework: its middlewares and the solving of parameters cost ten times the answer.

A handler may leave a request to the app behind it, which has the full route, as long as it has not read the body: so a
handler of reads knows the common, valid shape of a request only, and every error is defined in the app.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from starlette.types import ASGIApp, Message, Receive, Scope, Send


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer as the two messages of ASGI. Nobody changes them, so one may be sent to many."""

    start: Message
    body: Message

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        await send(self.start)
        await send(self.body)


Handler: TypeAlias = Callable[[Scope, Receive], Awaitable[ASGIApp | None]]
"""Gives what answers a request; None leaves it to the app."""
Handlers: TypeAlias = Mapping[tuple[str, str], Handler]
"""By method and path; a path that ends in / takes one more segment."""


class HotPaths:
    """An app with some of its routes answered ahead of it."""

    def __init__(self, app: ASGIApp, handlers: Handlers) -> None:
        self._app = app
        self._handlers = handlers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        handler = self._handler(scope)
        reply = await handler(scope, receive) if handler is not None else None
        await (reply or self._app)(scope, receive, send)

    def _handler(self, scope: Scope) -> Handler | None:
        if scope["type"] != "http":
            return None
        method, path = scope["method"], scope["path"]
        return self._handlers.get((method, path)) or self._handlers.get((method, path[: path.rfind("/") + 1]))


def json_reply(body: bytes, position: str) -> Reply:
    """A JSON answer with the position that it is of."""
    headers: list[tuple[bytes, bytes]] = [
        (b"x-position", position.encode()),
        (b"content-length", b"%d" % len(body)),
        (b"content-type", b"application/json"),
    ]
    start: dict[str, Any] = {"type": "http.response.start", "status": 200, "headers": headers}
    return Reply(start, {"type": "http.response.body", "body": body})
