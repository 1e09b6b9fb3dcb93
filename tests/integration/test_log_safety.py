"""A log that does not go on where the tables end stops the projector with an alarm, never a silent reset."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.admin import NewTopic, RecordsToDelete

from tests.e2e.test_thread import get, name, submit
from tests.integration.test_stopping import projector_health
from tests.servers import Servers
from tests.stack import System, present, running
from tests.tables import admin

PARTITIONS = 4


@pytest.fixture
def system(servers: Servers, logs: Path) -> Iterator[System]:
    with running(servers, logs, split=True) as started:
        yield started


async def scores(system: System, count: int) -> None:
    await asyncio.gather(*(submit(system, name(), 10, Prefer="respond-async") for _ in range(count)))
    began = time.monotonic()
    while (await get(system, "/api/leaderboard/health"))[1]["components"]["projector"]["lag"]:
        assert time.monotonic() - began < 10


async def records(system: System) -> list[ConsumerRecord]:
    """Everything in the events topic."""
    consumer = AIOKafkaConsumer(bootstrap_servers=present(system.servers.kafka).url, auto_offset_reset="earliest")
    await consumer.start()
    try:
        places = [TopicPartition(f"{system.prefix}leaderboard.events", partition) for partition in range(PARTITIONS)]
        consumer.assign(places)
        ends = await consumer.end_offsets(places)
        found: list[ConsumerRecord] = []
        while len(found) < sum(ends.values()):
            for each in (await consumer.getmany(timeout_ms=500)).values():
                found += each
        return found
    finally:
        await consumer.stop()


async def replace_log(system: System, kept: list[ConsumerRecord]) -> None:
    """Create the topic anew, with only these records in it: what a restored or truncated log looks like."""
    topic = f"{system.prefix}leaderboard.events"
    async with admin(system) as client:
        await client.delete_topics([topic])
        config = {"message.timestamp.type": "LogAppendTime", "retention.ms": "-1"}
        began = time.monotonic()
        while (await client.create_topics([NewTopic(topic, PARTITIONS, 1, topic_configs=config)])).topic_errors[0][1]:
            assert time.monotonic() - began < 20
    producer = AIOKafkaProducer(bootstrap_servers=present(system.servers.kafka).url, acks="all")
    await producer.start()
    try:
        for record in kept:
            await producer.send_and_wait(topic, record.value, record.key, record.partition)
    finally:
        await producer.stop()


async def ends_with(system: System, reason: str) -> None:
    """The projector ends, and its log says why."""
    system.start("projector")
    assert await asyncio.to_thread(system.processes.pop("projector").wait, 20) == 1
    assert reason in system.log_of("projector")


async def heals_by_reset(system: System) -> None:
    """`leaderboard reset` folds the log that is there; the tables equal it."""
    done = await asyncio.to_thread(system.run, "reset", "--yes")
    assert done.returncode == 0, done.stderr
    if "projector" in system.processes:
        system.kill("projector")
    system.start("projector")
    await projector_health(system, "up")
    verified = await asyncio.to_thread(system.run, "verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr


async def test_a_log_that_lost_its_end(system: System) -> None:
    await scores(system, 40)
    held = await records(system)
    system.kill("projector")
    await replace_log(system, [record for record in held if record.offset < 5])
    system.start("projector")
    health = await projector_health(system, "down")
    assert all("the log ends at 5" in each and "leaderboard reset" in each for each in health["stopped"])
    await heals_by_reset(system)


async def test_a_log_that_grew_again_with_other_records(system: System) -> None:
    await scores(system, 40)
    held = await records(system)
    system.kill("projector")
    await replace_log(system, [*held, *(record for record in held if record.offset)])
    system.start("projector")
    health = await projector_health(system, "down")
    assert all("holds another record than the one that was applied" in each for each in health["stopped"])
    await heals_by_reset(system)


async def test_retention_that_overtook_the_projector(system: System) -> None:
    await scores(system, 40)
    system.kill("projector")
    await asyncio.gather(*(submit(system, name(), 10, Prefer="respond-async") for _ in range(40)))
    topic = f"{system.prefix}leaderboard.events"
    async with admin(system) as client:
        ends = {TopicPartition(topic, partition): RecordsToDelete(-1) for partition in range(PARTITIONS)}
        await client.delete_records(ends)
    await ends_with(system, "the beginning of the log is gone")


async def test_a_topic_created_anew_is_another_log(system: System) -> None:
    await scores(system, 8)
    system.kill("projector")
    async with admin(system) as client:
        await client.delete_topics([f"{system.prefix}leaderboard.events"])
    began = time.monotonic()
    while (await asyncio.to_thread(system.run, "init")).returncode:
        assert time.monotonic() - began < 20
    await ends_with(system, "the tables are built from")
    await heals_by_reset(system)
