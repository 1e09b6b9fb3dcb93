"""The projector half, a process: read, one transaction, one Lua call, one record of outcomes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import asyncpg
import orjson
import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from bench.patience import patient
from bench.sketch.stores import NAME, PARTITIONS, member, redis_keys
from shared.log import connection_settings
from shared.postgres import open_connection
from shared.redis import Client, Script, open_redis
from shared.settings import KafkaSettings, NamingSettings, PostgresSettings, RedisSettings
from shared.topics import topic_name

PLACE = Script("bench.sketch", "place.lua")
INSERT = """
insert into sessions select * from unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::timestamptz[],
    $6::int[], $7::bigint[]) on conflict do nothing returning event_id
"""
SELECT = "select player, total, n from entries where board = 'classic' and player = any($1::text[])"
UPSERT = """
insert into entries select 'classic', * from unnest($1::text[], $2::bigint[], $3::int[], $4::bigint[], $5::int[],
    $6::bigint[])
on conflict (board, player) do update set total = excluded.total, n = excluded.n, reached_at = excluded.reached_at,
    part = excluded.part, ver = excluded.ver
"""
CHECKPOINT = """
update checkpoints c set next_offset = v.new from unnest($1::int[], $2::bigint[], $3::bigint[]) v (part, old, new)
where c.part = v.part and c.next_offset = v.old and c.epoch = 1 returning c.part
"""


@dataclass(frozen=True)
class Batch:
    """Events, each with its partition and offset, and the offsets before and after of what they are from."""

    events: Sequence[tuple[dict[str, Any], int, int]]
    moved: Mapping[int, tuple[int, int]]


@dataclass(frozen=True)
class Folded:
    """The rows of entries to write, by player, and the total after each event."""

    entries: Mapping[str, tuple[int, int, int, int, int]]
    totals: Sequence[tuple[str, str, int]]


def read(fetched: Mapping[TopicPartition, Sequence[Any]], offsets: dict[int, int]) -> Batch:
    """Decode what was fetched; `offsets` moves on."""
    events, moved = [], {}
    for at, records in fetched.items():
        events += [(orjson.loads(record.value), at.partition, record.offset) for record in records]
        moved[at.partition] = offsets[at.partition], records[-1].offset + 1
        offsets[at.partition] = records[-1].offset + 1
    return Batch(events, moved)


def fold(batch: Batch, new: set[str], known: Mapping[str, tuple[int, int]]) -> Folded:
    """Sum up the events that are new."""
    state, entries, totals = dict(known), {}, []
    for event, partition, offset in batch.events:
        player = event["data"]["player_id"]
        total, count = state.get(player, (0, 0))
        if event["id"] in new:
            total, count = total + event["data"]["score"], count + 1
        state[player] = total, count
        entries[player] = total, count, event["time"], partition, offset
        totals.append((event["id"], player, total))
    return Folded(entries, totals)


async def commit(postgres: "asyncpg.Connection[asyncpg.Record]", batch: Batch) -> Folded:
    """Rows and checkpoints in one transaction."""
    data = [event["data"] for event, _, _ in batch.events]
    sessions = (
        [event["id"] for event, _, _ in batch.events],
        [each["player_id"] for each in data],
        [each["game_mode"] for each in data],
        [each["score"] for each in data],
        [datetime.fromtimestamp(event["time"] / 1e6, UTC) for event, _, _ in batch.events],
        [partition for _, partition, _ in batch.events],
        [offset for _, _, offset in batch.events],
    )
    async with postgres.transaction():
        new = {row[0] for row in await postgres.fetch(INSERT, *sessions)}
        rows = await postgres.fetch(SELECT, list({each["player_id"] for each in data}))
        folded = fold(batch, new, {row[0]: (row[1], row[2]) for row in rows})
        columns = (list(column) for column in zip(*folded.entries.values(), strict=True))
        await postgres.execute(UPSERT, list(folded.entries), *columns)
        old, end = (list(column) for column in zip(*batch.moved.values(), strict=True))
        assert len(await postgres.fetch(CHECKPOINT, list(batch.moved), old, end)) == len(batch.moved)
    return folded


async def place(redis: Client, keys: tuple[str, str], folded: Folded) -> dict[str, tuple[int, int]]:
    """New and old rank of each player; 0 for none."""
    arguments: list[str | int] = []
    for player, (total, _, reached_at, _, _) in folded.entries.items():
        arguments += [player, member(reached_at, player), -total]
    found = await PLACE.run(redis, keys, arguments)
    ranks = zip(found[1::2], found[0::2], strict=True)
    return {player: (new + 1, old + 1) for player, (new, old) in zip(folded.entries, ranks, strict=True)}


async def project(
    kafka: KafkaSettings, postgres: PostgresSettings, redis: RedisSettings, naming: NamingSettings
) -> None:
    """Project until the process is ended."""
    settings = connection_settings(kafka, NAME)
    producer = AIOKafkaProducer(**settings, acks=1, max_batch_size=1 << 20, max_request_size=4 << 20)
    consumer = AIOKafkaConsumer(**settings, enable_auto_commit=False, auto_offset_reset="earliest")
    await producer.start()
    await consumer.start()
    consumer.assign([TopicPartition(topic_name(naming.prefix, "events"), number) for number in range(PARTITIONS)])
    offsets = dict.fromkeys(range(PARTITIONS), 0)
    at = {"schema": naming.schema_name, "synchronous_commit": "off"}
    async with (
        open_connection(postgres, NAME, timeout=None, **at) as connection,
        open_redis(patient(redis), NAME) as client,
    ):
        while True:
            if fetched := await consumer.getmany(timeout_ms=1000, max_records=2000):
                folded = await commit(connection, read(fetched, offsets))
                ranks = await place(client, redis_keys(naming), folded)
                outcomes = [(event_id, total, *ranks[player]) for event_id, player, total in folded.totals]
                await producer.send(topic_name(naming.prefix, "rank-changes"), orjson.dumps(outcomes), partition=0)


if __name__ == "__main__":
    uvloop.run(project(KafkaSettings(), PostgresSettings(), RedisSettings(), NamingSettings()))
