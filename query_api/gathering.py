"""Look-ups of many requests as one: what arrives while one is on its way is asked together in the next."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from itertools import islice
from typing import Generic, TypeVar

import structlog

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

log = structlog.get_logger()


class Gathering(Generic[K, V]):
    """Asks for keys together, for at most `most` at a time, one call after the other.

    A request joins only a call that has not begun, so no answer is older than the request. No call waits for more
    requests: when none is on its way, the next one begins at once. A look-up that gives None could say nothing at all.
    """

    def __init__(self, look_up: Callable[[Sequence[K]], Awaitable[Mapping[K, V] | None]], most: int) -> None:
        self._look_up = look_up
        self._most = most
        self._waiting: dict[K, list[asyncio.Future[V | None]]] = {}
        self._asking: asyncio.Task[None] | None = None

    async def ask(self, key: K) -> V | None:
        """What the look-up has for a key; None where it has nothing."""
        # A future of its own for each request: one that is cancelled must not take the others along.
        future: asyncio.Future[V | None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(key, []).append(future)
        if self._asking is None:
            self._asking = asyncio.create_task(self._ask_all())
        return await future

    async def _ask_all(self) -> None:
        try:
            while self._waiting:
                await self._ask_next()
        finally:
            self._asking = None

    async def _ask_next(self) -> None:
        keys = list(islice(self._waiting, self._most))
        taken = [(key, self._waiting.pop(key)) for key in keys]
        found = await self._found(keys)
        if found is None:  # nor has it anything for those who wait: they need not find that out one after the other
            taken += self._waiting.items()
            self._waiting = {}
            found = {}
        for key, futures in taken:
            for future in futures:
                if not future.done():
                    future.set_result(found.get(key))

    async def _found(self, keys: Sequence[K]) -> Mapping[K, V] | None:
        try:
            return await self._look_up(keys)
        except Exception:  # a bug; the full route, which is asked next, answers for itself
            log.exception("look_up_failed", keys=len(keys))
            return None
