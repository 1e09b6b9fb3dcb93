"""`leaderboard export` of a full log, beside a bare drain: one consumer that reads the topic and looks at nothing."""

import asyncio
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import psutil
from rich.console import Console

from bench.benchmark import Settings, report
from bench.errors import BenchFailed
from bench.loading import append_players, count_records
from bench.processes import GONE
from bench.results import Measured, Results, commit, date, machine
from bench.system import own_folder, running
from bench.tables import figures_table
from bench.workloads import Bar
from leaderboard.counting import counted
from leaderboard.creating import create
from leaderboard.local.servers import local_servers
from leaderboard.running import addresses

BARS = (Bar("ratio.drain.seconds", 2.0), Bar("memory, MB", 500), Bar("errors", 0))
LOOK_EVERY = 0.1
MEGABYTE = 1024 * 1024


class NotExported(BenchFailed):
    """A command failed."""


@dataclass
class Rounds:
    """Seconds of each round, and the most memory that an export had at once, bytes."""

    drain: list[float] = field(default_factory=list)
    export: list[float] = field(default_factory=list)
    memory: int = 0
    rows: int = 0
    size: int = 0
    cpu: dict[str, list[float]] = field(default_factory=lambda: {"drain": [], "export": []})
    """Seconds of CPU of each round: what a time on a busy machine is to be read with."""


def export(settings: Settings, out: Path | None, console: Console) -> bool:
    """Fill a log, drain and export it by turns, write, show; whether every record was exported."""

    def say(line: str) -> None:
        console.print(line)

    with own_folder() as data, local_servers(data, say=say) as servers:
        os.environ |= addresses(servers)
        system, rounds = running(""), Rounds()
        asyncio.run(create(system.kafka, system.postgres, system.naming, say))
        with counted(console, "appending") as progress:
            asyncio.run(append_players(system, settings.players, progress, settings.events))
        events = asyncio.run(count_records(system))
        for number in range(settings.rounds):
            with console.status(f"round {number + 1} of {settings.rounds}"), TemporaryDirectory() as folder:
                rounds.drain.append(_timed("drain", ["-m", "bench.drain"], rounds))
                rounds.export.append(_timed("export", ["-m", "leaderboard", "export", f"{folder}/log"], rounds))
                rounds.rows, rounds.size = held(Path(folder, "log"))
    measured, lines = found(events, rounds), [f"{rounds.rows:,} rows of {events:,} records"]
    results = Results(commit(), date(), machine(), asdict(settings), [measured], lines, rounds.rows == events)
    return report(results, figures_table(measured, BARS), out, console)


def found(events: int, rounds: Rounds) -> Measured:
    """As figures: the median of the rounds."""
    drain, took = median(rounds.drain), median(rounds.export)
    figures = {"events": float(events), "seconds": took, "events a second": events / took}
    figures |= {"floor.drain.seconds": drain, "ratio.drain.seconds": took / drain}
    figures |= {"memory, MB": rounds.memory / MEGABYTE, "size, MB": rounds.size / MEGABYTE}
    figures |= {f"cpu.{what}, s": median(seconds) for what, seconds in rounds.cpu.items()}
    figures |= {"bytes an event": rounds.size / events, "errors": float(abs(events - rounds.rows))}
    return Measured("export", [], {}, figures)


def held(folder: Path) -> tuple[int, int]:
    """Rows and bytes in the files of an export of the events topic."""
    import pyarrow.parquet

    files = list(folder.glob("events/*/*.parquet"))
    rows = sum(pyarrow.parquet.read_metadata(file).num_rows for file in files)
    return rows, sum(file.stat().st_size for file in files)


def _timed(what: str, argv: list[str], rounds: Rounds) -> float:
    """Seconds that a process of ours took, from its start to its end. Raises NotExported."""
    began, before = time.monotonic(), os.times()
    process = subprocess.Popen([sys.executable, *argv], stderr=subprocess.PIPE)
    with process, _watched(process.pid) as most:
        _, error = process.communicate()
    took, after = time.monotonic() - began, os.times()
    rounds.cpu[what].append(after.children_user - before.children_user + after.children_system - before.children_system)
    if process.returncode != 0:
        raise NotExported(f"{what}: {error.decode(errors='replace')}")
    if what == "export":
        rounds.memory = max(rounds.memory, *most)
    return took


@contextmanager
def _watched(pid: int) -> Iterator[list[int]]:
    """The most bytes that a process and those it starts have in memory at a time."""
    most, over, root = [0], threading.Event(), psutil.Process(pid)

    def look() -> None:
        while not over.wait(LOOK_EVERY):
            most[0] = max(most[0], memory_of(root))

    watch = threading.Thread(target=look)
    watch.start()
    try:
        yield most
    finally:
        over.set()
        watch.join()


def memory_of(root: psutil.Process) -> int:
    """Bytes of a process and those it starts; what they share, such as libraries, is counted once (PSS)."""
    with suppress(*GONE):
        return sum(_pss(process) for process in (root, *root.children(recursive=True)))
    return 0


def _pss(process: psutil.Process) -> int:
    with suppress(*GONE):
        return int(process.memory_full_info().pss)
    return 0
