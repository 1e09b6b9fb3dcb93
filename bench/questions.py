"""How long questions take on a large board: python -m bench.questions --players 1000000

Against a running `leaderboard up` (LEADERBOARD_KAFKA and its like as it prints them). One submission a player
is appended to the log, the projector applies them, then each question is asked again and again, one at a time, over
HTTP; beside it, as the floor, a route that asks nothing of Redis or Postgres.
"""

import argparse
import asyncio
import random
import time
from collections.abc import Callable

import aiohttp
from redis.asyncio import Redis

from bench.loading import load_players
from bench.system import running
from shared.ranking import board_keys

TIMEOUT = aiohttp.ClientTimeout(total=60)


async def measure(client: aiohttp.ClientSession, name: str, path: Callable[[], str], count: int) -> None:
    """Ask one at a time; the quantiles in milliseconds."""
    took = []
    for _ in range(count):
        began = time.perf_counter()
        async with client.get(path()) as answer:
            await answer.read()
            assert answer.status == 200, (path(), answer.status)
        took.append((time.perf_counter() - began) * 1000)
    took.sort()
    p50, p99 = took[len(took) // 2], took[int(len(took) * 0.99)]
    print(f"{name:28} p50 {p50:7.2f} ms  p99 {p99:7.2f} ms  max {took[-1]:7.2f} ms", flush=True)  # noqa: T201


async def run(url: str, players: int, count: int) -> None:
    chance, board, system = random.Random(1), "/api/v1/boards/classic", running(url)
    await load_players(system, players, lambda *_: None, lambda *_: None)
    async with aiohttp.ClientSession(url, timeout=TIMEOUT) as client:
        async with Redis.from_url(system.redis.redis.get_secret_value()) as store:
            sizes = [
                await store.memory_usage(key, samples=0) or 0
                for key in board_keys(system.naming.prefix, "classic", "all").all
            ]
        print(f"Redis: {sum(sizes) / players:.0f} bytes a player", flush=True)  # noqa: T201

        def anyone() -> str:
            return f"player-{chance.randrange(players)}"

        questions: dict[str, Callable[[], str]] = {
            "floor: no question to Redis": lambda: board,
            "rank (seed's route)": lambda: f"/api/leaderboard/rank/{anyone()}",
            "one entry": lambda: f"{board}/entries/{anyone()}",
            "around a player, 5 + 5": lambda: f"{board}/entries?around_player={anyone()}",
            "around a score, 5 + 5": lambda: f"{board}/entries?around_score={chance.randrange(10**4)}",
            "page of 100 at depth 1/2": lambda: (
                f"{board}/entries?rank={players // 2 + chance.randrange(1000)}&limit=100"
            ),
            "top 100": lambda: "/api/leaderboard/top?limit=100",
            "score of a percentile": lambda: f"{board}/percentile?p={chance.random() * 100}",
            "what rank would a score get": lambda: f"{board}/would-rank?score={chance.randrange(10**6)}",
            "view: me, top 10, 5 + 5": lambda: f"{board}/view?user_id={anyone()}",
        }
        for name, path in questions.items():
            await measure(client, name, path, count)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", default="http://127.0.0.1:8080")
    parser.add_argument("--players", type=int, default=100_000)
    parser.add_argument("--count", type=int, default=2_000, help="of each question")
    arguments = parser.parse_args()
    asyncio.run(run(arguments.url, arguments.players, arguments.count))


if __name__ == "__main__":
    main()
