"""How many of a kind of measurement were how large. Pure."""

from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
"""Bounds for what takes milliseconds, and seconds where something is wrong."""


class Histogram:
    """Measurements since the start, counted by size."""

    def __init__(self, bounds: Sequence[float]) -> None:
        """`bounds`: ascending; what is larger than the last is counted behind it."""
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0

    def add(self, size: float, times: int = 1) -> None:
        """So many measurements of a size."""
        self._counts[bisect_left(self._bounds, size)] += times
        self._sum += size * times

    def counts(self) -> list[tuple[float | None, int]]:
        """Bound → measurements of at most that size, but above the bound before; None: larger than all."""
        return list(zip((*self._bounds, None), self._counts, strict=True))

    def buckets(self, scale: float = 1.0) -> tuple[list[tuple[str, float]], float]:
        """As Prometheus has it: each bound with all that is at most so large, and the sum of all; sizes in `scale`."""
        bounds = [*(f"{bound * scale:g}" for bound in self._bounds), "+Inf"]
        return list(zip(bounds, map(float, accumulate(self._counts)), strict=True)), self._sum * scale
