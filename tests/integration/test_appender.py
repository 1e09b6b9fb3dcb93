"""The appender on a real Kafka: what waits behind a batch that takes long arrives, in order, and frees its place."""

import asyncio
import secrets

from shared.appender import LONGEST_ROUND, Appender, open_appender, partition_of
from shared.log import open_reader
from shared.settings import KafkaSettings, NamingSettings
from tests.servers import Servers, frozen
from tests.stack import System

TIMEOUT = 20.0


async def append(appender: Appender, key: str, value: int) -> int:
    """The offset of a record."""
    appended = await appender.append("players", key.encode(), b"%d" % value, timeout=TIMEOUT)
    assert appended.partition == partition_of(key.encode(), 4)
    return appended.offset


async def test_records_behind_a_batch_that_takes_long_arrive_in_order(servers: Servers, system: System) -> None:
    kafka = KafkaSettings.model_validate({"LEADERBOARD_KAFKA": system.environment["LEADERBOARD_KAFKA"]})
    naming = NamingSettings(prefix=system.prefix)
    key, other = (f"a-{secrets.token_hex(6)}" for _ in range(2))
    async with open_appender(kafka, naming, "test", limit=50) as appender, open_reader(kafka, naming, "test") as reader:
        first = await append(appender, key, 0)
        assert servers.kafka is not None
        with frozen(servers.kafka):
            waiting = [asyncio.create_task(append(appender, key, 1))]
            await asyncio.sleep(2 * LONGEST_ROUND)  # the round is over, its batch is not there
            waiting += [asyncio.create_task(append(appender, each, n)) for n in range(2, 20) for each in (key, other)]
            await asyncio.sleep(LONGEST_ROUND)
        offsets = [await each for each in waiting]
        assert offsets[0] == first + 1
        assert offsets[1::2] == sorted(offsets[1::2])
        assert appender.unacknowledged == 0
        partition = partition_of(key.encode(), 4)
        reader.assign({("players", partition): first})
        records = [record for _, record in await reader.read(limit=500, wait_ms=2_000)]
        assert [record.value for record in records if record.key == key.encode()] == [b"%d" % n for n in range(20)]
