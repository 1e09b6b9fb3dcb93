"""Open-loop load: submissions at a rate, each stamped when it was due, not when it was sent.

    python bench/open_loop.py --rate 1000 --seconds 60 --players 100000

So a system that stalls is charged for everything that was due meanwhile (no coordinated omission).
"""

import argparse
import asyncio
import time
from collections import Counter
from collections.abc import Sequence

import aiohttp
import uvloop

from leaderboard.seeding import traffic


def percentile(ordered: Sequence[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


async def load(url: str, rate: int, seconds: int, players: int) -> None:
    latencies: list[float] = []
    statuses: Counter[str] = Counter()
    connector = aiohttp.TCPConnector(limit=512)
    work = list(traffic(players, rate * seconds, seed=7))
    async with aiohttp.ClientSession(url, connector=connector, timeout=aiohttp.ClientTimeout(total=30)) as client:

        async def send(due: float, key: str, body: bytes) -> None:
            headers = {"Content-Type": "application/json", "Idempotency-Key": key}
            try:
                async with client.post("/api/leaderboard/submit", data=body, headers=headers) as answer:
                    await answer.read()
                    statuses[str(answer.status)] += 1
            except (aiohttp.ClientError, TimeoutError) as error:
                statuses[type(error).__name__] += 1
            latencies.append(time.perf_counter() - due)

        async with asyncio.TaskGroup() as group:
            began = time.perf_counter()
            for number, (key, body) in enumerate(work):
                due = began + number / rate
                if (pause := due - time.perf_counter()) > 0:
                    await asyncio.sleep(pause)
                group.create_task(send(due, key, body))
        took = time.perf_counter() - began
    latencies.sort()
    shares = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "p99.9": 0.999}
    figures = "  ".join(f"{name} {percentile(latencies, share) * 1000:.1f}" for name, share in shares.items())
    cpu = time.process_time() / took
    print(f"{len(work) / took:.0f}/s for {took:.1f} s, ms: {figures}  max {latencies[-1] * 1000:.1f}")  # noqa: T201
    print(f"answers {dict(statuses)}; the generator used {cpu:.0%} of a core")  # noqa: T201


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", default="http://127.0.0.1:8080")
    parser.add_argument("--rate", type=int, default=1_000, help="submissions a second")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--players", type=int, default=100_000)
    arguments = parser.parse_args()
    uvloop.run(load(arguments.url, arguments.rate, arguments.seconds, arguments.players))


if __name__ == "__main__":
    main()
