"""Asking an ASGI app without a server or a socket."""

from collections.abc import Mapping, MutableMapping
from typing import Any, NamedTuple

import orjson
from fastapi import FastAPI


class Answer(NamedTuple):
    """What came back; `body` as JSON."""

    status: int
    headers: dict[str, str]
    body: dict[str, Any]


async def ask(
    app: FastAPI, state: Mapping[str, Any], method: str, path: str, body: object = None, **headers: str
) -> Answer:
    """One request; `state` is what the lifespan would have yielded. Headers with `_` for `-`."""
    path, _, query = path.partition("?")
    content = body if isinstance(body, bytes) else orjson.dumps(body)
    named = {"content-type": "application/json"} | {name.replace("_", "-"): value for name, value in headers.items()}
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in named.items()],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
        "state": dict(state),
    }
    received = [{"type": "http.request", "body": content, "more_body": False}]
    sent: list[MutableMapping[str, Any]] = []

    async def receive() -> MutableMapping[str, Any]:
        return received.pop() if received else {"type": "http.disconnect"}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    await app(scope, receive, send)
    found = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    text = b"".join(message.get("body", b"") for message in sent[1:])
    return Answer(sent[0]["status"], found, orjson.loads(text))
