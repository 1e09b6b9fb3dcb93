"""The live stream measured: named scenarios with their bars, each with what it needs beside it, in one run."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory
from threading import Event, Thread
from typing import TypeAlias

from rich.console import Console
from rich.table import Table

from bench.benchmark import Settings as Filling
from bench.benchmark import fill, open_system, verified
from bench.crowd import Arrivals, Crowd, Report, crowd, send_loop
from bench.errors import BenchFailed
from bench.fleet import Found, survive
from bench.load import percentile
from bench.moves import delays, ranks_seen, rows_seen, since_published
from bench.processes import Usage
from bench.results import Machine, commit, date, machine, write
from bench.stage import BOARD, Moved, MovesFailed, Node, Stage, first_score, kernel_memory
from bench.tables import figure, terminal
from bench.workloads import Bar
from leaderboard.local.guard import Guard

TOP = {"ch": "top", "board": BOARD, "n": 100}
ME = {"ch": "me", "board": BOARD, "player": "player-%d"}
TOP_AND_ME = 5
"""Objects that answer a hello and both: hi, ok, snap, ok, me."""
ME_ALONE = 3
MOVERS = 100
SAMPLE_EVERY = 5.0
WARM_UP = 3.0
"""Seconds of moves before anything is measured: the first ones are slow on a new system."""
KIBI, MEBI = 1024, 1024 * 1024
Figures: TypeAlias = dict[str, float]


@dataclass(frozen=True)
class Settings:
    """How much of everything."""

    seconds: float = 20.0
    """Of each round of a load."""
    minutes: float = 5.0
    """Of what is held."""
    idle: float = 30.0
    """Seconds for which idle sockets are looked at."""
    rounds: int = 2
    rates: Sequence[int] = (300, 1_000)
    """Submissions a second of `submit`."""
    moves: int = 20
    """Moves a second of the other scenarios."""
    players: int = 20_000
    share: float = 1.0
    """Of the sockets: less for a trial."""
    seed: int = 1


@dataclass(frozen=True)
class Scenario:
    """What is done, and what it has to reach."""

    name: str
    says: str
    sockets: int
    run: "Callable[[Stage, int, Settings], Figures]"
    bars: Sequence[Bar] = ()


@dataclass(frozen=True)
class LiveResults:
    """A whole run."""

    commit: str
    date: str
    machine: Machine
    settings: Mapping[str, object]
    scenarios: Mapping[str, Figures]
    failed: Mapping[str, str]
    """Scenarios without figures, and why."""
    verify: Sequence[str]
    equal: bool

    @property
    def good(self) -> bool:
        """Whether each scenario has figures and the tables were right at the end."""
        return self.equal and not self.failed


@dataclass
class Sampled:
    """A process, looked at again and again."""

    used: list[Usage] = field(default_factory=list)
    kernel: list[int] = field(default_factory=list)

    def figures(self) -> Figures:
        """Its share of a core and its memory, in the first and in the last third."""
        shares = [
            (after.cpu - before.cpu) / SAMPLE_EVERY for before, after in zip(self.used, self.used[1:], strict=False)
        ]
        third = max(1, len(shares) // 3)
        return {
            "cpu.first": fmean(shares[:third]),
            "cpu.last": fmean(shares[-third:]),
            "rss.first": fmean(each.rss for each in self.used[:third]) / MEBI,
            "rss.last": fmean(each.rss for each in self.used[-third:]) / MEBI,
            "kernel.first": fmean(self.kernel[:third]) / MEBI,
            "kernel.last": fmean(self.kernel[-third:]) / MEBI,
        }


def broadcast(stage: Stage, count: int, settings: Settings) -> Figures:
    """A board that moves, to everybody; the floor in between; then the memory and the idle cost of the same sockets."""
    ours: list[Figures] = []
    floors: list[Figures] = []
    with stage.node(f"broadcast-{count}", count + MOVERS) as node:
        stage.move(MOVERS, settings.moves, WARM_UP)
        alone = _alone(stage, node, settings)
        before = node.used().rss
        with (
            crowd(stage.folder, node.port, count, [TOP, ME], answers=TOP_AND_ME) as watching,
            crowd(stage.folder, node.port, MOVERS, [ME], answers=ME_ALONE) as movers,
            send_loop(stage.folder, count) as floor,
        ):
            figures = {"rss_kib": (node.used().rss - before) / (count + MOVERS) / KIBI}
            figures["idle_percent"] = 100 * _idle(node, settings.idle)
            for _ in range(settings.rounds):
                round_of, report = _broadcast(stage, node, watching, movers, settings)
                ours.append(round_of)
                size, ticks = round(report.bytes / max(1, report.frames)), round_of["ticks"]
                sent = floor.send(size, settings.seconds / ticks, round(ticks))
                floors.append({"cpu_us": 1e6 * sent.cpu / sent.frames, "wall_us": 1e6 * sent.wall / sent.frames})
            figures["rss_kib.after"] = (node.used().rss - before) / (count + MOVERS) / KIBI
            figures |= _means(ours) | {f"floor.{name}": value for name, value in _means(floors).items()}
    figures["frame_us"] = figures["cpu_us"] - 1e6 * alone / figures["frames_a_second"]
    ratios = {f"ratio.{name}": figures[f"{name}_us"] / figures["floor.cpu_us"] for name in ("cpu", "frame")}
    return figures | ratios | {"alone.share": alone}


def _alone(stage: Stage, node: Node, settings: Settings) -> float:
    """The share of a core that the same moves cost for one socket: the feed, the reads, the deltas, no fan-out."""
    with (
        crowd(stage.folder, node.port, 1, [TOP, ME], answers=TOP_AND_ME),
        crowd(stage.folder, node.port, MOVERS, [ME], answers=ME_ALONE),
    ):
        began, used = time.monotonic(), node.used().cpu
        stage.move(MOVERS, settings.moves, settings.seconds)
        return (node.used().cpu - used) / (time.monotonic() - began)


def _broadcast(stage: Stage, node: Node, watching: Crowd, movers: Crowd, settings: Settings) -> tuple[Figures, Report]:
    """One round. Those who move listen by a process of their own, which the crowd's frames do not keep waiting."""
    fed, used, receiving = stage.fed(), node.used(), watching.report()[0].cpu
    watching.start()
    movers.start()
    began = time.monotonic()
    moved = stage.move(MOVERS, settings.moves, settings.seconds)
    took, spent = time.monotonic() - began, node.used().cpu - used.cpu
    report, arrivals = _traced(stage, watching)
    _, personal = _traced(stage, movers)
    ticks = len({payload for payload in arrivals.payloads if payload.startswith(b'{"t":"d"')})
    figures = {
        "cpu_us": 1e6 * spent / max(1, report.frames),
        "cpu.share": spent / took,
        "receiver.share": (report.cpu - receiving) / took,
        "frame_bytes": report.bytes / max(1, report.frames),
        "frames_a_second": report.frames / took,
        "ticks": float(ticks),
        "ticks_a_second": ticks / settings.seconds,
        "untraced": float(report.untraced),
        **_spread("board", rows_seen(arrivals, moved.dues)),
    }
    return figures | _personal(stage, moved, personal, fed), report


def _personal(stage: Stage, moved: Moved, arrivals: Arrivals, fed: int) -> Figures:
    """From the record of the feed, and from the submission, to the socket of the player."""
    seen = ranks_seen(arrivals)
    epoch = time.time() - time.monotonic()
    found, missed = delays(moved.dues, seen)
    return {
        **_spread("personal", since_published(seen, stage.published(fed), epoch)),
        **_spread("submitted", found),
        "submitted.missed": float(missed),
        "answered.p99": moved.load.p99,
    }


def submit(stage: Stage, count: int, settings: Settings) -> Figures:
    """Submissions that are due, to the rank on the socket of who submitted; each player has one."""
    figures: Figures = {}
    with (
        stage.node("submit", count) as node,
        crowd(stage.folder, node.port, count, [TOP, ME], answers=TOP_AND_ME) as watching,
    ):
        stage.move(count, settings.moves, WARM_UP)
        for rate in settings.rates:
            watching.start()
            try:
                moved = stage.move(count, rate, settings.seconds)
            except MovesFailed:
                figures[f"{rate}.failed"] = 1.0
                continue
            found, missed = delays(moved.dues, ranks_seen(_traced(stage, watching)[1]))
            figures |= _spread(str(rate), found) | {f"{rate}.missed": float(missed)}
            figures |= {f"{rate}.answered.p50": moved.load.p50, f"{rate}.answered.p99": moved.load.p99}
            figures[f"{rate}.late"] = moved.load.late or 0.0
    return figures


def stuck(stage: Stage, count: int, settings: Settings) -> Figures:
    """A tenth of the sockets read nothing any more: what the others notice, what it costs, how it ends."""
    figures: Figures = {}
    for name, silent in (("without", 0), ("with", count // 10)):
        seconds = settings.minutes * 60 if silent else min(60.0, settings.minutes * 60)
        with (
            stage.node(f"stuck-{name}", count) as node,
            crowd(stage.folder, node.port, count, [TOP], answers=3, stuck=silent) as watching,
            sampled(node) as samples,
        ):
            watching.start()
            moved = stage.move(MOVERS, settings.moves, seconds)
            arrivals = _traced(stage, watching)[1]
            figures |= _spread(f"{name}.board", rows_seen(arrivals, moved.dues, count - silent))
            finished = watching.finish().closed
            figures |= {f"{name}.seen.{code}": float(number) for code, number in finished.items()}
            figures |= {f"{name}.closed.{code}": float(number) for code, number in node.closed().items()}
        figures |= {f"{name}.{each}": value for each, value in samples.figures().items()}
    return figures | {"ratio.p99": figures["with.board.p99"] / figures["without.board.p99"]}


def hold(stage: Stage, count: int, settings: Settings) -> Figures:
    """Sockets held for minutes while the board moves: is the end as the beginning?"""
    with (
        stage.node("hold", count) as node,
        crowd(stage.folder, node.port, count, [TOP, ME], answers=TOP_AND_ME) as watching,
    ):
        watching.count()
        with sampled(node) as samples:
            stage.move(MOVERS, settings.moves, settings.minutes * 60)
        report, _ = watching.report()
    lost = sum(report.closed.values())
    return {"lost": float(lost), "frames": float(report.frames), "pings": float(report.pings), **samples.figures()}


def kill(stage: Stage, count: int, settings: Settings) -> Figures:
    """kill -9 of one of two notifiers."""
    with stage.node("kill-a", count) as first, stage.node("kill-b", count) as second:
        return _found(survive(stage, [first, second], count, settings.seconds, first.process.kill))


def roll(stage: Stage, count: int, settings: Settings) -> Figures:
    """Both notifiers restarted, one after the other."""
    with ExitStack() as stack:
        nodes = [stack.enter_context(stage.node(f"roll-{name}", count)) for name in ("a", "b")]

        def restart() -> None:
            for number, node in enumerate(nodes):
                node.process.stop(within=30)
                stack.enter_context(stage.node(f"roll-{number}-anew", count, node.port))

        return _found(survive(stage, nodes, count, 2 * settings.seconds, restart))


RATIO = Bar("ratio.cpu", 1.4, 1.2)
"""Of all that the process does, divided by the frames; `ratio.frame` is without what one socket would cost."""
RSS = Bar("rss_kib", 24)
RIGHT = (Bar("gaps", 0), Bar("mismatches", 0), Bar("wrong", 0))
SCENARIOS = (
    Scenario(
        "broadcast-1000", "a moving board to 1,000 sockets, idle before", 1_000, broadcast,
        [RATIO, RSS, Bar("idle_percent", 5)],
    ),
    Scenario(
        "broadcast-10000", "the same to 10,000; personal events meanwhile", 10_000, broadcast,
        [RATIO, RSS, Bar("personal.p99", 10)],
    ),
    Scenario("submit", "submissions due, to the submitter's socket", 1_000, submit, [Bar("1000.p99", 50)]),
    Scenario("stuck", "100 of 1,000 sockets read nothing", 1_000, stuck),
    Scenario("hold", "10,000 sockets and a moving board for minutes", 10_000, hold, [Bar("lost", 0)]),
    Scenario("kill", "kill -9 of one of two notifiers", 2_000, kill, RIGHT),
    Scenario("roll", "both notifiers restarted in turn", 2_000, roll, RIGHT),
)  # fmt: skip


def bench_live(names: Sequence[str], settings: Settings, url: str | None, out: Path | None, console: Console) -> bool:
    """Play the scenarios, write down and show what was found; whether all have figures and verify found no fault."""
    scenarios = chosen(names)
    with (
        open_system(url, console) as system,
        TemporaryDirectory(prefix="leaderboard-bench-live-") as folder,
        Guard() as guard,
    ):
        filling = Filling(players=settings.players)
        fill(system, filling, console, lambda player: first_score(settings.players, player))
        stage = Stage(system, Path(folder), guard, settings.seed)
        found, failed = _play(stage, scenarios, settings, console)
        report = verified(system, console)
    results = LiveResults(
        commit(), date(), machine(), {**asdict(settings)}, found, failed, report.lines(), report.equal
    )
    path = out or Path("bench-results", f"live-{results.date.replace(':', '')}-{results.commit}.json")
    write(results, path)
    show(results, scenarios)
    console.print(f"written to {path}")
    return results.good


def chosen(names: Sequence[str]) -> list[Scenario]:
    """The scenarios of these names, all where none is given. Raises BenchFailed."""
    known = {each.name: each for each in SCENARIOS}
    for name in names:
        if name not in known:
            raise BenchFailed(f"no scenario is called {name}: {', '.join(known)}")
    return [known[name] for name in names] or list(SCENARIOS)


def show(results: LiveResults, scenarios: Sequence[Scenario]) -> None:
    """Every figure, those with a bar first."""
    table = Table(title=f"{results.commit} on {results.machine.cores} cores, {results.machine.cpu}")
    for name in ("scenario", "figure", "measured", "bar", "met"):
        table.add_column(name, justify="right" if name == "measured" else "left")
    for scenario in scenarios:
        figures = results.scenarios.get(scenario.name, {})
        for bar in scenario.bars:
            value = figures.get(bar.figure)
            met = "-" if value is None else "[green]met[/]" if bar.met(value) else "[red]not met[/]"
            shown = "-" if value is None else figure(value)
            table.add_row(scenario.name, bar.figure, shown, f"{bar.sign} {bar.value:g}", met)
        for name, value in figures.items():
            if name not in {bar.figure for bar in scenario.bars}:
                table.add_row(scenario.name, name, figure(value), "", "")
    tables = terminal()
    tables.print(table)
    tables.print(f"verify: {results.verify[-1]}")
    for name, why in results.failed.items():
        tables.print(f"[bold red]{name} has no figures[/]: {why}")


def scenarios_table() -> Table:
    """What there is to play."""
    table = Table()
    for name in ("scenario", "does", "sockets", "bars"):
        table.add_column(name)
    for each in SCENARIOS:
        bars = ", ".join(f"{bar.figure} {bar.sign} {bar.value:g}" for bar in each.bars)
        table.add_row(each.name, each.says, f"{each.sockets:,}", bars)
    return table


def _play(
    stage: Stage, scenarios: Sequence[Scenario], settings: Settings, console: Console
) -> tuple[dict[str, Figures], dict[str, str]]:
    found: dict[str, Figures] = {}
    failed: dict[str, str] = {}
    for each in scenarios:
        with console.status(f"{each.name}: {each.says}"):
            try:
                found[each.name] = each.run(stage, max(10, round(each.sockets * settings.share)), settings)
                console.print(f"{each.name}: measured")
            except BenchFailed as error:
                failed[each.name] = str(error)
                console.print(f"{each.name}: {error}")
    return found, failed


@contextmanager
def sampled(node: Node) -> Iterator[Sampled]:
    """Look at a notifier for as long as the block lasts."""
    samples, ended = Sampled(), Event()

    def look() -> None:
        while True:
            samples.used.append(node.used())
            samples.kernel.append(kernel_memory())
            if ended.wait(SAMPLE_EVERY):
                return

    thread = Thread(target=look)
    thread.start()
    try:
        yield samples
    finally:
        ended.set()
        thread.join()


def _idle(node: Node, seconds: float) -> float:
    """The share of a core that a notifier takes while nothing moves."""
    before = node.used().cpu
    time.sleep(seconds)
    return (node.used().cpu - before) / seconds


def _traced(stage: Stage, watching: Crowd) -> tuple[Report, Arrivals]:
    report, arrivals = watching.report(stage.folder / "trace")
    assert arrivals is not None
    return report, arrivals


def _spread(name: str, seconds: Sequence[float]) -> Figures:
    """Percentiles in milliseconds, and of how many."""
    ordered = sorted(seconds)
    shares = {"p50": 0.5, "p99": 0.99, "worst": 1.0}
    found = {f"{name}.{each}": 1000 * percentile(ordered, share) for each, share in shares.items()} if ordered else {}
    return {f"{name}.count": float(len(ordered)), **found}


def _means(rounds: Sequence[Figures]) -> Figures:
    return {name: fmean(each[name] for each in rounds) for name in rounds[0]}


def _found(found: Found) -> Figures:
    counts = {name: float(value) for name, value in asdict(found.counts).items()}
    return {**counts, "moved": float(found.moved), "seconds": found.seconds, "wrong": float(found.wrong)}
