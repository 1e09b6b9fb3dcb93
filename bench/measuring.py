"""One round of a workload: warm up, load, and what each process used meanwhile."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

from bench.load import Load
from bench.processes import Family, spent, usage

MICROSECONDS = 1_000_000
Run: TypeAlias = Callable[[float], Load]
"""Loads for so many seconds."""


@dataclass(frozen=True)
class Round:
    """A load with what it cost."""

    load: Load
    cpu: dict[str, float]
    """Microseconds an operation, by process; `generator` is one of them."""
    rss: dict[str, int]
    """Bytes at the end, by process."""
    generator: float
    """The share of a core that the generator had; near 1 it is the limit."""


def measure(
    run: Run, families: Mapping[str, Family], seconds: float, warm_up: float, settle: Callable[[], None]
) -> Round:
    """Load without looking, then with; `settle` waits until what a load has left behind is done."""
    if warm_up > 0:
        run(warm_up)
        settle()
    before = usage(families)
    load = run(seconds)
    after = usage(families)
    settle()
    if not load.operations:
        load = replace(load, errors={**load.errors, "no good answer in all that time": 1})
    used = {**spent(before, after), "generator": load.cpu}
    count = max(1, load.operations)
    return Round(
        load,
        {name: each * MICROSECONDS / count for name, each in used.items()},
        {name: each.rss for name, each in after.items()},
        load.cpu / load.seconds,
    )
