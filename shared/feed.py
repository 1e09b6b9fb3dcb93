"""The feed: the reader of `rank-changes`. Whoever misses a record re-reads the ranks, so it starts at the end."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import TypeAlias

import structlog
from pydantic import ValidationError

from shared.log import LogGone, LogUnavailable, Reader, open_reader
from shared.rank_changes import RankChanges
from shared.settings import KafkaSettings, NamingSettings
from shared.watchdog import stop_process

PARTITION = 0
"""Where every projector writes. Nobody reads the others: each that is read costs work with every fetch."""

log = structlog.get_logger()


Subscriber: TypeAlias = Callable[[RankChanges], None]


class Feed:
    """Hands every record of the feed to its subscribers, which must not block."""

    def __init__(self) -> None:
        self._subscribers: list[Subscriber] = []

    def subscribe(self, subscriber: Subscriber) -> None:
        """Call `subscriber` with every record from now on."""
        self._subscribers.append(subscriber)

    def publish(self, value: bytes | None) -> None:
        """Decode one record and hand it on; what is not ours is left alone."""
        try:
            changes = RankChanges.model_validate_json(value or b"")
        except ValidationError:
            return
        for subscriber in self._subscribers:
            subscriber(changes)

    async def follow(self, reader: Reader) -> None:
        """Hand on what is read, for ever."""
        while True:
            try:
                records = await reader.read(limit=500, wait_ms=1_000)
            except LogUnavailable as error:
                log.warning("feed_unavailable", error=str(error))
                await asyncio.sleep(0.5)
                if isinstance(error, LogGone):
                    await self._begin_again(reader)
                continue
            for _, record in records:
                self.publish(record.value)
                await asyncio.sleep(0)  # after a pause there are many, and each may be half a megabyte

    async def _begin_again(self, reader: Reader) -> None:
        """From the present end; what lies between was missed."""
        with suppress(LogUnavailable):
            await begin_at_end(reader)
            for subscriber in self._subscribers:
                subscriber(RankChanges(incarnation="", resync=True))


async def begin_at_end(reader: Reader) -> None:
    """Read what comes from now on. Raises LogUnavailable."""
    end = await reader.end("rank-changes")
    reader.assign({("rank-changes", PARTITION): end[PARTITION]})


@asynccontextmanager
async def open_feed(kafka: KafkaSettings, naming: NamingSettings, client_id: str) -> AsyncIterator[Feed]:
    """A feed that is being followed from its present end. Raises LogUnavailable when no broker answers."""
    feed = Feed()
    async with open_reader(kafka, naming, f"{client_id}-feed") as reader:
        await begin_at_end(reader)
        following = asyncio.create_task(feed.follow(reader))
        following.add_done_callback(stop_process)
        try:
            yield feed
        finally:
            following.remove_done_callback(stop_process)
            following.cancel()
