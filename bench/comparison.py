"""Two runs side by side."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.results import Results


@dataclass(frozen=True)
class Change:
    """A figure of a workload in two runs; None where a run does not have it."""

    workload: str
    figure: str
    before: float | None
    after: float | None

    @property
    def per_cent(self) -> float | None:
        """How much more it is now; None where that says nothing."""
        if self.before is None or self.after is None or not self.before:
            return None
        return (self.after / self.before - 1) * 100


def compare(before: Results, after: Results) -> Sequence[Change]:
    """Every figure of every workload that is in one of them, in the order of the later run."""
    old, new = _by_workload(before), _by_workload(after)
    return [
        Change(workload, figure, old.get(workload, {}).get(figure), new.get(workload, {}).get(figure))
        for workload in [*new, *(name for name in old if name not in new)]
        for figure in sorted(old.get(workload, {}).keys() | new.get(workload, {}).keys())
    ]


def _by_workload(results: Results) -> dict[str, Mapping[str, float]]:
    return {each.workload: each.figures for each in results.workloads}
