"""The sketch's topics, tables and keys: made with players in them, and taken away again."""

import asyncio
import random
from collections.abc import Iterator, Sequence

from aiokafka.admin import NewTopic

from bench.patience import patient
from leaderboard.creating import open_admin
from shared.log import LogUnavailable
from shared.postgres import open_connection
from shared.redis import open_redis
from shared.settings import KafkaSettings, NamingSettings, PostgresSettings, RedisSettings
from shared.topics import topic_name

NAME = "bench-sketch"
PARTITIONS = 4
PATIENCE = 300
"""Tenths of a second that new topics have to get leaders."""
TIMEOUT = 60.0
AT_A_TIME = 5_000
TABLES = """
create table sessions (event_id text primary key, player text, game_mode text, score bigint, occurred_at timestamptz,
    part int, off bigint);
create table entries (board text, player text, total bigint, n int, reached_at bigint, part int, ver bigint,
    primary key (board, player)) with (fillfactor = 70);
create table checkpoints (part int primary key, next_offset bigint, epoch bigint)
"""


def redis_keys(naming: NamingSettings) -> tuple[str, str]:
    """Ranks and members."""
    return f"{naming.prefix}ranks", f"{naming.prefix}members"


def member(reached_at: int, player: str) -> str:
    """As it stands in the sorted set."""
    return f"{reached_at:016x}{player}"


async def create(
    kafka: KafkaSettings, postgres: PostgresSettings, redis: RedisSettings, naming: NamingSettings, players: int
) -> None:
    """Make all, with so many players. Raises LogUnavailable, or what Postgres and Redis raise."""
    await create_topics(kafka, naming)
    chance = random.Random(1)
    rows = [("classic", f"player-{number}", chance.randrange(10**6), 1, 0, 0, -1) for number in range(players)]
    await _fill_tables(postgres, naming, rows)
    await _fill_index(redis, naming, rows)


async def drop(kafka: KafkaSettings, postgres: PostgresSettings, redis: RedisSettings, naming: NamingSettings) -> None:
    """Take all away. Raises LogUnavailable, or what Postgres and Redis raise."""
    await delete_topics(kafka, naming)
    async with open_connection(postgres, NAME, timeout=TIMEOUT) as connection:
        await connection.execute(f'drop schema if exists "{naming.schema_name}" cascade')
    async with open_redis(patient(redis), NAME) as client:
        await client.unlink(*redis_keys(naming))


async def create_topics(kafka: KafkaSettings, naming: NamingSettings) -> None:
    """Make the topics and wait until they have leaders. Raises LogUnavailable."""
    names = _topics(naming)
    async with open_admin(kafka) as admin:
        wanted = [NewTopic(name, partitions, kafka.kafka_replication) for name, partitions in names.items()]
        await asyncio.wait_for(admin.create_topics(wanted), TIMEOUT)
        for _ in range(PATIENCE):
            if all(_led(each) for each in await asyncio.wait_for(admin.describe_topics(list(names)), TIMEOUT)):
                return
            await asyncio.sleep(0.1)
    raise LogUnavailable(f"the topics {', '.join(names)} have no leaders")


async def delete_topics(kafka: KafkaSettings, naming: NamingSettings) -> None:
    """Delete the topics. Raises LogUnavailable."""
    async with open_admin(kafka) as admin:
        await asyncio.wait_for(admin.delete_topics(list(_topics(naming))), TIMEOUT)


def _topics(naming: NamingSettings) -> dict[str, int]:
    return {topic_name(naming.prefix, "events"): PARTITIONS, topic_name(naming.prefix, "rank-changes"): 1}


def _led(topic: dict[str, object]) -> bool:
    partitions = topic.get("partitions")
    return bool(partitions) and all(each["leader"] >= 0 for each in partitions)  # type: ignore[attr-defined]


async def _fill_tables(postgres: PostgresSettings, naming: NamingSettings, rows: Sequence[tuple[object, ...]]) -> None:
    async with open_connection(postgres, NAME, timeout=TIMEOUT) as connection:
        await connection.execute(f'create schema "{naming.schema_name}"; set search_path to "{naming.schema_name}"')
        await connection.execute(TABLES)
        await connection.copy_records_to_table("entries", records=rows, schema_name=naming.schema_name)
        checkpoints = [(number, 0, 1) for number in range(PARTITIONS)]
        await connection.copy_records_to_table("checkpoints", records=checkpoints, schema_name=naming.schema_name)
        await connection.execute("analyze entries")


async def _fill_index(redis: RedisSettings, naming: NamingSettings, rows: Sequence[tuple[object, ...]]) -> None:
    ranks, members = redis_keys(naming)
    async with open_redis(patient(redis), NAME) as client:
        for part in _parts(rows):
            scores = {member(0, str(row[1])): -int(str(row[2])) for row in part}
            await client.zadd(ranks, scores)
            await client.hset(members, mapping={str(row[1]): member(0, str(row[1])) for row in part})


def _parts(rows: Sequence[tuple[object, ...]]) -> Iterator[Sequence[tuple[object, ...]]]:
    return (rows[first : first + AT_A_TIME] for first in range(0, len(rows), AT_A_TIME))
