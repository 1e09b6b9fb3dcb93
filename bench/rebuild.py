"""A rebuild: everything derived from the log thrown away, as `leaderboard reset` does, while reads go on."""

import asyncio
import random
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
from rich.console import Console

from bench.benchmark import Settings, concluded, fill, open_system, report
from bench.loading import settle
from bench.results import Measured
from bench.system import System
from bench.tables import figures_table
from bench.workloads import Bar
from leaderboard.resetting import reset

BARS = (Bar("seconds", 90.0, 45.0), Bar("errors", 0))
"""design: a rebuild of 1,000,000 events, reads served throughout."""
ASK_EVERY = 0.02
PATIENCE = 10.0
"""Seconds after which an answer counts as none."""
SERVED = (200, 404)
"""404: the player is not ranked at the position that the answer states, which is told rightly."""


@dataclass
class Seen:
    """What reads were answered meanwhile."""

    statuses: Counter[str] = field(default_factory=Counter)
    """By kind of read and status, `none` where there was none."""
    slowest: float = 0.0
    """Milliseconds."""
    without: float = 0.0
    """The longest time, in seconds, without an answer 200 to a rank: players were not ranked yet, or it was down."""

    @property
    def errors(self) -> int:
        """Reads that were not served."""
        served = tuple(f" {status}" for status in SERVED)
        return sum(count for name, count in self.statuses.items() if not name.endswith(served))


def rebuild(settings: Settings, url: str | None, out: Path | None, console: Console) -> bool:
    """Fill, rebuild, verify, write, show; whether every read was served and the verdict was good."""
    with open_system(url, console) as system:
        fill(system, settings, console)
        with console.status("rebuilding"):
            took, seen = asyncio.run(_rebuild(system, settings))
        measured = found(took, seen)
        results = concluded(system, [measured], settings, console)
    return report(results, figures_table(measured, BARS), out, console)


def found(took: float, seen: Seen) -> Measured:
    """As figures."""
    figures = {"seconds": took, "errors": float(seen.errors), "slowest read, ms": seen.slowest}
    figures |= {"longest without a rank, s": seen.without}
    return Measured("rebuild", [], {}, figures | {f"answers: {name}": n for name, n in sorted(seen.statuses.items())})


async def _rebuild(system: System, settings: Settings) -> tuple[float, Seen]:
    """Seconds from the reset until all of the log is applied again, and what reads saw."""
    seen = Seen()
    sampling = asyncio.create_task(_sample(system.url, settings, seen))
    began = time.monotonic()
    try:
        await reset(system.postgres, system.redis, system.naming)
        await settle(system)
        return time.monotonic() - began, seen
    finally:
        sampling.cancel()
        with suppress(asyncio.CancelledError):
            await sampling


async def _sample(url: str, settings: Settings, seen: Seen) -> None:
    """Ask for a rank and for a top page in turn, until cancelled."""
    chance, ranked = random.Random(settings.seed), time.monotonic()
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=PATIENCE)) as client:
        while True:
            player = f"player-{chance.randrange(settings.players)}"
            status = await _ask(client, f"{url}/api/leaderboard/rank/{player}", "rank", seen)
            seen.without = max(seen.without, time.monotonic() - ranked)
            ranked = time.monotonic() if status == "200" else ranked
            await _ask(client, f"{url}/api/leaderboard/top?limit=100", "top", seen)
            await asyncio.sleep(ASK_EVERY)


async def _ask(client: aiohttp.ClientSession, url: str, kind: str, seen: Seen) -> str:
    began = time.perf_counter()
    try:
        async with client.get(url) as answer:
            await answer.read()
            status = str(answer.status)
    except (aiohttp.ClientError, TimeoutError):
        status = "none"
    seen.statuses[f"{kind} {status}"] += 1
    seen.slowest = max(seen.slowest, (time.perf_counter() - began) * 1000)
    return status
