"""What a run has found, as data: every figure under a name, written as JSON and read again."""

import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import fmean

import orjson
from pydantic import TypeAdapter, ValidationError

from bench.errors import BenchFailed
from bench.measuring import Round
from bench.workloads import Workload

LATENCIES = ("p50", "p90", "p99", "p999", "worst")
COMPARED = ("throughput", "p50", "p99", "p999", "cpu")
"""Figures of which a ratio to the floor is formed."""


@dataclass(frozen=True)
class Machine:
    """What it ran on."""

    cpu: str
    cores: int
    kernel: str
    python: str


@dataclass(frozen=True)
class Measured:
    """A workload: the rounds of the system, those of its floors in between, and what follows from them."""

    workload: str
    rounds: Sequence[Round]
    floors: Mapping[str, Sequence[Round]]
    figures: Mapping[str, float]


@dataclass(frozen=True)
class Results:
    """A whole run."""

    commit: str
    date: str
    machine: Machine
    settings: Mapping[str, float]
    workloads: Sequence[Measured]
    verify: Sequence[str]
    """What `leaderboard verify` said at the end; its last line is the verdict."""
    equal: bool

    @property
    def path(self) -> Path:
        """Where it is written by default."""
        return Path("bench-results", f"{self.date.replace(':', '')}-{self.commit}.json")

    @property
    def good(self) -> bool:
        """Whether every answer was one, also of the floors, and the tables were right at the end."""
        return self.equal and not bad_answers(self.workloads)


class NoResults(BenchFailed):
    """A file is not one of ours; the message says why."""


RESULTS: TypeAdapter[Results] = TypeAdapter(Results)


def measured(workload: Workload, rounds: Sequence[Round], floors: Mapping[str, Sequence[Round]]) -> Measured:
    """The figures of a workload: the mean over its rounds, each floor's, and the ratio to it."""
    own = _figures(rounds)
    for name, each in floors.items():
        floor = _figures(each)
        own |= {f"floor.{name}.{figure}": value for figure, value in floor.items() if figure in COMPARED}
        own |= {f"ratio.{name}.{figure}": own[figure] / floor[figure] for figure in COMPARED if floor.get(figure)}
    return Measured(workload.name, rounds, floors, own)


def bad_answers(workloads: Sequence[Measured]) -> Sequence[tuple[str, dict[str, int]]]:
    """Of each round that had any, of the system or of a floor: whose it was, and what came how often."""
    every = [(each, name, rounds) for each in workloads for name, rounds in {"": each.rounds, **each.floors}.items()]
    return [
        (f"{each.workload} {name}".rstrip(), dict(one.load.errors))
        for each, name, rounds in every
        for one in rounds
        if one.load.errors
    ]


def write(results: object, path: Path) -> None:
    """Keep the results in a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(orjson.dumps(results, option=orjson.OPT_INDENT_2))


def read(path: Path) -> Results:
    """Results from a file. Raises NoResults."""
    try:
        return RESULTS.validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise NoResults(f"{path} holds no results of a bench: {error}") from error


def machine() -> Machine:
    """This one."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    return Machine(model or platform.processor(), os.cpu_count() or 1, platform.release(), platform.python_version())


def commit() -> str:
    """What is checked out here, `-dirty` with changes; `unknown` outside a checkout."""
    argv = ["git", "describe", "--always", "--dirty", "--exclude=*"]
    try:
        found = subprocess.run(argv, cwd=Path(__file__).parent, capture_output=True, text=True, timeout=10, check=False)
    except OSError:
        return "unknown"
    return found.stdout.strip() or "unknown"


def date() -> str:
    """Now, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _figures(rounds: Sequence[Round]) -> dict[str, float]:
    """Means over the rounds, of latencies too: percentiles of several runs cannot be put together otherwise."""
    loads = [each.load for each in rounds]
    found = {"throughput": sum(each.operations for each in loads) / sum(each.seconds for each in loads)}
    found |= {name: fmean(getattr(each, name) for each in loads) for name in LATENCIES}
    found["errors"] = sum(sum(each.errors.values()) for each in loads)
    found["generator"] = fmean(each.generator for each in rounds)
    if loads[0].late is not None:
        found["late"] = fmean(each.late or 0.0 for each in loads)
    for name in rounds[0].cpu:
        found[f"cpu.{name}"] = fmean(each.cpu.get(name, 0.0) for each in rounds)
    found["cpu"] = sum(value for name, value in found.items() if name.startswith("cpu.") and name != "cpu.generator")
    for name in rounds[0].rss:
        found[f"rss.{name}"] = fmean(each.rss.get(name, 0) for each in rounds)
    return found
