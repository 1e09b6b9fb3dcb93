"""`leaderboard export` of a full log, beside a bare drain: one consumer that reads the topic and looks at nothing."""

import asyncio
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import psutil
from rich.console import Console

from bench.benchmark import Settings, concluded, fill, open_system, report
from bench.errors import BenchFailed
from bench.processes import GONE
from bench.results import Measured
from bench.system import System
from bench.tables import figures_table
from bench.workloads import Bar
from shared.log import open_reader
from shared.settings import KafkaSettings, NamingSettings

NAME = "bench-drain"
BARS = (Bar("ratio.drain.seconds", 2.0), Bar("memory, MB", 500), Bar("errors", 0))
FETCHED = 8 * 1024 * 1024
"""Bytes of a partition a fetch, as `export` has it."""
AT_A_TIME = 4_096
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


def export(settings: Settings, url: str | None, out: Path | None, console: Console) -> bool:
    """Fill, drain and export by turns, verify, write, show; whether every record was exported."""
    with open_system(url, console) as system:
        fill(system, settings, console)
        events, rounds = asyncio.run(count(system)), Rounds()
        for number in range(settings.rounds):
            with console.status(f"round {number + 1} of {settings.rounds}"), TemporaryDirectory() as folder:
                rounds.drain.append(_timed("drain", ["-m", "bench.export"], rounds))
                rounds.export.append(_timed("export", ["-m", "leaderboard", "export", f"{folder}/log"], rounds))
                rounds.rows, rounds.size = held(Path(folder, "log"))
        measured = found(events, rounds)
        results = concluded(system, [measured], settings, console)
    return report(results, figures_table(measured, BARS), out, console)


def found(events: int, rounds: Rounds) -> Measured:
    """As figures: the median of the rounds."""
    drain, took = median(rounds.drain), median(rounds.export)
    figures = {"events": float(events), "seconds": took, "events a second": events / took}
    figures |= {"floor.drain.seconds": drain, "ratio.drain.seconds": took / drain}
    figures |= {"memory, MB": rounds.memory / MEGABYTE, "size, MB": rounds.size / MEGABYTE}
    figures |= {"bytes an event": rounds.size / events, "errors": float(abs(events - rounds.rows))}
    return Measured("export", [], {}, figures)


async def count(system: System) -> int:
    """Records in the events topic."""
    async with open_reader(system.kafka, system.naming, NAME) as reader:
        return sum((await reader.end("events")).values())


def held(folder: Path) -> tuple[int, int]:
    """Rows and bytes in the files of an export of the events topic."""
    import pyarrow.parquet

    files = list(folder.glob("events/*/*.parquet"))
    rows = sum(pyarrow.parquet.read_metadata(file).num_rows for file in files)
    return rows, sum(file.stat().st_size for file in files)


def _timed(what: str, argv: list[str], rounds: Rounds) -> float:
    """Seconds that a process of ours took, from its start to its end. Raises NotExported."""
    began = time.monotonic()
    process = subprocess.Popen([sys.executable, *argv], stderr=subprocess.PIPE)
    with process, _watched(process.pid) as most:
        _, error = process.communicate()
    took = time.monotonic() - began
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


async def drain() -> None:
    """Read every partition of the events topic to its end."""
    async with open_reader(KafkaSettings(), NamingSettings(), NAME, partition_bytes=FETCHED) as reader:
        left = {partition: end for partition, end in (await reader.end("events")).items() if end}
        reader.assign({("events", partition): 0 for partition in left})
        while left:
            for _, record in await reader.read(limit=AT_A_TIME, wait_ms=1_000):
                if record.offset + 1 >= left.get(record.partition, 0):
                    left.pop(record.partition, None)


if __name__ == "__main__":
    asyncio.run(drain())
