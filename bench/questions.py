"""How long questions take on a large board: python bench/questions.py --players 1000000

Against a running `leaderboard up` (LEADERBOARD_KAFKA and LEADERBOARD_REDIS as it prints them). One submission a player
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

from shared.events import ScoreSubmitted, encode, wrap
from shared.identity import event_id_of
from shared.log import Appender, open_appender
from shared.ranking import board_keys
from shared.settings import KafkaSettings, NamingSettings, RedisSettings

TIMEOUT = aiohttp.ClientTimeout(total=60)


async def append(appender: Appender, players: range, score: Callable[[int], int]) -> None:
    """One submission a player, some thousands at a time."""

    async def one(number: int) -> None:
        player = f"player-{number}"
        fact = ScoreSubmitted(player_id=player, game_mode="classic", score=score(number))
        event = wrap(
            fact, event_id=event_id_of(player, "bench"), subject=player, source="bench", actor="bench", catalogue=2
        )
        await appender.append("events", player.encode(), encode(event), timeout=60)

    for first in range(players.start, players.stop, 4_000):
        await asyncio.gather(*(one(number) for number in range(first, min(first + 4_000, players.stop))))
        if first % 100_000 < 4_000:
            print(f"appended {first:,}", flush=True)  # noqa: T201


async def applied(client: aiohttp.ClientSession, total: int) -> None:
    """Wait until the board has so many players."""
    began, url = time.monotonic(), "/api/leaderboard/top?limit=1"
    while True:
        async with client.get(url) as answer:
            found = (await answer.json())["total_players"] if answer.status == 200 else 0
        if found >= total:
            print(f"applied {found:,} within {time.monotonic() - began:.1f} s", flush=True)  # noqa: T201
            return
        await asyncio.sleep(1)


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
    chance, board = random.Random(1), "/api/v1/boards/classic"
    kafka, redis, naming = KafkaSettings(), RedisSettings(), NamingSettings()
    async with aiohttp.ClientSession(url, timeout=TIMEOUT) as client:
        async with open_appender(kafka, naming, "bench", 5_000) as appender:
            await append(appender, range(players), lambda _: 1 + int(chance.paretovariate(0.5)) % 10**9)
        await applied(client, players)
        async with Redis.from_url(redis.redis.get_secret_value()) as store:
            sizes = [
                await store.memory_usage(key, samples=0) or 0 for key in board_keys(naming.prefix, "classic", "all").all
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
