"""The floor of a read: a bare ASGI app that answers any request with the bytes of one real answer."""

import os
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

from bench.errors import BenchFailed

BODY = "BENCH_BODY"
"""Names the file with the answer."""
Message = MutableMapping[str, Any]
App = Callable[[Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]]


def create_app() -> App:
    """The app. Raises BenchFailed without the file."""
    if BODY not in os.environ:
        raise BenchFailed(f"{BODY} names no file")
    body = Path(os.environ[BODY]).read_bytes()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    start = {"type": "http.response.start", "status": 200, "headers": headers}
    end = {"type": "http.response.body", "body": body}

    async def app(
        scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
    ) -> None:
        if scope["type"] == "http":
            await send(start)
            await send(end)

    return app
