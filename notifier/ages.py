"""How old news is when it is written to a socket: counts by age. Pure."""

from bisect import bisect_left

BOUNDS = (5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 10_000)
"""Milliseconds; what is older is counted behind the last."""


class Ages:
    """Writes since the start, by the time from the log's clock of what they show to the write.

    The log's clock is the broker's: where the clocks of two machines differ, so do these ages.
    """

    def __init__(self) -> None:
        self._counts = [0] * (len(BOUNDS) + 1)

    def add(self, age: int, writes: int = 1) -> None:
        """So many writes of news of an age, in milliseconds."""
        self._counts[bisect_left(BOUNDS, age)] += writes

    def counts(self) -> list[tuple[int | None, int]]:
        """Bound → writes of at most that age, but above the bound before; None: older than all."""
        return list(zip((*BOUNDS, None), self._counts, strict=True))
