"""A whole run: the system, the players, each workload in turn with its floors, and the verdict of verify."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars
from rich.table import Table

from bench.boards import define
from bench.floors import Floors, Target, Traffic, open_floors
from bench.loading import ScoreOf, load_players, settle
from bench.measuring import Round, measure
from bench.results import Measured, Results, commit, date, machine, measured, write
from bench.system import System, running, started
from bench.tables import bars_table, costs_table, error_lines, loads_table, terminal
from bench.workloads import Workload, chosen
from bench.wrk import require_wrk
from leaderboard.verifying import Report, verify

OWN = "system"
[RUN_IN] = chosen(["submit-128"])


@dataclass(frozen=True)
class Settings:
    """How much of everything."""

    players: int = 100_000
    seconds: float = 10.0
    warm_up: float = 3.0
    run_in: float = 20.0
    """Seconds of submissions before the first round: Java compiles what is used often, on the cores of all others."""
    rounds: int = 2
    seed: int = 1
    boards: int = 1
    """That one submission feeds."""
    events: int = 0
    """In the log before, where that is more than one a player."""


@contextmanager
def open_system(url: str | None, console: Console) -> Iterator[System]:
    """The system at this URL, or a new one. Raises LocalServerError."""
    with ExitStack() as stack:
        yield running(url) if url else stack.enter_context(started(lambda line: console.print(line)))


def bench(names: Sequence[str], settings: Settings, url: str | None, out: Path | None, console: Console) -> bool:
    """Measure, write the results down, show them; whether every answer and the verdict were good."""
    workloads = chosen(names)
    require_wrk()
    with open_system(url, console) as system:
        results = run(system, workloads, settings, console)
    path = out or results.path
    write(results, path)
    show(results, console)
    console.print(f"written to {path}")
    return results.good


def show(results: Results, console: Console) -> None:
    """The tables on standard output, and loudly what was wrong on the other."""
    tables = terminal()
    tables.print(bars_table(results), loads_table(results), costs_table(results))
    tables.print(f"verify: {results.verify[-1]}")
    for line in error_lines(results.workloads):
        console.print(f"[bold red]BAD ANSWERS[/] {line}")
    if not results.equal:
        console.print("[bold red]NOT EQUAL[/]", *results.verify, sep="\n")


def report(results: Results, table: Table, out: Path | None, console: Console) -> bool:
    """Write and show what was found beside the workloads; whether every answer and the verdict were good."""
    path = out or results.path
    write(results, path)
    terminal().print(table, f"verify: {results.verify[-1]}; written to {path}")
    if not results.equal:
        console.print("[bold red]NOT EQUAL[/]", *results.verify, sep="\n")
    return results.good and not any(each.figures.get("errors") for each in results.workloads)


def run(system: System, workloads: Sequence[Workload], settings: Settings, console: Console) -> Results:
    """Measure all of them. Raises NoWrk, NotApplied, LogUnavailable."""
    fill(system, settings, console)
    traffic = Traffic(settings.players, settings.seed)
    if settings.run_in > 0 and any(each.kind == "submit" for each in workloads):
        with console.status("running in"):
            traffic.over_http(system.url, RUN_IN)(settings.run_in)
            asyncio.run(settle(system))
    with TemporaryDirectory() as folder, open_floors(system, traffic, Path(folder)) as floors:
        found = [_measure(system, floors, each, settings, console) for each in workloads]
    return concluded(system, found, settings, console)


def concluded(system: System, found: Sequence[Measured], settings: Settings, console: Console) -> Results:
    """What was found, and whether the tables are right after it. Raises NotApplied, LogUnavailable."""
    report = verified(system, console)
    return Results(commit(), date(), machine(), {**asdict(settings)}, found, report.lines(), report.equal)


def fill(system: System, settings: Settings, console: Console, score_of: ScoreOf | None = None) -> None:
    """Define the boards and load the players, with a bar. Raises NotApplied, NotDefined, LogUnavailable."""
    asyncio.run(define(system, settings.boards))
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Bars(*columns, console=console) as bars:
        appended, applied = (bars.add_task(name, total=None) for name in ("events appended", "applied"))

        def shown(task: TaskID) -> Callable[[int, int], None]:
            return lambda done, total: bars.update(task, completed=done, total=total)

        asyncio.run(load_players(system, settings.players, shown(appended), shown(applied), settings.events, score_of))


def verified(system: System, console: Console) -> Report:
    """What `leaderboard verify` finds once all is applied."""
    asyncio.run(settle(system))
    return asyncio.run(verify(system.kafka, system.postgres, system.redis, system.naming, console))


def _measure(system: System, floors: Floors, workload: Workload, settings: Settings, console: Console) -> Measured:
    """Rounds of the system and of its floors by turns, so that a machine that drifts does so for all."""
    own = Target(floors.traffic.over_http(system.url, workload), system.families())
    targets = {OWN: own} | {str(floor): floors.of(floor, workload) for floor in workload.floors}
    rounds: dict[str, list[Round]] = {name: [] for name in targets}
    for number in range(settings.rounds):
        for name, target in targets.items():
            with console.status(f"{workload.name}: {name}, round {number + 1} of {settings.rounds}"):
                rounds[name].append(round_of(system, target, settings))
    return measured(workload, rounds.pop(OWN), rounds)


def round_of(system: System, target: Target, settings: Settings) -> Round:
    """One round. Raises NotApplied, or what its generator raises."""

    def settled() -> None:
        asyncio.run(settle(system))

    return measure(target.run, target.families, settings.seconds, settings.warm_up, settled)
