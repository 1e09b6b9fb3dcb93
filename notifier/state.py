"""What a running notifier holds."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from notifier.fanout import Fanout
from notifier.following import Following
from notifier.gate import Admission, Live
from notifier.hub import Hub
from notifier.limits import Bucket
from notifier.sockets import Sockets
from shared.catalogue_log import open_catalogue
from shared.feed import Feed
from shared.postgres import open_pool
from shared.ranks import Ranks
from shared.redis import open_redis
from shared.settings import KafkaSettings, LiveSettings, NamingSettings, PostgresSettings, ReadSettings, RedisSettings
from shared.standings import Standings
from shared.watchdog import stop_process

NAME = "notifier"


@asynccontextmanager
async def open_live(
    kafka: KafkaSettings,
    postgres: PostgresSettings,
    redis: RedisSettings,
    naming: NamingSettings,
    reads: ReadSettings,
    settings: LiveSettings,
    feed: Feed,
) -> AsyncIterator[Live]:
    """Everything the sockets need. Raises LogUnavailable."""
    hub = Hub()
    fanout = Fanout(hub)
    async with (
        open_catalogue(kafka, naming, NAME) as catalogue,
        open_pool(postgres, naming, NAME) as pool,
        open_redis(redis, NAME) as client,
    ):
        standings = Standings(pool, reads.fallback_reads)
        following = Following(hub, catalogue, Ranks(client, naming.prefix), standings, fanout)
        sockets = Sockets(hub, fanout, following, catalogue)
        rate = Bucket(settings.sockets_a_second, settings.sockets_a_second, settings.sockets_a_second)
        admission = Admission(sockets, settings.allowed_origins, settings.sockets, rate)
        feed.subscribe(following.receive)
        running = [asyncio.create_task(work) for work in (following.run(), fanout.run(), sockets.run())]
        for task in running:
            task.add_done_callback(stop_process)
        try:
            yield Live(sockets, fanout, admission, catalogue)
        finally:
            for task in running:
                task.remove_done_callback(stop_process)
                task.cancel()
