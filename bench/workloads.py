"""The named workloads, with the bars that they have to reach."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from bench.errors import BenchFailed

Kind: TypeAlias = Literal["submit", "top", "rank", "batch", "batch-appended", "mix"]
Floor: TypeAlias = Literal["sketch", "asgi", "redis", "aiokafka"]
BATCH = 1_000
"""Scores in each request of a batch."""


@dataclass(frozen=True)
class Bar:
    """What a figure has to reach: at least a throughput, at most a latency or a ratio."""

    figure: str
    value: float
    stretch: float | None = None

    @property
    def at_least(self) -> bool:
        """Whether more is better."""
        return self.figure in ("throughput", "hits", "fps")

    @property
    def sign(self) -> str:
        """Between the figure and the bar."""
        return "≥" if self.at_least else "≤"

    def met(self, measured: float) -> bool:
        """Whether a figure reaches the bar."""
        return measured >= self.value if self.at_least else measured <= self.value


@dataclass(frozen=True)
class Workload:
    """What is asked, how, what it is measured against, and what it has to reach."""

    name: str
    kind: Kind
    says: str
    connections: int
    rate: int | None = None
    """Requests a second, sent when due; None: closed loop, the next one when the answer is there."""
    floors: Sequence[Floor] = ()
    bars: Sequence[Bar] = ()

    @property
    def unit(self) -> str:
        """What is counted."""
        return "scores/s" if self.kind.startswith("batch") else "requests/s"


SKETCH_CPU = Bar("ratio.sketch.cpu", 1.5)
WORKLOADS = (
    Workload(
        "submit-32", "submit", "submit, answered with the applied rank", 32,
        floors=["sketch"], bars=[Bar("throughput", 3_500, 8_000), SKETCH_CPU],
    ),
    Workload(
        "submit-128", "submit", "the same, 128 connections", 128,
        floors=["sketch"], bars=[Bar("throughput", 5_000, 8_000), SKETCH_CPU],
    ),
    Workload(
        "submit-alone", "submit", "one submission at a time", 1,
        floors=["sketch"], bars=[Bar("p50", 6.0)],
    ),
    Workload(
        "submit-1000", "submit", "submissions that are due 1,000 times a second", 256, rate=1_000,
        floors=["sketch"], bars=[Bar("p99", 50.0)],
    ),
    Workload(
        "top-100", "top", "the first 100 rows", 32,
        floors=["asgi"], bars=[Bar("throughput", 15_000, 20_000), Bar("p99", 5.0)],
    ),
    Workload(
        "rank", "rank", "rank and percentile of a random player", 64,
        floors=["asgi", "redis"], bars=[Bar("throughput", 9_000, 12_000)],
    ),
    Workload(
        "rank-1000", "rank", "the same, due 1,000 times a second", 256, rate=1_000,
        floors=["asgi"], bars=[Bar("p50", 1.0)],
    ),
    Workload(
        "batch", "batch", f"{BATCH:,} scores a request, answered when applied", 3,
        floors=["aiokafka"], bars=[Bar("throughput", 10_000, 20_000)],
    ),
    Workload(
        "batch-appended", "batch-appended", "the same, answered when in the log", 3,
        floors=["aiokafka"], bars=[Bar("throughput", 20_000)],
    ),
)  # fmt: skip
"""design: what it must reach, on 2 cores with the generator on them, 100,000 players, one board a submission. The
connections of a batch are as many as the bound on appends in flight lets through at once."""


class UnknownWorkload(BenchFailed):
    """No workload is called so; the message names those there are."""


def chosen(names: Sequence[str]) -> list[Workload]:
    """The workloads of these names, all where none is given. Raises UnknownWorkload."""
    known = {each.name: each for each in WORKLOADS}
    for name in names:
        if name not in known:
            raise UnknownWorkload(f"no workload is called {name}: {', '.join(known)}")
    return [known[name] for name in names] or list(WORKLOADS)
