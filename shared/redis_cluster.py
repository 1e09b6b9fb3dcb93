"""A Redis Cluster: each command goes to the node that holds its keys.

redis-py has a client for it, which tries again by itself for longer than a read may take; this one gives up at once, as
it does with a single server, and looks for the nodes anew before the next command.
"""

import asyncio
import random
import time
from bisect import bisect_right
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby
from typing import Any, TypeAlias

from redis.asyncio import ConnectionPool, Redis
from redis.crc import key_slot
from redis.exceptions import AskError, ClusterDownError, ConnectionError, RedisError, TimeoutError

Command: TypeAlias = tuple[str | int, ...]
Address: TypeAlias = tuple[str, int]
MOVED = (AskError, ClusterDownError, ConnectionError, TimeoutError, OSError)
"""What says that slots may be elsewhere now. A MOVED is an AskError."""
AGAIN = 0.1
"""Seconds between two looks at where the slots are."""


class Cluster(Redis):
    """A client of all nodes, which has the commands of one. Keys of one command have to be in one slot."""

    def __init__(self, **options: Any) -> None:
        """As for one of the nodes; the others are found through it."""
        super().__init__(**options)
        self._seed = Redis(connection_pool=self.connection_pool)
        self._firsts: list[int] = []
        """The first slot of each range, ascending."""
        self._owners: list[Address] = []
        """Of each range."""
        self._nodes: dict[Address, Redis] = {}
        self._looking = asyncio.Lock()
        self._stale = True
        self._looked = -AGAIN

    async def on_each(
        self, commands: Sequence[Command], send: Callable[[Redis, Sequence[Command]], Awaitable[list[Any]]]
    ) -> list[Any]:
        """What `send` gets for commands, one after the other; those in a row for the same node go there together."""
        with self._noticed():
            await self._look()
            replies: list[Any] = []
            for node, part in groupby(commands, lambda command: self._node_of(_key_of(command))):
                replies += await send(node, list(part))
            return replies

    async def nodes(self) -> list[Redis]:
        """Those that hold slots."""
        await self._look()
        return [self._nodes[owner] for owner in {*self._owners}]

    async def node_of(self, key: str) -> Redis:
        """The node that holds a key."""
        await self._look()
        return self._node_of(key)

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        """Of every node where the command has no key; the last one's answer."""
        with self._noticed():
            if args[0] in ("PING", "SCRIPT LOAD"):
                return [await _told(node, *args, **options) for node in await self.nodes()][-1]
            return await _told(await self.node_of(_key_of(args)), *args, **options)

    async def scan_iter(self, *args: Any, **options: Any) -> AsyncIterator[Any]:  # type: ignore[override] # as Redis's
        """The keys of every node."""
        for node in await self.nodes():
            async for key in node.scan_iter(*args, **options):
                yield key

    async def aclose(self, close_connection_pool: bool | None = None) -> None:
        """Close the connections to every node."""
        for node in self._nodes.values():
            await node.aclose()
        await super().aclose(close_connection_pool)

    @contextmanager
    def _noticed(self) -> Iterator[None]:
        try:
            yield
        except MOVED:
            self._stale = True
            raise

    async def _look(self) -> None:
        """Where the slots are, if that may have changed. Raises ConnectionError when no node says so."""
        async with self._looking:
            if not self._stale or time.monotonic() < self._looked + AGAIN:
                if not self._owners:
                    raise ConnectionError("no node of the Redis Cluster answers")
                return
            for node in [*random.sample([*self._nodes.values()], len(self._nodes)), self._seed]:
                try:
                    self._take(await _told(node, "CLUSTER SLOTS"))
                    break
                except (RedisError, OSError):
                    continue
            self._looked = time.monotonic()
        if not self._owners:
            raise ConnectionError("no node of the Redis Cluster answers")

    def _take(self, slots: Sequence[Sequence[Any]]) -> None:
        """Ranges as a node names them: first slot, last slot, who holds them (host, port, ...), its replicas."""
        ranges = sorted((first, (str(owner[0]), int(owner[1]))) for first, _, owner, *_ in slots)
        self._firsts, self._owners = [first for first, _ in ranges], [owner for _, owner in ranges]
        for address in self._owners:
            if address not in self._nodes:
                self._nodes[address] = self._opened(address)
        self._stale = not ranges

    def _opened(self, address: Address) -> Redis:
        seed = self.connection_pool
        options = {**seed.connection_kwargs, "host": address[0], "port": address[1]}
        return Redis(connection_pool=ConnectionPool(connection_class=seed.connection_class, **options))

    def _node_of(self, key: str) -> Redis:
        return self._nodes[self._owners[bisect_right(self._firsts, key_slot(key.encode())) - 1]]


async def _told(node: Redis, *args: Any, **options: Any) -> Any:
    """What a node answers."""
    return await node.execute_command(*args, **options)  # type: ignore[no-untyped-call]


def _key_of(command: Sequence[Any]) -> str:
    return str(command[3] if command[0] in ("EVALSHA", "EVAL") else command[1])
