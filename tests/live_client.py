"""The rules of docs/live.md for a client, and nothing more; with a socket to try them on."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Self
from zlib import crc32

import orjson
from websockets.asyncio.client import ClientConnection, connect

from tests.asyncapi import assert_described


@dataclass
class Model:
    """What a client holds of a `top` channel."""

    off: str | None = None
    season: str = ""
    total: int = -1
    order: str = "desc"
    rows: dict[str, tuple[int, int, str | None]] = field(default_factory=dict)
    is_lost: bool = False
    """Whether there was a gap: it has to ask again."""

    def take(self, message: dict[str, Any]) -> None:
        """A `snap` or a `d`."""
        if message["t"] == "snap":
            self.season, self.order = message["season"], message["order"]
            self.rows = {player: (value, at, name) for player, value, at, name in message["rows"]}
        elif message["off"] == self.off:
            return
        elif message["prev"] != self.off:
            self.is_lost = True
            return
        else:
            self.rows |= {player: (value, at, name) for player, value, at, name in message["up"]}
            for player in message["rm"]:
                self.rows.pop(player, None)
        self.off, self.total, self.is_lost = message["off"], message["total"], False
        assert message.get("h", self.checksum()) == self.checksum()

    def ordered(self) -> list[tuple[str, int, int, str | None]]:
        """The rows in the order of the board."""
        sign = -1 if self.order == "desc" else 1
        rows = [(player, *row) for player, row in self.rows.items()]
        return sorted(rows, key=lambda row: (sign * row[1], row[2], row[0].encode()))

    def checksum(self) -> str:
        text = "".join(f"{player}\t{value}\t{at}\t{name or ''}\n" for player, value, at, name in self.ordered())
        return f"{crc32(text.encode()):08x}"


class Client:
    """A socket of lb.v1."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.models: dict[str, Model] = {}
        self.heard: list[dict[str, Any]] = []
        self._lines: deque[bytes] = deque()

    @classmethod
    async def open(cls, url: str, *asked: dict[str, Any], **options: Any) -> Self:
        """Connect and say hello, and what else is asked in the same message."""
        client = cls(await connect(f"{url}/ws/v1", **options))
        await client.send({"op": "hello", "id": 0}, *asked)
        return client

    async def send(self, *asked: dict[str, Any]) -> None:
        await self.socket.send(b"\n".join(orjson.dumps(each) for each in asked).decode())

    async def hear(self, *kinds: str, where: Callable[[dict[str, Any]], bool] = lambda _: True) -> dict[str, Any]:
        """The next object of one of these kinds for which it holds; what comes before is taken in, too."""
        async with asyncio.timeout(15):
            while True:
                if not self._lines:
                    received = await self.socket.recv()
                    assert isinstance(received, str)
                    self._lines.extend(received.encode().split(b"\n"))
                message: dict[str, Any] = orjson.loads(self._lines.popleft())
                assert_described(message)
                self.heard.append(message)
                await self._take(message)
                if message["t"] in kinds and where(message):
                    return message

    async def _take(self, message: dict[str, Any]) -> None:
        if message["t"] in ("snap", "d"):
            self.models.setdefault(message["ch"], Model()).take(message)
        elif message["t"] == "p":
            await self.send({"op": "pong"})

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.socket.close()
