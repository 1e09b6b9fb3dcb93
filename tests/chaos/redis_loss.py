"""Redis lost, or back with old data, under a large board: every answer checked, and the seconds until it is whole.

python -m tests.chaos.redis_loss --players 100000
"""

import argparse
import asyncio
import itertools
import random
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, NamedTuple

import aiohttp
from redis import Redis

from leaderboard.local.servers import local_servers
from shared.appender import open_appender
from shared.settings import KafkaSettings, NamingSettings
from tests.builders import score_bytes
from tests.chaos.__main__ import folder_for, say
from tests.chaos.checker import check_answers
from tests.chaos.drill import Drill, Stage, again, is_projected, staged
from tests.chaos.evidence import read_evidence
from tests.chaos.history import fold_history
from tests.chaos.load import question
from tests.stack import System, present

OLD = 10.0
"""Seconds that the old copy of Redis lacks."""
WRITES = 100.0
"""Submissions a second, where there are any."""
WATCHED_AFTER = 2.0
REPAIRED_WITHIN = 60.0
COUNTS = {"projector": 1, "command-api": 1, "query-api": 1, "notifier": 1}


class Loss(NamedTuple):
    """One way of losing Redis, and what it came to."""

    what: str
    writes: bool
    seconds: float


async def preload(system: System, players: int) -> None:
    """A first score for every player, straight into the log."""
    kafka = KafkaSettings.model_validate({"LEADERBOARD_KAFKA": present(system.servers.kafka).url})
    slots = asyncio.Semaphore(900)
    async with open_appender(kafka, NamingSettings(prefix=system.prefix), "preload") as appender:

        async def append(number: int) -> None:
            player = f"player-{number}"
            async with slots:
                value = score_bytes(player, 1 + number * 7_919 % 99_991, "preload")
                await appender.append("events", player.encode(), value, timeout=30)

        await asyncio.gather(*map(append, range(players)))


@asynccontextmanager
async def beside(*tasks: Any) -> AsyncIterator[None]:
    """Run these until the block ends."""
    running = [asyncio.create_task(task) for task in tasks]
    try:
        yield
    finally:
        for task in running:
            task.cancel()
        await asyncio.wait(running)


async def read(stage: Stage, client: aiohttp.ClientSession, players: int, reader: int) -> None:
    """Ask at random, for ever, and write each answer down."""
    chance = random.Random(reader)
    while True:
        player = f"player-{chance.randrange(players)}" if chance.random() < 0.7 else ""
        await stage.load.ask(client, question(reader, stage.load.plan.queries[0], "classic", player=player))
        await asyncio.sleep(0.1)


async def write(stage: Stage, client: aiohttp.ClientSession, players: int) -> None:
    """Submit at a rate, for ever; nobody waits for the outcomes."""
    chance, headers = random.Random(4), {"Prefer": "respond-async"}
    url = f"{stage.load.plan.commands[0]}/api/leaderboard/submit"
    while True:
        body = {"user_id": f"player-{chance.randrange(players)}", "score": chance.randrange(1, 500)}
        async with client.post(url, json=body, headers=headers) as answer:
            await answer.read()
        await asyncio.sleep(1 / WRITES)


def dumped(redis: Redis) -> dict[Any, Any]:
    """A copy of one instant, as Redis's own snapshots are: keys dumped one by one under writes would contradict each
    other."""
    keys = list(redis.scan_iter(count=1_000))
    pipeline = redis.pipeline(transaction=True)
    for key in keys:
        pipeline.dump(key)
    return dict(zip(keys, pipeline.execute(), strict=True))


def restore(redis: Redis, dumps: dict[Any, Any]) -> None:
    """Old data in the place of what is there, at once."""
    pipeline = redis.pipeline(transaction=True)
    pipeline.flushall()
    for key, dump in dumps.items():
        pipeline.restore(key, 0, dump)
    pipeline.execute()


def strike(stage: Stage, redis: Redis, dumps: dict[Any, Any] | None) -> float:
    """Empty Redis, or put old data in; the seconds until the projector has made it whole."""
    already = stage.system.log_of("projector").count("ranks_known")
    began = time.monotonic()
    if dumps is None:
        redis.flushall()
    else:
        restore(redis, dumps)
    while stage.system.log_of("projector").count("ranks_known") == already:
        assert time.monotonic() - began < REPAIRED_WITHIN, "not repaired"
        time.sleep(0.01)
    return time.monotonic() - began


async def lose(stage: Stage, what: str, writes: bool, players: int) -> Loss:
    """Lose Redis under readers, after a while of writes that an old copy lacks."""
    timeout = aiohttp.ClientTimeout(total=10)
    redis = Redis.from_url(present(stage.system.servers.redis).url)
    async with aiohttp.ClientSession(timeout=timeout) as client:
        async with beside(write(stage, client, players)):
            dumps = await asyncio.to_thread(dumped, redis)
            await asyncio.sleep(OLD)
        reading = [read(stage, client, players, reader) for reader in range(4)]
        writing = [write(stage, client, players)] if writes else []
        async with beside(*reading, *writing):
            took = await asyncio.to_thread(strike, stage, redis, None if what == "FLUSHALL" else dumps)
            await asyncio.sleep(WATCHED_AFTER)
        assert await again(60, partial(is_projected, client, stage.load.plan.queries[0]))
    say(f"{what}, {'with' if writes else 'without'} writes: whole again after {took:.2f} s")
    return Loss(what, writes, took)


async def run(players: int, stage: Stage) -> bool:
    """All losses in turn; whether every answer was right and the tables equal the log."""
    say(f"{players} players")
    await preload(stage.system, players)
    async with aiohttp.ClientSession() as client:
        assert await again(180, partial(is_projected, client, stage.load.plan.queries[0])), "not projected"
    for what, writes in itertools.product(["FLUSHALL", "old copy"], [False, True]):
        await lose(stage, what, writes, players)
    stage.load.close()
    evidence = await read_evidence(stage.system, stage.folder)
    say(f"reads: {dict(stage.load.tally.reads)}; holding them against {len(evidence.log)} records")
    wrong = list(check_answers(fold_history(evidence.log, evidence.catalogue), evidence.answers))
    checked = sum(each.status in (200, 404) for each in evidence.answers)
    verified = await asyncio.to_thread(stage.system.run, "verify")
    say(f"answers checked {checked}, wrong {len(wrong)}; verify: {verified.stdout.splitlines()[-1:]}")
    for each in wrong[:3]:
        say(str(each)[:500])
    return not wrong and verified.returncode == 0


def main() -> int:
    parser = argparse.ArgumentParser("python -m tests.chaos.redis_loss", description=__doc__)
    parser.add_argument("--players", type=int, default=100_000)
    given = parser.parse_args()
    folder = folder_for(None)
    (folder / "run").mkdir()
    drill = Drill(0, [], COUNTS, title="redis loss", players=given.players)
    with (
        local_servers(folder / "servers", say=say) as servers,
        staged(drill, servers, folder / "run") as stage,
    ):
        return 0 if asyncio.run(run(given.players, stage)) else 1


if __name__ == "__main__":
    sys.exit(main())
