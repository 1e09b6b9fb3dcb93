"""A client that merges tokens never reads an older position: across stores, query APIs and a crash of Postgres."""

import asyncio
import contextlib
import random
from pathlib import Path

import aiohttp

from shared.positions import Position, parse_position
from tests.e2e.test_thread import name, submit
from tests.servers import Servers, open_servers
from tests.stack import System, present, running

FAULTS = 4


async def read(client: aiohttp.ClientSession, url: str, token: Position | None) -> Position | None:
    """One read with the token; the position of the answer, None when it could not be given."""
    headers = {"X-Min-Position": str(token)} if token else {}
    try:
        async with client.get(f"{url}/api/leaderboard/top?limit=5", headers=headers) as answer:
            assert answer.status in (200, 409, 503), await answer.text()
            return parse_position(answer.headers["X-Position"]) if answer.status == 200 else None
    except (aiohttp.ClientError, TimeoutError):
        return None


async def session(urls: list[str], over: asyncio.Event) -> int:
    """Read at random query APIs, merging; how many answers came."""
    token: Position | None = None
    answers = 0
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as client:
        while not over.is_set():
            position = await read(client, random.choice(urls), token)
            if position is not None:
                assert token is None or position.covers(token), (str(position), str(token))
                token = position.merge(token) if token else position
                answers += 1
            await asyncio.sleep(0.005)
    return answers


async def writes(system: System, over: asyncio.Event) -> None:
    players = [name() for _ in range(20)]
    while not over.is_set():
        with contextlib.suppress(aiohttp.ClientError):
            await submit(system, random.choice(players), 5, Prefer="respond-async")


async def test_reads_are_monotonic_across_every_fallback(servers: Servers, workspace: Path, logs: Path) -> None:
    parts = frozenset({"postgres", "redis"})
    with open_servers(workspace / "positions", parts) as own:
        mixed = Servers(servers.kafka, own.postgres, own.redis)
        with running(mixed, logs, split=True) as system:
            urls = [system.queries, system.serve("query-api", "second")]
            system.await_ready()
            over = asyncio.Event()
            reading = [asyncio.create_task(session(urls, over)) for _ in range(4)]
            writing = [asyncio.create_task(writes(system, over)) for _ in range(2)]
            for part in (own.redis, own.postgres) * (FAULTS // 2):
                await asyncio.sleep(1)
                await asyncio.to_thread(present(part).kill)
                await asyncio.sleep(1)
                await asyncio.to_thread(present(part).start)
            await asyncio.sleep(2)
            over.set()
            answers = await asyncio.gather(*reading)
            await asyncio.gather(*writing)
            print(f"{sum(answers)} answers of 4 sessions, none older than one before")
            assert min(answers) > 20
            await asyncio.to_thread(system.await_ready)
            verified = await asyncio.to_thread(system.run, "verify")
            assert verified.returncode == 0, verified.stdout + verified.stderr
