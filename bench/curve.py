"""Latency against offered load: the open-loop workloads at one rate after the other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.benchmark import Settings, fill, open_system, round_of, verified
from bench.chart import Points, svg
from bench.errors import BenchFailed
from bench.floors import Target, Traffic
from bench.load import Load
from bench.results import commit, date
from bench.system import System
from bench.tables import figure, terminal
from bench.workloads import Workload, chosen

WORKLOADS = ("submit-1000", "rank-1000")


@dataclass(frozen=True)
class Point:
    """A kind of request at a rate."""

    kind: str
    rate: int
    load: Load


def curve(rates: Sequence[int], settings: Settings, url: str | None, out: Path | None, console: Console) -> bool:
    """Measure, draw, show; whether every answer and the verdict of verify were good."""
    with open_system(url, console) as system:
        fill(system, settings, console)
        points = [
            _point(system, replace(workload, rate=rate), rate, settings, console)
            for workload in chosen(WORKLOADS)
            for rate in rates
        ]
        equal = verified(system, console).equal
    path = out or Path("bench-results", f"{date().replace(':', '')}-{commit()}.svg")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(svg(f"Latency against load, {commit()}", "offered, requests/s", "ms", lines(points)))
    terminal().print(curve_table(points), f"verify: {'equal' if equal else '[bold red]NOT EQUAL[/]'}; drawn in {path}")
    return equal and not any(point.load.errors for point in points)


def parse_numbers(text: str) -> list[int]:
    """Numbers with commas between, each once, in order. Raises BenchFailed."""
    numbers = [int(part) if part.strip().isdecimal() else 0 for part in text.split(",")]
    if min(numbers) < 1:
        raise BenchFailed(f"not numbers from 1 with commas between, such as 250,500,1000: {text!r}")
    return sorted(set(numbers))


def lines(points: Sequence[Point]) -> Mapping[str, Points]:
    """p50 and p99 of each kind over the rate."""
    kinds = dict.fromkeys(point.kind for point in points)
    return {
        f"{kind} {name}": [(point.rate, getattr(point.load, name)) for point in points if point.kind == kind]
        for kind in kinds
        for name in ("p50", "p99")
    }


def curve_table(points: Sequence[Point]) -> Table:
    """The same as numbers."""
    table = Table("request")
    for name in ("offered/s", "answered/s", "p50 ms", "p99", "p99.9", "late", "errors"):
        table.add_column(name, justify="right")
    for each in points:
        load = each.load
        times = (figure(value) for value in (load.throughput, load.p50, load.p99, load.p999, load.late or 0.0))
        table.add_row(each.kind, f"{each.rate:,}", *times, str(sum(load.errors.values())))
    return table


def _point(system: System, workload: Workload, rate: int, settings: Settings, console: Console) -> Point:
    run = Traffic(settings.players, settings.seed).over_http(system.url, workload)
    with console.status(f"{workload.kind} at {rate:,}/s"):
        return Point(workload.kind, rate, round_of(system, Target(run, system.families()), settings).load)
