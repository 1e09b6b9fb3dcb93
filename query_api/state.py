"""What a running query API holds."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from query_api.operations import Operations
from query_api.pages import Pages
from query_api.placing import Placing
from query_api.reading import Reading
from query_api.tail import Tail
from shared.catalogue_log import LiveCatalogue, open_catalogue
from shared.health import Check, Component
from shared.incarnation import read_incarnation
from shared.log import Reader, open_reader
from shared.postgres import Pool, open_pool
from shared.ranks import Ranks
from shared.redis import Client, open_redis
from shared.settings import KafkaSettings, NamingSettings, PostgresSettings, ReadSettings, RedisSettings
from shared.standings import Standings

STOPPED = "select topic, partition, stopped from checkpoints where stopped is not null order by 1, 2"
NAME = "query-api"
STALLED = 10_000
"""Records of lag from which the projector counts as down."""


@dataclass(frozen=True, slots=True)
class Queries:
    """The parts behind the routes."""

    reading: Reading
    placing: Placing
    pages: Pages
    catalogue: LiveCatalogue
    cursor_key: bytes
    pool: Pool
    checks: Mapping[str, Check]
    tail: Tail
    operations: Operations


@asynccontextmanager
async def open_queries(
    kafka: KafkaSettings,
    postgres: PostgresSettings,
    redis: RedisSettings,
    naming: NamingSettings,
    reads: ReadSettings,
) -> AsyncIterator[Queries]:
    """Everything the routes need. Raises LogUnavailable, LogNotCreated."""
    incarnation = await read_incarnation(kafka, naming, NAME, "events")
    async with (
        open_catalogue(kafka, naming, NAME) as catalogue,
        open_reader(kafka, naming, NAME) as reader,
        open_reader(kafka, naming, f"{NAME}-tail") as tail_reader,
        open_pool(postgres, naming, NAME) as pool,
        open_redis(redis, NAME) as client,
    ):
        standings, ranks = Standings(pool, reads.fallback_reads), Ranks(client, naming.prefix)
        reading = Reading(ranks, standings, incarnation, reads.wait_ms, redis.keep_ms)
        placing, pages = Placing(ranks, catalogue), Pages(ranks, catalogue)
        # By default all processes of a system have the same key without being told.
        key = reads.cursor_key.get_secret_value() if reads.cursor_key is not None else incarnation
        checks = _checks(reader, pool, client, reading)
        tail = Tail(tail_reader)
        operations = Operations(pool, reader, tail)
        yield Queries(reading, placing, pages, catalogue, key.encode(), pool, checks, tail, operations)


def _checks(reader: Reader, pool: Pool, client: Client, reading: Reading) -> dict[str, Check]:
    async def kafka() -> Component:
        await reader.end("events")
        return Component(status="up")

    async def postgres() -> Component:
        await pool.fetchval("select 1")
        return Component(status="up")

    async def redis() -> Component:
        await client.ping()
        return Component(status="up")

    async def projector() -> Component:
        position = await reading.position()
        end = await reader.end("events")
        lag = sum(max(0, offset - position.offsets.get(partition, 0)) for partition, offset in end.items())
        stopped = [f"{row['topic']}/{row['partition']}: {row['stopped']}" for row in await pool.fetch(STOPPED)]
        working = lag < STALLED and not stopped
        return Component(status="up" if working else "down", lag=lag, stopped=stopped or None)

    return {"kafka": kafka, "postgres": postgres, "redis": redis, "projector": projector}
