"""`leaderboard rebuild` of a full log, while reads and a few submissions go on."""

import asyncio
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
from rich.console import Console

from bench.benchmark import Settings, concluded, fill, open_system, report
from bench.errors import BenchFailed
from bench.load import percentile
from bench.loading import count_records
from bench.processes import spent, usage
from bench.results import Measured
from bench.system import System
from bench.tables import figures_table
from bench.workloads import Bar

BARS = (Bar("seconds", 90.0, 45.0), Bar("errors", 0))
"""design: a rebuild of 1,000,000 events, reads served throughout."""
ASK_EVERY = 0.02
SUBMIT_EVERY = 0.05
"""Seconds between two; each kind of request has one connection."""
PATIENCE = 10.0
"""Seconds after which an answer counts as none."""
GOOD = {"rank": (200,), "top": (200,), "submit": (200, 202)}
"""202: in the log, and not applied within the wait; projection pauses when the tables change places."""


@dataclass
class Seen:
    """What was answered meanwhile."""

    statuses: Counter[str] = field(default_factory=Counter)
    """By kind and status, `none` where there was none."""
    took: dict[str, list[float]] = field(default_factory=lambda: {kind: [] for kind in GOOD})
    """Milliseconds, by kind."""

    @property
    def errors(self) -> int:
        """Requests that were not served."""
        good = {f"{kind} {status}" for kind, statuses in GOOD.items() for status in statuses}
        return sum(count for name, count in self.statuses.items() if name not in good)


class NotRebuilt(BenchFailed):
    """The command failed."""


def rebuild(settings: Settings, url: str | None, out: Path | None, console: Console) -> bool:
    """Fill, rebuild, verify, write, show; whether everything was served and the verdict was good."""
    with open_system(url, console) as system:
        fill(system, settings, console)
        families = system.families()
        before, own = usage(families), os.times()
        with console.status("rebuilding"):
            events, took, seen, said = asyncio.run(_measure(system, settings))
        after = os.times()
        used = after.children_user - own.children_user + after.children_system - own.children_system
        console.print(said, markup=False)
        measured = found(events, took, seen, {"rebuild": used, **spent(before, usage(families))})
        results = concluded(system, [measured], settings, console)
    return report(results, figures_table(measured, BARS), out, console)


def found(events: int, took: float, seen: Seen, cpu: Mapping[str, float]) -> Measured:
    """As figures; `cpu`: seconds by process, `rebuild` the command with all that it starts."""
    figures = {"events": float(events), "seconds": took, "events a second": events / took, "errors": float(seen.errors)}
    figures |= {f"cpu.{name}, s": seconds for name, seconds in cpu.items()}
    for kind, latencies in seen.took.items():
        ordered = sorted(latencies)
        for name, share in (("p50", 0.5), ("p99", 0.99), ("worst", 1.0)):
            figures[f"{kind} {name}, ms"] = percentile(ordered, share)
    return Measured("rebuild", [], {}, figures | {f"answers: {name}": n for name, n in sorted(seen.statuses.items())})


async def _measure(system: System, settings: Settings) -> tuple[int, float, Seen, str]:
    """Records in the log, seconds, what was answered, and what the command said. Raises NotRebuilt."""
    events = await count_records(system)
    seen = Seen()
    loads = [asyncio.create_task(load(system.url, settings, seen)) for load in (_read, _submit)]
    try:
        began = time.monotonic()
        said = await _run()
        return events, time.monotonic() - began, seen, said
    finally:
        for task in loads:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def _run() -> str:
    pipes = asyncio.subprocess.PIPE
    argv = sys.executable, "-m", "leaderboard", "rebuild"
    process = await asyncio.create_subprocess_exec(*argv, stdout=pipes, stderr=pipes)
    try:
        said, error = await process.communicate()
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()
    if process.returncode != 0:
        raise NotRebuilt(f"leaderboard rebuild: {error.decode(errors='replace')}")
    return said.decode(errors="replace")


async def _read(url: str, settings: Settings, seen: Seen) -> None:
    """Ask for a rank and for a top page in turn, until cancelled."""
    chance = random.Random(settings.seed)
    async with _client() as client:
        while True:
            player = f"player-{chance.randrange(settings.players)}"
            await _ask(seen, "rank", client.get(f"{url}/api/leaderboard/rank/{player}"))
            await _ask(seen, "top", client.get(f"{url}/api/leaderboard/top?limit=100"))
            await asyncio.sleep(ASK_EVERY)


async def _submit(url: str, settings: Settings, seen: Seen) -> None:
    """Submit for random players, until cancelled."""
    chance = random.Random(settings.seed)
    async with _client() as client:
        while True:
            body = {"user_id": f"player-{chance.randrange(settings.players)}", "score": chance.randrange(1, 1000)}
            await _ask(seen, "submit", client.post(f"{url}/api/leaderboard/submit", json=body))
            await asyncio.sleep(SUBMIT_EVERY)


def _client() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=PATIENCE))


async def _ask(seen: Seen, kind: str, asked: Awaitable[aiohttp.ClientResponse]) -> None:
    began = time.perf_counter()
    try:
        answer = await asked
        await answer.read()
        status = str(answer.status)
    except (aiohttp.ClientError, TimeoutError):
        status = "none"
    seen.statuses[f"{kind} {status}"] += 1
    seen.took[kind].append((time.perf_counter() - began) * 1000)
