"""Memory over time: the RSS of each process after start, with a full log, and again and again under a steady load."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import linear_regression

from rich.console import Console
from rich.table import Table

from bench.benchmark import Settings, concluded, fill, open_system, report
from bench.chart import Points, svg
from bench.floors import Traffic
from bench.load import Load
from bench.processes import usage
from bench.results import Measured
from bench.system import System
from bench.tables import MEBI, figure
from bench.workloads import chosen

FLAT = 0.05
"""What a process may grow by from the end of the first third to the end of the last, as a share, and count as flat."""
Rss = Mapping[str, float]
"""MiB by process. What processes share is counted in each of them, as with the backends of Postgres."""


@dataclass(frozen=True)
class Growth:
    """How the memory of a process went after the first third of a soak, as a straight line."""

    slope: float
    """MiB an hour."""
    share: float
    """By how much it grew in that time, of what it had at its beginning."""

    @property
    def flat(self) -> bool:
        """Whether that is nothing."""
        return self.share <= FLAT


def soak(looks: int, rate: int, settings: Settings, url: str | None, out: Path | None, console: Console) -> bool:
    """Load, look so many times, `settings.seconds` apart, verify, write, draw, show.

    Whether every answer and the verdict were good.
    """
    every = settings.seconds
    with open_system(url, console) as system:
        started = rss_of(system)
        fill(system, settings, console)
        loaded, seen, loads = rss_of(system), list[Rss](), list[Load]()
        for number in range(1, looks + 1):
            with console.status(f"{rate:,} submissions/s, look {number} of {looks}, {every:g} s apart"):
                loads.append(_load(system, rate, replace(settings, seed=number)))
            seen.append(rss_of(system))
        results = concluded(system, [found(started, loaded, seen, loads, every)], settings, console)
    results = replace(results, settings={**asdict(settings), "looks": looks, "rate": rate})
    path = out or results.path
    good = report(results, soak_table(started, loaded, seen, every), path, console)
    chart, title = path.with_suffix(".svg"), f"Memory at {rate:,} submissions/s, {results.commit}"
    chart.write_text(svg(title, "minutes", "MiB", lines([loaded, *seen], every)))
    load = results.workloads[0].figures
    said = f"{load['answered']:,.0f} answers, worst p99 {load['p99']:.0f} ms, {load['errors']:.0f} errors"
    console.print(f"{said}; drawn in {chart}")
    return good


def rss_of(system: System) -> Rss:
    """Of every process, now."""
    return {name: each.rss / MEBI for name, each in usage(system.families()).items()}


def growth_of(seen: Sequence[float], every: float) -> Growth:
    """Of memory that was looked at every so many seconds; nothing can be said of fewer than two looks."""
    later = seen[len(seen) // 3 :]
    if len(later) < 2:
        return Growth(0.0, 0.0)
    slope, start = linear_regression([number * every / 3600 for number in range(len(later))], later)
    return Growth(slope, slope * (len(later) - 1) * every / 3600 / start if start > 0 else 0.0)


def found(started: Rss, loaded: Rss, seen: Sequence[Rss], loads: Sequence[Load], every: float) -> Measured:
    """As figures: of each process `start.`, `loaded.`, `look-N.` in MiB and `slope.` in MiB an hour."""
    stages = {"start": started, "loaded": loaded} | {f"look-{n}": each for n, each in enumerate(seen, 1)}
    figures = {f"{stage}.{name}": value for stage, rss in stages.items() for name, value in rss.items()}
    figures |= {f"slope.{name}": growth_of(each, every).slope for name, each in _by_process(seen).items()}
    figures["answered"] = sum(each.operations for each in loads)
    figures["p99"] = max((each.p99 for each in loads), default=0.0)
    figures["errors"] = sum(sum(each.errors.values()) for each in loads)
    return Measured("soak", [], {}, figures)


def lines(seen: Sequence[Rss], every: float) -> Mapping[str, Points]:
    """Each process over the minutes."""
    by_process = _by_process(seen).items()
    return {name: [(number * every / 60, value) for number, value in enumerate(each)] for name, each in by_process}


def soak_table(started: Rss, loaded: Rss, seen: Sequence[Rss], every: float) -> Table:
    """What a process had at the beginning and at the end, and how it went after the first third."""
    table = Table(title="RSS, MiB", caption=f"flat: at most {FLAT:.0%} more after the first third")
    table.add_column("process", no_wrap=True)
    for name in ("started", "loaded", "after a third", "at the end", "MiB an hour", "is"):
        table.add_column(name, justify="right")
    for name, each in _by_process(seen).items():
        went = growth_of(each, every)
        verdict = "[green]flat[/]" if went.flat else f"[red]{went.share:+.1%}[/]"
        values = started.get(name, 0.0), loaded.get(name, 0.0), each[len(each) // 3], each[-1], went.slope
        table.add_row(name, *map(figure, values), verdict)
    return table


def _by_process(seen: Sequence[Rss]) -> dict[str, list[float]]:
    """Those that were there at every look."""
    return {name: [each[name] for each in seen] for name in (seen[0] if seen else ()) if all(name in e for e in seen)}


def _load(system: System, rate: int, settings: Settings) -> Load:
    """A load of its own for each look: only its start, some tenths of a second, is without."""
    [workload] = chosen(["submit-1000"])
    run = Traffic(settings.players, settings.seed).over_http(system.url, replace(workload, rate=rate))
    return run(settings.seconds)
