"""What a running notifier holds."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field

from notifier.following import Following
from notifier.hub import Hub, Watcher
from shared.catalogue_log import LiveCatalogue, open_catalogue
from shared.feed import Feed
from shared.postgres import open_pool
from shared.ranks import Ranks
from shared.redis import open_redis
from shared.settings import KafkaSettings, NamingSettings, PostgresSettings, ReadSettings, RedisSettings
from shared.standings import Standings
from shared.watchdog import stop_process

NAME = "notifier"


@dataclass(slots=True)
class Sockets:
    """The event that wakes the sender of each socket."""

    woken: dict[Watcher, asyncio.Event] = field(default_factory=dict)

    def wake(self, watchers: Iterable[Watcher]) -> None:
        """These have something to send."""
        for watcher in watchers:
            self.woken[watcher].set()


@dataclass(frozen=True, slots=True)
class Notifier:
    """The parts behind the socket."""

    hub: Hub
    sockets: Sockets
    following: Following
    catalogue: LiveCatalogue

    @contextmanager
    def watching(self, watcher: Watcher) -> Iterator[asyncio.Event]:
        """Watch for as long as the block lasts; the event is set whenever there is something to send."""
        woken = asyncio.Event()
        self.sockets.woken[watcher] = woken
        self.hub.add(watcher)
        try:
            yield woken
        finally:
            self.hub.remove(watcher)
            del self.sockets.woken[watcher]


@asynccontextmanager
async def open_notifier(
    kafka: KafkaSettings,
    postgres: PostgresSettings,
    redis: RedisSettings,
    naming: NamingSettings,
    reads: ReadSettings,
    feed: Feed,
) -> AsyncIterator[Notifier]:
    """Everything the socket needs. Raises LogUnavailable."""
    hub, sockets = Hub(), Sockets()
    async with (
        open_catalogue(kafka, naming, NAME) as catalogue,
        open_pool(postgres, naming, NAME) as pool,
        open_redis(redis, NAME) as client,
    ):
        standings = Standings(pool, reads.fallback_reads)
        following = Following(hub, catalogue, Ranks(client, naming.prefix), standings, sockets.wake)
        feed.subscribe(following.receive)
        running = asyncio.create_task(following.run())
        running.add_done_callback(stop_process)
        try:
            yield Notifier(hub, sockets, following, catalogue)
        finally:
            running.cancel()
