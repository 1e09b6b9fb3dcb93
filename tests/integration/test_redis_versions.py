"""Redis lost, old, ahead or half repaired: found within seconds without traffic, and repaired from the tables."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from projector.ranks import APPLY
from tests.e2e.test_thread import get, name, submit
from tests.servers import Servers
from tests.stack import System, present, running

WITHIN = 5.0
Dumps = dict[bytes, Any]


@pytest.fixture
def system(servers: Servers, logs: Path) -> Iterator[System]:
    with running(servers, logs) as started:
        yield started


@pytest.fixture
def redis(servers: Servers) -> Iterator[Redis]:
    with Redis.from_url(present(servers.redis).url) as client:
        yield client


def dumped(redis: Redis, system: System) -> Dumps:
    """A copy of everything this system has in Redis."""
    return {key: redis.dump(key) for key in redis.scan_iter(f"{system.prefix}*", count=1_000)}


def restore(redis: Redis, system: System, dumps: Dumps) -> None:
    """Put a copy in the place of what is there, at once: a Redis that came back with old data."""
    pipeline = redis.pipeline(transaction=True)
    for key in redis.scan_iter(f"{system.prefix}*", count=1_000):
        pipeline.delete(key)
    for key, dump in dumps.items():
        pipeline.restore(key, 0, dump)
    pipeline.execute()


def version_key(system: System, board: str = "classic") -> str:
    return f"{system.prefix}lb:{{v1:{board}:all}}:version"


async def play(system: System, players: list[str]) -> None:
    await asyncio.gather(*(submit(system, player, 10 + number) for number, player in enumerate(players)))


async def until_repaired(system: System, redis: Redis, what: str) -> None:
    """Every board is whole again without any traffic, and equals the log."""
    began = time.monotonic()
    while "ranks_known" not in system.log_of("projector").rpartition("ranks_unknown")[2]:
        assert time.monotonic() - began < WITHIN, system.log_of("projector")[-2000:]
        await asyncio.sleep(0.02)
    print(f"{what}: repaired after {time.monotonic() - began:.2f} s")
    verified = await asyncio.to_thread(system.run, "verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr


def lost(system: System) -> int:
    return system.log_of("projector").count("ranks_unknown")


async def until_lost(system: System, before: int) -> None:
    began = time.monotonic()
    while lost(system) == before:
        assert time.monotonic() - began < WITHIN
        await asyncio.sleep(0.02)


async def totals_are_of_their_position(system: System, past: dict[str, int]) -> None:
    """An answer may be old, but then its position is too: the top is that of a known position."""
    _, top = await get(system, "/api/leaderboard/top?limit=1")
    assert past.get(top["position"], top["total_players"]) == top["total_players"], top


@pytest.mark.parametrize("writes", [False, True])
async def test_an_old_copy_of_redis_is_found_and_repaired(system: System, redis: Redis, *, writes: bool) -> None:
    players = [name() for _ in range(30)]
    await play(system, players[:20])
    _, old = await get(system, "/api/leaderboard/top?limit=1")
    dumps = dumped(redis, system)
    await play(system, players)
    _, new = await get(system, "/api/leaderboard/top?limit=1")
    past, before = {old["position"]: 20, new["position"]: 30}, lost(system)
    restore(redis, system, dumps)
    if writes:
        status, answer = await submit(system, players[0], 10_000)
        assert (status, answer["new_rank"], answer["new_total"]) == (200, 1, 10_020)
    else:
        for _ in range(10):
            await totals_are_of_their_position(system, past)
    await until_lost(system, before)
    await until_repaired(system, redis, f"an old copy, {'with' if writes else 'without'} writes")


@pytest.mark.parametrize("loss", ["all keys", "one board's version", "one partition's version", "what is applied"])
async def test_a_loss_is_found_without_traffic(system: System, redis: Redis, loss: str) -> None:
    players = [name() for _ in range(20)]
    await play(system, players)
    _, top = await get(system, "/api/leaderboard/top?limit=100")
    before = lost(system)
    match loss:
        case "all keys":
            restore(redis, system, {})
        case "one board's version":
            redis.delete(version_key(system))
        case "one partition's version":
            redis.hdel(version_key(system), "2")
        case _:
            redis.delete(f"{system.prefix}lb:{{v1}}:applied")
    while lost(system) == before:
        _, now = await get(system, "/api/leaderboard/top?limit=100")
        assert now["entries"] == top["entries"]
    await until_repaired(system, redis, loss)


async def test_a_redis_that_is_ahead_of_the_tables_is_brought_back(system: System, redis: Redis) -> None:
    await play(system, [name() for _ in range(20)])
    before = lost(system)
    stem = version_key(system).removesuffix("version")
    pipeline = redis.pipeline(transaction=True)
    pipeline.hincrby(f"{stem}version", "1", 100)
    pipeline.zadd(f"{stem}ranks", {"000000000001nobody": -(10**9)})
    pipeline.hset(f"{stem}members", "nobody", "0000000000010000000000011")
    pipeline.execute()
    await until_lost(system, before)
    await until_repaired(system, redis, "ahead")


async def test_ranks_that_are_wrong_are_thrown_away_and_put_in_again(system: System, redis: Redis) -> None:
    players = [name() for _ in range(20)]
    await play(system, players)
    _, top = await get(system, "/api/leaderboard/top?limit=100")
    redis.zremrangebyrank(version_key(system).removesuffix("version") + "ranks", 0, 0)
    differing = await asyncio.to_thread(system.run, "verify")
    assert differing.returncode == 1, (
        "nothing notices a row that is missing in a board whose version is right but verify"
    )
    before = lost(system)
    done = await asyncio.to_thread(system.run, "reset", "--ranks", "--yes")
    assert done.returncode == 0, done.stderr
    while lost(system) == before:
        _, now = await get(system, "/api/leaderboard/top?limit=100")
        assert now["entries"] == top["entries"]
    await until_repaired(system, redis, "thrown away")


async def test_of_two_repairers_only_one_goes_on_and_meanwhile_the_board_is_unknown(servers: Servers) -> None:
    keys = [f"{name()}:{part}" for part in ("ranks", "members", "version", "values")]
    head = ["incarnation", "1", "first_to_reach", "", "1", "0"]  # of a log with one partition; one link, of partition 0
    row = ["0", "ann", "-5", "00000000000100000000000011"]
    late = ["0", "bob", "-9", "00000000000100000000000011"]
    async with AsyncRedis.from_url(present(servers.redis).url, decode_responses=True) as client:

        async def apply(start: str, to: str, *rows: str) -> Any:
            return (await APPLY.run(client, keys, [*head, start, to, *rows]))[0]

        assert await apply("3", "7", *row) == "GAP"
        assert await apply("=", "~first", *late) == "OK"
        assert await apply("-1", "7", *row) == "GAP"
        assert await apply("=~first", "~second", *row) == "OK"
        assert await apply("=~first", "7", *late) == "GAP"
        assert await apply("=~second", "7", *row) == "OK"
        assert await apply("=~second", "8") == "GAP"
        assert await apply("7", "9", "0", "ann", "-6", "00000000000200000000000022") == "OK"
        assert (
            await apply("7", "9", "0", "ann", "-7", "00000000000300000000000033") == "OK"
        )  # stale: nothing is written
        assert await apply("8", "12") == "OK"
        assert await apply("13", "14") == "GAP"
        assert await client.hgetall(keys[2]) == {"incarnation": "incarnation", "partitions": "1", "0": "12"}
        assert await client.zscore(keys[0], "000000000002ann") == -6
        await client.delete(*keys)


async def test_a_season_that_begins_is_whole_and_a_board_that_was_ahead_is_unknown_until_all_have_put_it_in(
    servers: Servers,
) -> None:
    keys = [f"{name()}:{part}" for part in ("ranks", "members", "version", "values")]
    head = ["incarnation", "2", "dense", "", "1"]  # of a log with two partitions; one link
    async with AsyncRedis.from_url(present(servers.redis).url, decode_responses=True) as client:

        async def apply(partition: str, start: str, to: str, *rows: str) -> Any:
            return (await APPLY.run(client, keys, [*head, partition, start, to, *rows]))[0]

        async def version() -> list[Any]:
            return await client.hmget(keys[2], ["0", "1"])

        assert await apply("1", "-1", "7", "1", "ann", "-5", "00000000000100000000000011") == "OK"
        assert await version() == ["-1", "7"]
        assert await apply("0", "-1", "4", "0", "bob", "-5", "00000000000100000000000011") == "OK"
        assert await client.zrange(keys[3], 0, -1) == ["-5"]
        assert await apply("0", "4", "5", "0", "bob", "-", "") == "OK"
        assert await apply("1", "7", "8", "1", "ann", "-", "") == "OK"
        assert [await client.zcard(keys[0]), await client.hlen(keys[1]), await client.zcard(keys[3])] == [0, 0, 0]
        assert await apply("0", "=5", "!") == "OK"
        assert await version() == ["-", "-"]
        assert await apply("1", "-1", "9", "1", "ann", "-5", "00000000000100000000000011") == "GAP"
        assert await apply("1", "=-", "9", "1", "ann", "-5", "00000000000100000000000011") == "OK"
        assert await version() == ["-", "9"]
        await client.delete(*keys)


async def test_redis_lets_a_season_go_when_it_is_told_to(servers: Servers) -> None:
    """All of its keys at once, and at once if that is past: a late writer leaves nothing half made behind."""
    keys = [f"{name()}:{part}" for part in ("ranks", "members", "version", "values")]
    row = ["0", "ann", "-5", "00000000000100000000000011"]
    async with AsyncRedis.from_url(present(servers.redis).url, decode_responses=True) as client:

        async def apply(at: int, start: str, to: str) -> Any:
            return (await APPLY.run(client, keys, ["incarnation", "1", "dense", at, "1", "0", start, to, *row]))[0]

        later = int(time.time() * 1000) + 3_600_000
        assert await apply(later, "-1", "7") == "OK"
        assert all(3_000_000 < left <= 3_600_000 for left in [await client.pttl(key) for key in keys])
        assert await apply(later + 3_600_000, "7", "8") == "OK"
        assert all(6_600_000 < left <= 7_200_000 for left in [await client.pttl(key) for key in keys])
        assert await apply(later - 7_200_000, "8", "9") == "OK"
        assert await client.exists(*keys) == 0
        assert await apply(later - 7_200_000, "-1", "9") == "OK"
        assert await client.exists(*keys) == 0
