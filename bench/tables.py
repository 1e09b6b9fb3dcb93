"""Results as tables for the terminal."""

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table

from bench.comparison import Change
from bench.results import Measured, Results, bad_answers
from bench.workloads import WORKLOADS, Bar, Workload, chosen

MEBI = 1024 * 1024
IN_A_FILE = 140
PROCESSES = ("front", "projector", "kafka", "postgres", "redis", "generator")


def terminal() -> Console:
    """Standard output, wide enough for the tables where no terminal says how wide it is."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=IN_A_FILE)


def bars_table(results: Results) -> Table:
    """Each bar of each workload, with what was measured, its floor and the ratio to that."""
    table = Table(title=f"{results.commit} on {results.machine.cores} cores, {results.machine.cpu}")
    for name in ("workload", "figure"):
        table.add_column(name, no_wrap=True)
    for name in ("bar", "stretch", "measured", "floor", "ratio"):
        table.add_column(name, justify="right")
    table.add_column("met")
    for found in results.workloads:
        [workload] = chosen([found.workload])
        for bar in workload.bars:
            table.add_row(*_bar_row(workload, bar, found.figures))
    return table


def workloads_table() -> Table:
    """What there is to measure."""
    table = Table()
    table.add_column("workload", no_wrap=True)
    for name in ("does", "connections", "due a second", "floors", "bars"):
        table.add_column(name)
    for each in WORKLOADS:
        bars = ", ".join(f"{bar.figure} {bar.sign} {bar.value:,g}" for bar in each.bars)
        rate = f"{each.rate:,}" if each.rate else "closed loop"
        table.add_row(each.name, each.says, str(each.connections), rate, ", ".join(each.floors), bars)
    return table


def loads_table(results: Results) -> Table:
    """Throughput and latencies, how busy and (p99, in ms) late the generator was, and answers that were none."""
    table = _table("load", ("per second", "p50 ms", "p99", "p99.9", "worst", "generator busy", "late", "errors"))
    for found in results.workloads:
        figures = found.figures
        times = (figure(figures[name]) for name in ("p50", "p99", "p999", "worst"))
        errors = f"[bold red]{figures['errors']:.0f}[/]" if figures["errors"] else "0"
        busy, late = f"{figures['generator']:.0%}", figure(figures["late"]) if "late" in figures else ""
        table.add_row(found.workload, figure(figures["throughput"]), *times, busy, late, errors)
    return table


def costs_table(results: Results) -> Table:
    """CPU by process: of each the microseconds an operation, and its memory at the end."""
    table = _table("CPU: microseconds an operation / RSS: MiB", (*PROCESSES, "all but generator"))
    for found in results.workloads:
        costs = (_cost(found.figures, name) for name in PROCESSES)
        table.add_row(found.workload, *costs, figure(found.figures["cpu"]))
    return table


def comparison_table(before: Results, after: Results, changes: Sequence[Change]) -> Table:
    """Every figure of two runs and how it changed."""
    title = f"A {before.commit} {before.date}, B {after.commit} {after.date}"
    if before.machine != after.machine or before.settings != after.settings:
        title += "\n[bold red]of different machines or settings[/]"
    table = Table(title=title)
    for name in ("workload", "figure"):
        table.add_column(name, no_wrap=True)
    for name in ("A", "B", "change"):
        table.add_column(name, justify="right")
    for each in changes:
        values = ("-" if value is None else figure(value) for value in (each.before, each.after))
        per_cent = f"{each.per_cent:+.1f} %" if each.per_cent is not None else ""
        table.add_row(each.workload, each.figure, *values, per_cent)
    return table


def figures_table(found: Measured, bars: Sequence[Bar] = ()) -> Table:
    """Every figure of one thing that was measured, with the bars of some."""
    table = Table(title=found.workload)
    table.add_column("figure", no_wrap=True)
    for name in ("bar", "measured", "met"):
        table.add_column(name, justify="right")
    wanted = {bar.figure: bar for bar in bars}
    for name, value in found.figures.items():
        bar = wanted.get(name)
        head = f"{bar.sign} {bar.value:,g}" if bar else ""
        table.add_row(name, head, figure(value), _met(bar, value) if bar else "")
    return table


def error_lines(workloads: Sequence[Measured]) -> list[str]:
    """What answers were not good, by workload, those of floors too."""
    listed = ((name, ", ".join(f"{n:,} x {what}" for what, n in each.items())) for name, each in bad_answers(workloads))
    return [f"{name}: {what}" for name, what in listed]


def figure(value: float) -> str:
    """As many digits as say something."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def _table(title: str, columns: Sequence[str]) -> Table:
    table = Table(title=title)
    table.add_column("workload", no_wrap=True)
    for name in columns:
        table.add_column(name, justify="right")
    return table


def _bar_row(workload: Workload, bar: Bar, figures: Mapping[str, float]) -> Sequence[str]:
    sign, value = bar.sign, figures.get(bar.figure)
    name = workload.unit if bar.at_least else bar.figure
    stretch = f"{sign} {bar.stretch:,g}" if bar.stretch is not None else ""
    head = [workload.name, name, f"{sign} {bar.value:,g}", stretch]
    if value is None:
        return [*head, "-", "", "", ""]
    floors = [f"{floor} {figure(figures[key])}" for floor in workload.floors if (key := _floor(floor, bar)) in figures]
    ratios = [figure(figures[key]) for floor in workload.floors if (key := f"ratio.{floor}.{bar.figure}") in figures]
    return [*head, figure(value), "\n".join(floors), "\n".join(ratios), _met(bar, value)]


def _met(bar: Bar, value: float) -> str:
    return "[green]met[/]" if bar.met(value) else "[red]not met[/]"


def _floor(floor: str, bar: Bar) -> str:
    return f"floor.{floor}.{bar.figure}"


def _cost(figures: Mapping[str, float], process: str) -> str:
    cpu, rss = figures.get(f"cpu.{process}"), figures.get(f"rss.{process}")
    both = (figure(cpu) if cpu is not None else "-", f"{rss / MEBI:.0f}" if rss is not None else "")
    return " / ".join(each for each in both if each)
