"""The web app measured in real pages: from a submit to the row in another one, and frames while scores pour in."""

import asyncio
import random
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple, TypeAlias

from playwright.async_api import Error as BrowserError
from rich.console import Console
from rich.table import Table

from bench.benchmark import Settings as Filling
from bench.benchmark import fill, open_system, verified
from bench.browser import Chromium, Watched, chromium
from bench.errors import BenchFailed
from bench.generator import generate
from bench.load import Load, percentile
from bench.results import Machine, commit, date, machine, write
from bench.stage import BOARD, CONNECTIONS, first_score
from bench.system import System
from bench.tables import figure, terminal
from bench.workloads import Bar

FIRST = "player-0"
SHOWN = 20
"""Of the first players one submits; all are on the screen."""
MOST_POINTS = 3_000
"""Some places."""
PAUSE = (0.6, 1.0)
"""Seconds between two submits: the board reorders at most twice a second, and this is not to measure that."""
RUN_IN = 3.0
"""Seconds of load before frames are counted."""
BARS = (Bar("seen.p99", 150), Bar("fps", 50))
Figures: TypeAlias = dict[str, float]


@dataclass(frozen=True)
class Settings:
    """How much of everything."""

    submits: int = 200
    rate: int = 1_000
    """Submissions a second behind the board."""
    movers: int = 1_000
    """Players who submit them, the first ones of the board."""
    seconds: float = 20.0
    """For which frames are counted: with the load, of the floor with the load, and before it without."""
    players: int = 20_000
    seed: int = 1


@dataclass(frozen=True)
class WebResults:
    """A whole run."""

    commit: str
    date: str
    machine: Machine
    settings: Mapping[str, object]
    browser: str
    figures: Figures
    verify: Sequence[str]
    equal: bool


def bench_web(settings: Settings, url: str | None, out: Path | None, console: Console) -> bool:
    """Measure, write down and show; whether verify found no fault. Raises BenchFailed."""
    with open_system(url, console) as system:
        filling = Filling(players=settings.players)
        fill(system, filling, console, lambda player: first_score(settings.players, player))
        try:
            version, figures = asyncio.run(_measure(system, settings, console))
        except BrowserError as error:
            raise BenchFailed(f"a page did not do what it should: {error.message.splitlines()[0]}") from error
        report = verified(system, console)
    results = WebResults(
        commit(), date(), machine(), {**asdict(settings)}, version, figures, report.lines(), report.equal
    )
    path = out or Path("bench-results", f"web-{results.date.replace(':', '')}-{results.commit}.json")
    write(results, path)
    show(results)
    console.print(f"written to {path}")
    return results.equal


def show(results: WebResults) -> None:
    """Every figure, with its bar where it has one."""
    table = Table(title=f"{results.commit} in {results.browser} on {results.machine.cores} cores")
    for name in ("figure", "measured", "bar", "met"):
        table.add_column(name, justify="right" if name == "measured" else "left")
    bars = {bar.figure: bar for bar in BARS}
    for name, value in results.figures.items():
        bar = bars.get(name)
        met = "" if bar is None else "[green]met[/]" if bar.met(value) else "[red]not met[/]"
        table.add_row(name, figure(value), "" if bar is None else f"{bar.sign} {bar.value:g}", met)
    terminal().print(table, f"verify: {results.verify[-1]}")


async def _measure(system: System, settings: Settings, console: Console) -> tuple[str, Figures]:
    async with chromium(system.url) as started:
        figures = await _seen(started, settings, console)
        figures |= await _frames(started, settings, console)
        return f"Chromium {started.browser.version}", figures


class Seen(NamedTuple):
    """Milliseconds after a submit."""

    answered: float
    """The own page has its answer."""
    heard: float
    """The other page has been told by its socket."""
    seen: float
    """The other page shows it."""


async def _seen(started: Chromium, settings: Settings, console: Console) -> Figures:
    """From a submit in one page to the first frame of another that shows it, one after the other."""
    chance = random.Random(settings.seed)
    own, other = await started.watch(BOARD, FIRST), await started.watch(BOARD, FIRST)
    found = []
    with console.status(f"{settings.submits} submits, each looked for in another page"):
        for _ in range(settings.submits):
            player, points = f"player-{chance.randrange(SHOWN)}", chance.randrange(1, MOST_POINTS)
            found.append(await _once(own, other, player, points))
            await asyncio.sleep(chance.uniform(*PAUSE))
    await own.close()
    await other.close()
    seen = _shares("seen", [each.seen for each in found]) | {"seen.count": float(len(found))}
    return (
        seen
        | _shares("seen.answered", [each.answered for each in found])
        | _shares("seen.heard", [each.heard for each in found])
        | _shares("seen.page", [each.seen - each.heard for each in found])
    )


def _shares(name: str, values: Sequence[float]) -> Figures:
    ordered = sorted(values)
    return {f"{name}.{share}": percentile(ordered, of) for share, of in {"p50": 0.5, "p99": 0.99, "worst": 1.0}.items()}


async def _once(own: Watched, other: Watched, player: str, points: int) -> Seen:
    """Raises BenchFailed where the other page has no row of the player."""
    before = await other.value(player)
    if before is None:
        raise BenchFailed(f"{player} has no row in the other page")
    value = before + points
    sight = asyncio.create_task(other.sight(player, value))
    await asyncio.sleep(0)  # so that the page looks before anything is sent
    at = await own.submit(player, points)
    seen = await sight
    heard = await other.heard(player, value)
    return Seen(await own.answered() - at, (heard or seen) - at, seen - at)


async def _frames(started: Chromium, settings: Settings, console: Console) -> Figures:
    """Frames of a page that nothing happens on, of it with a load behind it, and of a bare table with the same load."""
    page = await started.watch(BOARD, FIRST)
    with console.status("frames of a board at rest"):
        still = await page.frames(settings.seconds)
    with console.status(f"frames with {settings.rate:,} submissions a second"):
        loading = asyncio.create_task(asyncio.to_thread(_load, started.url, settings))
        await asyncio.sleep(RUN_IN)
        gaps = await page.frames(settings.seconds)
        await page.close()
        bare = await started.bare()
        await asyncio.sleep(RUN_IN)
        floor = await bare.frames(settings.seconds)
        load = await loading
    return {
        **_evenness("", gaps),
        **_evenness("floor.", floor),
        **_evenness("still.", still),
        "submissions_a_second": load.throughput,
        "answered.p50": load.p50,
        "answered.p99": load.p99,
        "answered.otherwise": float(sum(load.errors.values())),
    }


def _load(url: str, settings: Settings) -> Load:
    """The first players move, open loop, from before frames are counted until after it."""
    options: dict[str, str | int] = {"url": url, "kind": "move", "connections": CONNECTIONS, "seed": settings.seed}
    seconds = 2 * settings.seconds + 3 * RUN_IN
    return generate("open_loop", seconds, rate=settings.rate, players=settings.movers, **options)


def _evenness(name: str, gaps: Sequence[float]) -> Figures:
    """Frames a second, and the milliseconds between two of them."""
    ordered = sorted(gaps)
    return {
        f"{name}fps": 1_000 * len(gaps) / sum(gaps),
        f"{name}gap.p50": percentile(ordered, 0.5),
        f"{name}gap.p99": percentile(ordered, 0.99),
        f"{name}gap.worst": ordered[-1],
    }
