"""`leaderboard seed`: realistic traffic against a running system."""

import asyncio
import bisect
import itertools
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator

import aiohttp
import orjson
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

PATIENCE = 30.0
"""Seconds an answer may take, and for which a submission is retried."""


class SeedFailed(Exception):
    """The system does not take the submissions; the message says what it answered."""


def traffic(players: int, submissions: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """Idempotency keys and bodies: Zipf players, four of five in `classic`, the others in `sprint`."""
    chance = random.Random(seed)  # noqa: S311 - traffic, not secrets
    run = f"seed-{seed}-{chance.randrange(16**8):08x}-{time.time_ns():x}"
    weights = list(itertools.accumulate(1 / rank for rank in range(1, players + 1)))
    for number in range(submissions):
        player = bisect.bisect(weights, chance.random() * weights[-1])
        mode = "classic" if chance.random() < 0.8 else "sprint"
        score = 1 + int(chance.expovariate(1 / 100)) if mode == "classic" else chance.randrange(20_000, 120_000)
        body = {"user_id": f"player-{min(player, players - 1)}", "score": score, "game_mode": mode}
        yield f"{run}-{number}", orjson.dumps(body)


async def seed(url: str, players: int, submissions: int, concurrency: int, seed: int, console: Console) -> str:
    """Send the traffic, retrying what is not known to have counted; a summary. Raises SeedFailed."""
    target = f"{url.rstrip('/')}/api/leaderboard/submit"
    work = traffic(players, submissions, seed)
    statuses: Counter[int] = Counter()
    began = time.monotonic()
    columns = (TextColumn("submitting"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    timeout = aiohttp.ClientTimeout(total=PATIENCE)
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("submitting", total=submissions)
        connector = aiohttp.TCPConnector(limit=concurrency)
        async with aiohttp.ClientSession(timeout=timeout, connector=connector) as client:
            senders = (_send_all(client, target, work, statuses, lambda: bar.advance(task)) for _ in range(concurrency))
            await asyncio.gather(*senders)
    took = time.monotonic() - began
    answered = ", ".join(f"{count} x {status}" for status, count in sorted(statuses.items()))
    return f"{submissions} submissions in {took:.1f} s: {submissions / took:.0f}/s ({answered})"


async def _send_all(
    client: aiohttp.ClientSession,
    target: str,
    work: Iterator[tuple[str, bytes]],
    statuses: Counter[int],
    advance: Callable[[], None],
) -> None:
    for key, body in work:
        statuses[await _send(client, target, key, body)] += 1
        advance()


async def _send(client: aiohttp.ClientSession, target: str, key: str, body: bytes) -> int:
    """Submit until it is known to count: the key makes a repetition harmless."""
    headers = {"Content-Type": "application/json", "Idempotency-Key": key}
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            async with client.post(target, data=body, headers=headers) as answer:
                if answer.status in (200, 202):
                    return answer.status
                problem = f"{answer.status}: {(await answer.text())[:500]}"
                if answer.status not in (429, 503):
                    raise SeedFailed(problem)
        except (aiohttp.ClientError, TimeoutError) as error:
            problem = repr(error)
        if time.monotonic() > deadline:
            raise SeedFailed(f"no submission counted for {PATIENCE:.0f} s; last answer {problem}")
        await asyncio.sleep(0.2)
