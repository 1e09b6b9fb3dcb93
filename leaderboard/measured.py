"""Counting the answers of a process, by route and status, and how long they took."""

import time
from collections.abc import Collection
from typing import TypeAlias

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.histogram import SECONDS, Histogram

OTHER = "other"
"""The web app's files, and paths that no route is for: whatever clients ask for, the number of routes is bounded."""
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
NOT_ANSWERED = 0
"""The status of a request that was given up before an answer began, as at the end of the process."""
FAILED = 500
"""The status that the server gives to a request whose app raised."""

Kind: TypeAlias = tuple[str, str, int]
"""Method, route and status."""


class Measured:
    """An app whose answers are counted."""

    def __init__(self, app: ASGIApp, hot: Collection[tuple[str, str]]) -> None:
        """`hot`: methods and paths that are answered ahead of the framework, which names the route of all others."""
        self._app = app
        self._hot = hot
        self.answers: dict[Kind, Histogram] = {}
        """Kind → seconds from the head of a request to the end of its answer."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status, began = NOT_ANSWERED, time.perf_counter()

        async def note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, note)
        except Exception:
            status = status or FAILED
            raise
        finally:
            method = scope["method"] if scope["method"] in METHODS else OTHER
            self._count((method, self._route(scope), status), time.perf_counter() - began)

    def _count(self, kind: Kind, seconds: float) -> None:
        counted = self.answers.get(kind)
        if counted is None:
            counted = self.answers[kind] = Histogram(SECONDS)
        counted.add(seconds)

    def _route(self, scope: Scope) -> str:
        method, path = scope["method"], scope["path"]
        above = path[: path.rfind("/") + 1]
        if (method, path) in self._hot:
            return str(path)
        if (method, above) in self._hot:
            return f"{above}*"
        return str(scope["route"].path) if "route" in scope else OTHER
