"""Reads while submissions go on: what the kept pages save, and whether any answer is older than it says.

What it proves. **Hits**: `pages` in the health answer counts top pages answered and, of those, how often rows were read
from Redis; requests that arrive together share a read, so 1 - read / answered is the share that cost no rows of their
own. In a system of several front processes it is that of the one that answers. **Staleness**: each sampler submits
for a player of its own, one score at a time and waits for the outcome, then reads. Nobody else changes that player, so
every answer whose position contains the submission has to show exactly the total that the outcome told: in a plain
read, where it states such a position; in a read with X-Min-Position, always. It says nothing about rows of others;
tests/chaos holds every row against the fold.
"""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
from rich.console import Console

from bench.benchmark import Settings, concluded, fill, open_system, report
from bench.floors import Traffic
from bench.load import Load
from bench.results import Measured
from bench.system import System
from bench.tables import figures_table
from bench.workloads import Bar, Workload
from bench.wrk import require_wrk
from shared.positions import parse_position

BARS = (Bar("hits", 0.8), Bar("violations", 0), Bar("errors", 0))
FIRST = 10**12
"""The first score of a sampler: it is then at the top of every page. Those after it are small."""
PATIENCE = 10.0
"""Seconds after which an answer counts as none."""


@dataclass(frozen=True)
class Mix:
    """What goes on at once."""

    rate: int
    """Submissions a second."""
    connections: int
    """That read as fast as they are answered."""
    samplers: int


@dataclass
class Seen:
    """What the samplers were answered."""

    checked: int = 0
    behind: int = 0
    """Plain reads whose stated position does not contain the submission yet: true, but older than they might be."""
    violations: list[str] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class Told:
    """What the outcome of a submission said of its player."""

    player: str
    total: int
    position: str


def mix(mixed: Mix, settings: Settings, url: str | None, out: Path | None, console: Console) -> bool:
    """Measure, verify, write, show; whether nothing was stale, every answer was good and the verdict too."""
    require_wrk()
    with open_system(url, console) as system:
        fill(system, settings, console)
        with console.status(f"{mixed.rate:,} submissions/s and {mixed.connections} readers"):
            measured, seen = asyncio.run(_at_once(system, mixed, settings))
        results = concluded(system, [measured], settings, console)
    results = replace(results, settings={**results.settings, **asdict(mixed)})
    for line in seen.violations[:10]:
        console.print(f"[bold red]STALE[/] {line}")
    return report(results, figures_table(measured, BARS), out, console) and not seen.violations


def judge(told: Told, asked: str | None, answer: Mapping[str, Any], seen: Seen) -> None:
    """Whether an answer, a page or a rank, shows what it has to. `asked`: the position that the question named."""
    stated = parse_position(answer["position"])
    seen.checked += 1
    if not stated.covers(parse_position(told.position)):
        if asked is None:
            seen.behind += 1
        else:
            seen.violations.append(f"{told.player}: asked for {asked}, answered at {stated}")
        return
    rows = answer.get("entries", [answer])
    shown = next((row["score"] for row in rows if row["user_id"] == told.player), None)
    if shown != told.total:
        seen.violations.append(f"{told.player}: {shown} at {stated}, but {told.total} since {told.position}")


def found(submits: Load, reads: Load, pages: tuple[int, int], seen: Seen) -> Measured:
    """As figures. `pages`: answered, and read from Redis."""
    answered, read = pages
    figures = {"hits": 1 - read / answered if answered else 0.0, "pages answered": float(answered)}
    figures |= {"pages read": float(read), "answers checked": float(seen.checked), "behind": float(seen.behind)}
    figures |= {"violations": float(len(seen.violations))}
    for name, load in (("submit", submits), ("read", reads)):
        figures |= {f"{name}.{each}": getattr(load, each) for each in ("throughput", "p50", "p99")}
    errors = sum((Counter(each) for each in (submits.errors, reads.errors, seen.errors)), Counter[str]())
    figures |= {f"answers: {name}": float(number) for name, number in sorted(errors.items())}
    return Measured("mix", [], {}, figures | {"errors": float(errors.total())})


async def _at_once(system: System, mixed: Mix, settings: Settings) -> tuple[Measured, Seen]:
    traffic, seen, until = Traffic(settings.players, settings.seed), Seen(), time.monotonic() + settings.seconds
    loads: list[Callable[[float], Load]] = [
        traffic.over_http(system.url, Workload("submit", "submit", "", 256, rate=mixed.rate)),
        traffic.over_http(system.url, Workload("read", "mix", "", mixed.connections)),
    ]
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=PATIENCE)) as client:
        before = await _pages(client, system.url)
        submits, reads, *_ = await asyncio.gather(
            *(asyncio.to_thread(each, settings.seconds) for each in loads),
            *(_follow(client, system.url, f"sampler-{each}", until, seen) for each in range(mixed.samplers)),
        )
        after = await _pages(client, system.url)
    assert submits is not None
    assert reads is not None
    return found(submits, reads, (after[0] - before[0], after[1] - before[1]), seen), seen


async def _follow(client: aiohttp.ClientSession, url: str, player: str, until: float, seen: Seen) -> None:
    """Submit and look, again and again."""
    chance, score = random.Random(player), FIRST
    paths: Sequence[str] = (f"rank/{player}", *(f"top?limit={size}" for size in (10, 50, 100)))
    while time.monotonic() < until:
        call = partial(client.post, f"{url}/api/leaderboard/submit", json={"user_id": player, "score": score})
        answer = await _answer(call, seen)
        if answer is None:
            continue
        told, score = Told(player, answer["new_total"], answer["position"]), chance.randrange(1, 500)
        for asked in (None, told.position):
            headers = {"X-Min-Position": asked} if asked else {}
            call = partial(client.get, f"{url}/api/leaderboard/{chance.choice(paths)}", headers=headers)
            if (answer := await _answer(call, seen)) is not None:
                judge(told, asked, answer, seen)


async def _answer(call: "Callable[[], Any]", seen: Seen) -> dict[str, Any] | None:
    """The body of a good answer."""
    try:
        async with call() as answer:
            body: dict[str, Any] = await answer.json()
    except (aiohttp.ClientError, TimeoutError, ValueError):
        seen.errors["no answer"] += 1
        return None
    if answer.status == 200:
        return body
    seen.errors[f"status {answer.status}"] += 1
    return None


async def _pages(client: aiohttp.ClientSession, url: str) -> tuple[int, int]:
    """How many top pages were answered from the index, and how often rows were read for one, since the start."""
    async with client.get(f"{url}/api/leaderboard/health") as answer:
        counts = (await answer.json())["pages"]
    return counts["answered"], counts["read"]
