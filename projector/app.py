"""The projector process: opens what the worker needs and runs it."""

import structlog

from projector.feed import Publisher
from projector.ranks import RankWriter
from projector.store import Store
from projector.worker import Worker
from shared.catalogue_log import CatalogueLog
from shared.incarnation import read_incarnation
from shared.log import open_appender, open_reader
from shared.postgres import open_pool
from shared.redis import open_redis
from shared.settings import KafkaSettings, NamingSettings, PostgresSettings, RedisSettings

NAME = "projector"

log = structlog.get_logger()


async def run(kafka: KafkaSettings, postgres: PostgresSettings, redis: RedisSettings, naming: NamingSettings) -> None:
    """Project until cancelled. Raises LogUnavailable when no broker answers at the start."""
    async with (
        open_reader(kafka, naming, NAME, group=NAME) as reader,
        open_appender(kafka, naming, NAME) as appender,
        # A crash of Postgres loses rows and checkpoints together, and the log replays them.
        open_pool(postgres, naming, NAME, durable=False) as pool,
        open_redis(redis, NAME) as client,
    ):
        incarnations = {
            "events": await read_incarnation(kafka, naming, NAME, "events"),
            "players": await read_incarnation(kafka, naming, NAME, "players"),
        }
        worker = Worker(
            reader,
            CatalogueLog(kafka, naming, NAME),
            Store(pool),
            RankWriter(client, naming.prefix, incarnations["events"]),
            Publisher(appender),
            incarnations,
        )
        await worker.run()
