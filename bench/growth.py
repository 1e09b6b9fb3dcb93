"""What one operation costs as the system grows: each size, and each number of boards, on a new system of its own."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.benchmark import Settings, open_system, run
from bench.chart import Points, svg
from bench.results import Results, commit, write
from bench.tables import MEBI, PROCESSES, figure, terminal
from bench.workloads import chosen

WORKLOADS = ("submit-128", "top-100", "rank")
MICROSECONDS = 1_000
"""In a millisecond: CPU and latency are drawn over one axis."""


@dataclass(frozen=True)
class Point:
    """What was found with so many players, and so many boards fed by a submission."""

    players: int
    boards: int
    results: Results


def growth(
    players: Sequence[int], boards: Sequence[int], at: int, settings: Settings, out: Path | None, console: Console
) -> bool:
    """Measure every point, write, draw, show; whether every answer and every verdict of verify were good."""
    points = [_point(replace(settings, players=each, boards=fed), console) for each, fed in places(players, boards, at)]
    results = together(points, settings)
    path = out or results.path
    write(results, path)
    for name, across, lines in (
        ("players", "players, one board a submission", over_players(points)),
        ("boards", f"boards a submission, {at:,} players", over_boards(points, at)),
    ):
        title = f"CPU an operation and p50, {results.commit}"
        path.with_name(f"{path.stem}-{name}.svg").write_text(svg(title, across, "µs", lines, by_powers=True))
    terminal().print(growth_table(points), f"verify: {'equal' if results.equal else '[bold red]NOT EQUAL[/]'}")
    console.print(f"written to {path}, drawn beside it in {path.stem}-players.svg and {path.stem}-boards.svg")
    return results.good


def places(players: Sequence[int], boards: Sequence[int], at: int) -> list[tuple[int, int]]:
    """Players and boards of each point: every size with one board, every number of boards at one size."""
    return list(dict.fromkeys([*((each, 1) for each in players), *((at, each) for each in boards)]))


def together(points: Sequence[Point], settings: Settings) -> Results:
    """All points as one result, each workload named with its point, so that `bench compare` can read it."""
    workloads = [
        replace(each, workload=f"{each.workload} {point.players:,} x {point.boards}")
        for point in points
        for each in point.results.workloads
    ]
    verify = [f"{point.players:,} x {point.boards}: {point.results.verify[-1]}" for point in points]
    first, equal = points[0].results, all(point.results.equal for point in points)
    return replace(first, settings=asdict(settings), workloads=workloads, verify=verify, equal=equal)


def over_players(points: Sequence[Point]) -> Mapping[str, Points]:
    """CPU and p50 of each workload over the number of players, with one board."""
    return _lines([point for point in points if point.boards == 1], lambda point: point.players)


def over_boards(points: Sequence[Point], at: int) -> Mapping[str, Points]:
    """The same over the number of boards, with so many players."""
    return _lines([point for point in points if point.players == at], lambda point: point.boards)


def growth_table(points: Sequence[Point]) -> Table:
    """A row for each workload of each point. The floor `sketch` feeds one board whatever the system feeds."""
    table = Table(title=f"growth, {commit()}; CPU in µs an operation, RSS in MiB")
    for name in (
        "workload",
        "players",
        "boards",
        "per second",
        "p50 ms",
        "p99",
        "CPU",
        *PROCESSES[:5],
        "RSS",
        "floors",
    ):
        table.add_column(name, justify="right", no_wrap=True)
    for point in sorted(points, key=lambda each: (each.boards, each.players)):
        for found in point.results.workloads:
            table.add_row(found.workload, f"{point.players:,}", str(point.boards), *_cells(found.figures))
    return table


def _cells(figures: Mapping[str, float]) -> list[str]:
    own = [figure(figures[name]) for name in ("throughput", "p50", "p99", "cpu")]
    processes = [figure(figures[key]) if (key := f"cpu.{name}") in figures else "-" for name in PROCESSES[:5]]
    rss = sum(value for name, value in figures.items() if name.startswith("rss."))
    floors = [name.split(".")[1] for name in figures if name.startswith("floor.") and name.endswith(".throughput")]
    said = (f"{name} {figure(figures[f'floor.{name}.throughput'])}/s" for name in floors)
    return [*own, *processes, figure(rss / MEBI), "\n".join(said)]


def _lines(points: Sequence[Point], x: Callable[[Point], int]) -> Mapping[str, Points]:
    names = dict.fromkeys(found.workload for point in points for found in point.results.workloads)
    return {
        f"{name} {said}": sorted(
            (x(point), found.figures[key] * unit)
            for point in points
            for found in point.results.workloads
            if found.workload == name
        )
        for name in names
        for said, key, unit in (("CPU", "cpu", 1), ("p50", "p50", MICROSECONDS))
    }


def _point(settings: Settings, console: Console) -> Point:
    console.print(f"{settings.players:,} players, {settings.boards} boards a submission")
    with open_system(None, console) as system:
        return Point(settings.players, settings.boards, run(system, chosen(WORKLOADS), settings, console))
