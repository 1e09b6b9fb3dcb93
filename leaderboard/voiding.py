"""`leaderboard log void`: passing a record at which the fold has stopped, by a fact in the catalogue."""

import asyncpg

from leaderboard.tailing import line
from shared.catalogue import Catalogue
from shared.catalogue_log import CatalogueLog
from shared.events import RecordVoided, encode, wrap
from shared.identity import event_id_of
from shared.log import LogUnavailable, open_appender, open_reader
from shared.settings import KafkaSettings, NamingSettings, PostgresSettings, RedisSettings
from shared.topics import TopicName

NAME = "log-void"
SOURCE = "urn:leaderboard:log-void"
ACTOR = "system:operator"
APPEND_TIMEOUT = 10.0
TURNS = 20
"""Reads of half a second until the record has to be there."""
TOPICS: dict[str, TopicName] = {"events": "events", "players": "players"}
STOPPED = "select next_offset, stopped from checkpoints where topic = $1 and partition = $2"


class NotStopped(Exception):
    """No partition has stopped there: to void a record that counts already would make two folds differ."""


async def look(
    kafka: KafkaSettings,
    postgres: PostgresSettings,
    redis: RedisSettings,
    naming: NamingSettings,
    topic: str,
    partition: int,
    offset: int,
) -> str:
    """Why the partition stopped, and the record. Raises NotStopped, LogUnavailable."""
    reason = await _require_stopped(postgres, naming, topic, partition, offset)
    async with open_reader(kafka, naming, NAME) as reader:
        reader.assign({(TOPICS[topic], partition): offset})
        for _ in range(TURNS):
            for _, record in await reader.read(limit=1, wait_ms=500):
                return f"stopped at {reason}\n{line(record)}"
    raise LogUnavailable(f"{topic}/{partition}: offset {offset} could not be read")


async def void_record(
    kafka: KafkaSettings,
    postgres: PostgresSettings,
    redis: RedisSettings,
    naming: NamingSettings,
    topic: str,
    partition: int,
    offset: int,
) -> str:
    """Append `RecordVoided` to the catalogue; what to expect next. Raises NotStopped, LogUnavailable."""
    await _require_stopped(postgres, naming, topic, partition, offset)
    place = f"{topic}/{partition}/{offset}"
    catalogue = await CatalogueLog(kafka, naming, NAME).read(Catalogue())
    event = wrap(
        RecordVoided(topic="players" if topic == "players" else "events", partition=partition, offset=offset),
        event_id=event_id_of(place, "void"),
        subject=place,
        source=SOURCE,
        actor=ACTOR,
        catalogue=catalogue.newest,
    )
    async with open_appender(kafka, naming, NAME) as appender:
        await appender.append("boards", place.encode(), encode(event), timeout=APPEND_TIMEOUT)
    return f"{place} is void; its partition goes on within seconds"


async def _require_stopped(
    postgres: PostgresSettings, naming: NamingSettings, topic: str, partition: int, offset: int
) -> str:
    if topic not in TOPICS:
        raise NotStopped(f"--topic {topic}: one of {', '.join(TOPICS)}")
    connection = await asyncpg.connect(
        postgres.postgres.get_secret_value(), timeout=10, server_settings={"search_path": f'"{naming.schema_name}"'}
    )
    try:
        row = await connection.fetchrow(STOPPED, topic, partition)
    finally:
        await connection.close(timeout=5)
    if row is None:
        raise NotStopped(f"{topic} has no partition {partition}")
    if row["stopped"] is None or row["next_offset"] != offset:
        state = f"stopped at {row['stopped']}" if row["stopped"] else f"going on at {row['next_offset']}"
        raise NotStopped(f"{topic}/{partition} has not stopped at offset {offset}: it is {state}")
    return str(row["stopped"])
