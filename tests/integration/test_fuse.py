"""One record that the broker rejects must not end all appends: aiokafka's idempotent producer would never recover."""

import asyncio
from pathlib import Path

from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from tests.e2e.test_thread import get, name, submit
from tests.servers import Servers
from tests.stack import System, running
from tests.tables import admin


async def limit_records(system: System, size: int) -> None:
    """Let the broker reject records of the events topic above this size, as a mistaken operator would."""
    topic = f"{system.prefix}leaderboard.events"
    config = {"max.message.bytes": str(size), "message.timestamp.type": "LogAppendTime", "retention.ms": "-1"}
    async with admin(system) as client:
        await client.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, configs=config)])


async def test_appends_go_on_after_a_record_that_the_broker_rejects(servers: Servers, logs: Path) -> None:
    with running(servers, logs) as system:
        players = [name() for _ in range(16)]
        await asyncio.gather(*(submit(system, player, 10) for player in players))
        await limit_records(system, 200)
        answers = await asyncio.gather(
            *(submit(system, player, 20, **{"Idempotency-Key": "once"}) for player in players)
        )
        assert {status for status, _ in answers} == {503}
        assert all(problem["idempotency_key"] == "once" for _, problem in answers)
        await limit_records(system, 1024 * 1024)
        for player in players:
            status, answer = await submit(system, player, 20, **{"Idempotency-Key": "once"})
            assert (status, answer["new_total"]) == (200, 30), answer
            _, rank = await get(system, f"/api/leaderboard/rank/{player}")
            assert rank["games_played"] == 2
        assert "producer_replaced" in system.log_of("front")
        verified = await asyncio.to_thread(system.run, "verify")
        assert verified.returncode == 0, verified.stdout + verified.stderr
