"""A name that was erased leaves Kafka's disk within the bound, and everything before at once."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import pytest
import redis.asyncio
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from shared.appender import open_appender
from shared.events import PlayerProfileSet
from shared.ranking import names_key
from shared.settings import KafkaSettings, NamingSettings
from shared.topics import LARGEST_RECORD, topics
from tests.builders import fact_bytes
from tests.e2e.test_boards import ADMIN, KEY, post
from tests.e2e.test_thread import name
from tests.servers import Servers, contained
from tests.stack import System, present, running
from tests.tables import admin, select

WITHIN = 18.0
"""Seconds: the bound of the systems here."""
CLEANER = 15.0 + 1.0
"""Seconds: Kafka's cleaner looks every 15 (`log.cleaner.backoff.ms`); what it replaced is deleted a second later."""
SLACK = 5.0
"""Seconds for looking itself, on a machine that others use, too."""
PARTITIONS = 4


@pytest.fixture(scope="module")
def system(servers: Servers, logs: Path) -> Iterator[System]:
    within = str(WITHIN / 3600)
    with running(servers, logs, LEADERBOARD_ADMIN_KEY=KEY, LEADERBOARD_ERASE_WITHIN_HOURS=within) as started:
        yield started


@pytest.fixture(autouse=True)
async def at_once(system: System) -> None:
    """Kafka deletes the files that the cleaner replaced after a second, not a minute."""
    [players] = [topic for topic in topics(PARTITIONS, int(WITHIN * 1000)) if topic.name == "players"]
    own = {"max.message.bytes": str(LARGEST_RECORD), "file.delete.delay.ms": "1000"}
    await alter(system, players.config | players.renewed | own)


async def alter(system: System, settings: dict[str, str]) -> None:
    """Give the players topic these settings and no others."""
    resource = ConfigResource(ConfigResourceType.TOPIC, f"{system.prefix}leaderboard.players", settings)
    async with admin(system) as client:
        [answer] = await client.alter_configs([resource])
    assert answer.resources[0][0] == 0, answer


async def settings_of(system: System) -> dict[str, str]:
    """The settings of the players topic."""
    resource = ConfigResource(ConfigResourceType.TOPIC, f"{system.prefix}leaderboard.players")
    async with admin(system) as client:
        [answer] = await client.describe_configs([resource])
    return {entry[0]: entry[1] for entry in answer.resources[0][4]}


@asynccontextmanager
async def consumer_of(system: System) -> AsyncIterator[AIOKafkaConsumer]:
    consumer = AIOKafkaConsumer(bootstrap_servers=present(system.servers.kafka).url, auto_offset_reset="earliest")
    await consumer.start()
    try:
        yield consumer
    finally:
        await consumer.stop()


async def topic_text(system: System) -> bytes:
    """The keys and values of everything that a reader of the players topic gets from its beginning."""
    async with consumer_of(system) as consumer:
        places = [TopicPartition(f"{system.prefix}leaderboard.players", number) for number in range(PARTITIONS)]
        consumer.assign(places)
        ends, found = await consumer.end_offsets(places), b""
        while any([await consumer.position(place) < ends[place] for place in places]):
            for records in (await consumer.getmany(timeout_ms=500)).values():
                found += b"".join((each.key or b"") + (each.value or b"") for each in records)
        return found


def on_disk(workspace: Path, text: str) -> list[str]:
    """Kafka's files that hold the text, deleted ones and those that are being cleaned among them."""
    files = [file for file in (workspace / "servers" / "kafka" / "log").rglob("*") if file.is_file()]
    assert files
    return [file.name for file in files if text.encode() in content(file)]


def content(file: Path) -> bytes:
    """Nothing of a file that goes just now."""
    try:
        return file.read_bytes()
    except FileNotFoundError:
        return b""


async def held(system: System, workspace: Path, text: str) -> bool:
    """Whether Kafka still holds it: for readers, or, where its files are within reach, on disk."""
    if text.encode() in await topic_text(system):
        return True
    return not contained() and bool(on_disk(workspace, text))


async def in_postgres(system: System, text: str) -> list[str]:
    """The tables that have the text anywhere in a row."""
    found = []
    for (table,) in await select(system, "select tablename from pg_tables where schemaname = current_schema()"):
        rows = await select(system, f'select 1 from "{table}" each where each::text like $1', f"%{text}%")
        found += [table] if rows else []
    return found


async def in_redis(system: System, text: str) -> bool:
    client = redis.asyncio.Redis.from_url(present(system.servers.redis).url, decode_responses=True)
    try:
        return text in await client.hvals(names_key(system.prefix))
    finally:
        await client.aclose()


async def call(system: System, player: str, username: str) -> None:
    status, answer = await post(system, f"/api/v1/players/{player}/profile", {"username": username}, "PUT")
    assert status == 200, answer


async def erase(system: System, player: str) -> None:
    status, answer = await post(system, f"/api/v1/players/{player}/erase", {}, **ADMIN)
    assert status == 200, answer


async def until_gone(system: System, workspace: Path, texts: list[str], within: float) -> float:
    """Wait until Kafka holds none of the texts; the seconds that it took."""
    began = time.monotonic()
    while any([await held(system, workspace, text) for text in texts]):
        assert time.monotonic() - began < within, {text: on_disk(workspace, text) for text in texts}
        await asyncio.sleep(0.5)
    return time.monotonic() - began


async def until_in_tables(system: System, text: str, wanted: list[str]) -> None:
    """Wait until these tables have the text, and no others."""
    began = time.monotonic()
    while (found := await in_postgres(system, text)) != wanted:
        assert time.monotonic() - began < 10, found
        await asyncio.sleep(0.05)


def word() -> str:
    """A name that occurs nowhere else."""
    return f"Zoë {uuid4().hex}"


@pytest.mark.parametrize("time_of_many", [1, 2])
async def test_names_are_gone_within_the_bound(system: System, workspace: Path, time_of_many: int) -> None:
    """Erased ones and former ones; nobody else writes. The second time, Kafka has cleaned these partitions before."""
    ann, bob, first, second, former, present_name = name(), name(), word(), word(), word(), word()
    for player, username in ((ann, first), (ann, second), (bob, former), (bob, present_name)):
        await call(system, player, username)
    for text in (first, second, former, present_name):
        assert await held(system, workspace, text)
    await until_in_tables(system, second, ["profiles"])
    assert await in_redis(system, second)
    await erase(system, ann)
    for text in (first, second, former):
        await until_in_tables(system, text, [])
        assert not await in_redis(system, text)
    took = await until_gone(system, workspace, [first, second, former], WITHIN + CLEANER + SLACK)
    print(f"time {time_of_many}: gone from Kafka after {took:.1f} s, the bound is {WITHIN:g} s and {CLEANER:g} s")
    assert await held(system, workspace, present_name)
    assert await in_postgres(system, present_name) == ["profiles"]
    verified = await asyncio.to_thread(system.run, "verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr


async def test_a_name_that_came_behind_its_tombstone_goes_too(system: System) -> None:
    """Its writer asked whether the player is erased, then was slow."""
    ann, late = name(), word()
    await erase(system, ann)
    await until_erased(system, ann)
    kafka = KafkaSettings.model_validate({"LEADERBOARD_KAFKA": present(system.servers.kafka).url})
    async with open_appender(kafka, NamingSettings(prefix=system.prefix), "test") as appender:
        value = fact_bytes(PlayerProfileSet(player_id=ann, username=late))
        appended = await appender.append("players", ann.encode(), value, timeout=5)
    await until_projected(system, appended.partition, appended.offset + 2)
    assert await in_postgres(system, late) == []
    assert not await in_redis(system, late)


async def until_erased(system: System, player: str) -> None:
    began = time.monotonic()
    while not await select(system, "select 1 from players where player_id = $1 and erased is not null", player):
        assert time.monotonic() - began < 10
        await asyncio.sleep(0.05)


async def until_projected(system: System, partition: int, offset: int) -> None:
    """The players topic, at least to there."""
    sql = "select 1 from checkpoints where topic = 'players' and partition = $1 and next_offset >= $2"
    began = time.monotonic()
    while not await select(system, sql, partition, offset):
        assert time.monotonic() - began < 15
        await asyncio.sleep(0.05)


async def test_a_projector_that_was_away_learns_of_an_erase_after_the_cleaning(system: System, workspace: Path) -> None:
    """What it applied last is gone from the log, and the tombstone is still there."""
    ann, secret = name(), word()
    await call(system, ann, secret)
    await until_in_tables(system, secret, ["profiles"])
    system.kill("projector")
    # Nobody can say that it is applied: the answer is 202.
    status, _ = await post(system, f"/api/v1/players/{ann}/erase", {}, Prefer="respond-async", **ADMIN)
    assert status == 202
    gone = asyncio.ensure_future(until_gone(system, workspace, [secret], WITHIN + CLEANER + SLACK))
    while not gone.done():  # no projector, no ticks: others who register
        await post(system, f"/api/v1/players/{name()}/profile", {"username": "Other"}, "PUT", Prefer="respond-async")
        await asyncio.sleep(0.2)
    await gone
    assert await in_postgres(system, secret) == ["profiles"]
    system.start("projector")
    await until_in_tables(system, secret, [])
    verified = await asyncio.to_thread(system.run, "verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr


async def test_init_renews_the_bound_of_a_topic_and_leaves_what_others_have_set(system: System) -> None:
    ours = await settings_of(system)
    assert ours["max.compaction.lag.ms"] == "9000"
    await alter(system, {"cleanup.policy": "compact", "segment.bytes": "10485760", "delete.retention.ms": "1"})
    done = await asyncio.to_thread(system.run, "init")
    assert f"topics: {system.prefix}leaderboard.players set up anew" in done.stderr, done.stdout + done.stderr
    renewed = await settings_of(system)
    names = ("max.compaction.lag.ms", "delete.retention.ms", "segment.bytes", "cleanup.policy")
    assert [renewed[each] for each in names] == ["9000", ours["delete.retention.ms"], "10485760", "compact"]
    again = await asyncio.to_thread(system.run, "init")
    assert "topics: all there" in again.stderr, again.stdout + again.stderr
