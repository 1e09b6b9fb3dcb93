"""The projector process: opens what the worker needs and runs it."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from projector.closing import Closing
from projector.feed import Publisher
from projector.forgetting import Forgetting
from projector.leases import open_leases
from projector.progress import Progress
from projector.ranks import RankWriter
from projector.store import Store
from projector.worker import Worker
from shared.appender import open_appender
from shared.catalogue_log import CatalogueLog, open_catalogue
from shared.incarnation import read_incarnation
from shared.log import open_reader
from shared.postgres import open_pool
from shared.redis import open_redis
from shared.settings import KafkaSettings, NamingSettings, PostgresSettings, ProjectorSettings, RedisSettings
from shared.topics import TopicName
from shared.watchdog import stop_process, watched

NAME = "projector"
TOPICS: tuple[TopicName, ...] = ("events", "players")


async def run(
    kafka: KafkaSettings,
    postgres: PostgresSettings,
    redis: RedisSettings,
    naming: NamingSettings,
    settings: ProjectorSettings,
    stopping: asyncio.Event,
    progress: Progress,
) -> None:
    """Project until told to stop, and keep `progress`. Raises LogUnavailable, LogNotCreated, ForeignCheckpoint."""
    incarnations = {topic: await read_incarnation(kafka, naming, NAME, topic) for topic in TOPICS}
    async with open_reader(kafka, naming, NAME) as reader:
        partitions = {topic: await reader.partitions(topic) for topic in TOPICS}
    async with (
        open_appender(kafka, naming, NAME) as appender,
        # A crash of Postgres loses rows and checkpoints together, and the log replays them.
        open_pool(postgres, naming, NAME, durable=False) as pool,
        open_redis(redis, NAME) as client,
        open_catalogue(kafka, naming, NAME) as catalogue,
    ):
        with watched() as watchdog:
            async with open_leases(pool, settings.projector_name, settings.projector_beat) as leases:
                closing = Closing(pool, appender, leases, catalogue, incarnations["events"], len(partitions["events"]))
                reading = partial(open_reader, kafka, naming, f"{NAME}-forgetting")
                forgetting = Forgetting(reading, appender, pool, leases, kafka.erase_within_ms)
                counts = {topic: len(numbers) for topic, numbers in partitions.items()}
                worker = Worker(
                    partial(open_reader, kafka, naming, NAME, group=NAME),
                    catalogue,
                    CatalogueLog(kafka, naming, NAME),
                    leases,
                    Store(pool),
                    RankWriter(client, naming.prefix, incarnations, counts, watchdog.beat, redis.keep_ms),
                    Publisher(appender),
                    incarnations,
                    partitions,
                    watchdog,
                    progress,
                )
                async with _beside(closing.run()), _beside(forgetting.run()):
                    await worker.run(stopping)


@asynccontextmanager
async def _beside(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run this for as long as the block lasts; an error of it ends the process."""
    task = asyncio.create_task(work)
    task.add_done_callback(stop_process)
    try:
        yield
    finally:
        task.remove_done_callback(stop_process)
        task.cancel()
