"""A broker whose clock was ahead: time does not go back in a partition, and the log stays what it is."""

import time
from pathlib import Path

from aiokafka import AIOKafkaProducer
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from leaderboard.creating import own_settings
from tests.builders import score_bytes
from tests.e2e.test_thread import name, submit
from tests.integration.test_upgrading import verified
from tests.servers import Servers
from tests.stack import System, present, running
from tests.tables import admin, select

HOUR = 3_600_000
BY_THE_WRITER, BY_THE_BROKER = "CreateTime", "LogAppendTime"
"""Who stamps the records of a topic."""
AHEAD = "select partition from checkpoints where topic = 'events' and clock > extract(epoch from now()) * 1000 + 1000"


async def stamp(system: System, who: str) -> None:
    """Say who stamps the records of the events topic."""
    topic = f"{system.prefix}leaderboard.events"
    async with admin(system) as client:
        settings = await own_settings(client, topic) | {"message.timestamp.type": who}
        await client.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, settings)])


async def test_a_partition_whose_broker_was_ahead_goes_on_at_that_time(servers: Servers, logs: Path) -> None:
    with running(servers, logs) as system:
        ann = name()
        _, answer = await submit(system, ann, 5)
        partition, ahead = int(answer["position"].split(".")[2].split("-")[0]), time.time_ns() // 1_000_000 + HOUR
        await stamp(system, BY_THE_WRITER)
        producer = AIOKafkaProducer(bootstrap_servers=present(servers.kafka).url, acks="all")
        async with producer:
            await producer.send_and_wait(
                f"{system.prefix}leaderboard.events", score_bytes(ann, 5, "ahead"), ann.encode(), partition, ahead
            )
        await stamp(system, BY_THE_BROKER)
        status, answer = await submit(system, ann, 5)
        assert (status, answer["new_total"]) == (200, 15)
        reached = "select reached_at from leaderboard_entries where player_id = $1"
        assert await select(system, reached, ann) == [(ahead,)]
        assert await select(system, AHEAD) == [(partition,)]
        await verified(system)
