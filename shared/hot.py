"""Hot reads, answered ahead of the framework: its middlewares and the solving of parameters cost ten times the answer.

A handler knows the common, valid shape of a request only. Whatever else comes, and whatever cannot be answered at once,
it leaves to the app behind it, which has the full route: so every error is defined there, and only there.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple, TypeAlias

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Reply(NamedTuple):
    """An answer as the two messages of ASGI. Nobody changes them, so one may be sent to many."""

    start: Message
    body: Message


Handler: TypeAlias = Callable[[Scope], Awaitable[Reply | None]]
"""Answers a GET, or leaves it to the app."""


class HotPaths:
    """An app with some of its GETs answered ahead of it. A path that ends in / takes one more segment."""

    def __init__(self, app: ASGIApp, handlers: Mapping[str, Handler]) -> None:
        self._app = app
        self._handlers = handlers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        handler = self._handler(scope)
        reply = await handler(scope) if handler is not None else None
        if reply is None:
            await self._app(scope, receive, send)
            return
        await send(reply.start)
        await send(reply.body)

    def _handler(self, scope: Scope) -> Handler | None:
        if scope["type"] != "http" or scope["method"] != "GET":
            return None
        path: str = scope["path"]
        return self._handlers.get(path) or self._handlers.get(path[: path.rfind("/") + 1])


def json_reply(body: bytes, position: str) -> Reply:
    """A JSON answer with the position that it is of."""
    headers: list[tuple[bytes, bytes]] = [
        (b"x-position", position.encode()),
        (b"content-length", b"%d" % len(body)),
        (b"content-type", b"application/json"),
    ]
    start: dict[str, Any] = {"type": "http.response.start", "status": 200, "headers": headers}
    return Reply(start, {"type": "http.response.body", "body": body})
