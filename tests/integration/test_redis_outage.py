"""Redis goes away, and comes back empty: answers stay right, and the index heals by itself."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.test_thread import get, name, submit
from tests.servers import Servers, open_servers
from tests.stack import System, present, running


@pytest.fixture(scope="module")
def own_servers(servers: Servers, workspace: Path) -> Iterator[Servers]:
    """The shared Kafka and Postgres with a Redis that this module may stop."""
    with open_servers(workspace / "own", frozenset({"redis"})) as own:
        yield Servers(servers.kafka, servers.postgres, own.redis)


async def test_reads_and_submits_go_on_without_redis_and_it_heals(own_servers: Servers, logs: Path) -> None:
    redis = present(own_servers.redis)
    with running(own_servers, logs) as system:
        players = [name() for _ in range(5)]
        for number, player in enumerate(players):
            await submit(system, player, 100 * (number + 1))
        await asyncio.to_thread(redis.stop)
        await agrees(system, players)
        status, answer = await submit(system, players[0], 1_000)
        assert (status, answer["new_rank"], answer["new_total"]) == (200, 1, 1_100)
        await agrees(system, [*players[1:], players[0]], answer["position"])
        redis.wipe()
        await asyncio.to_thread(redis.start)
        began = time.monotonic()
        while (await asyncio.to_thread(system.run, "verify")).returncode != 0:
            await agrees(system, [*players[1:], players[0]])
            assert time.monotonic() - began < 20
        await agrees(system, [*players[1:], players[0]])
        _, health = await get(system, "/api/leaderboard/health")
        assert health["status"] == "ok"


async def test_reads_under_way_when_redis_goes_are_answered(own_servers: Servers, logs: Path) -> None:
    redis = present(own_servers.redis)
    with running(own_servers, logs) as system:
        players = [name() for _ in range(5)]
        for number, player in enumerate(players):
            await submit(system, player, 100 * (number + 1), "sprint")
        stopped = asyncio.Event()

        async def read(path: str, wanted: Any) -> int:
            reads = 0
            while not stopped.is_set():
                for _ in range(5):  # some of them after the stop
                    status, answer = await get(system, path)
                    assert status == 200, answer
                    assert [(row["rank"], row["user_id"]) for row in answer.get("entries", [answer])] == wanted
                    reads += 1
            return reads

        order = list(enumerate(players, 1))
        reading = [asyncio.create_task(read("/api/leaderboard/top?game_mode=sprint", order)) for _ in range(4)]
        for rank, player in order:
            one = read(f"/api/leaderboard/rank/{player}?game_mode=sprint", [(rank, player)])
            reading.append(asyncio.create_task(one))
        await asyncio.sleep(0.3)
        await asyncio.to_thread(redis.stop)
        stopped.set()
        async with asyncio.timeout(30):
            assert all(reads > 5 for reads in await asyncio.gather(*reading))
        await asyncio.to_thread(redis.start)


async def agrees(system: System, ascending: list[str], position: str | None = None) -> None:
    """Top and rank give this order, best last."""
    headers = {"X-Min-Position": position} if position else {}
    status, top = await get(system, "/api/leaderboard/top", **headers)
    assert (status, [row["user_id"] for row in top["entries"]]) == (200, ascending[::-1])
    for rank, player in enumerate(ascending[::-1], 1):
        status, answer = await get(system, f"/api/leaderboard/rank/{player}", **headers)
        assert (status, answer["rank"]) == (200, rank)
