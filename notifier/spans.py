"""Ranges of ranks in which something has moved. Pure."""

from bisect import bisect_right
from dataclasses import dataclass, field

from shared.boards import Ties
from shared.rank_changes import RankLine

MOST = 512
"""Kept apart; more are taken together as one."""
END = 2**53


@dataclass(slots=True)
class Spans:
    """Ranges of ranks, first and last, of which it can be asked whether one meets another."""

    _kept: list[tuple[int, int]] = field(default_factory=list)
    _firsts: list[int] = field(default_factory=list)
    _is_sorted: bool = True

    def __bool__(self) -> bool:
        return bool(self._kept)

    def add(self, first: int, last: int) -> None:
        """These ranks, too."""
        self._kept.append((first, last))
        self._is_sorted = False
        if len(self._kept) > MOST:
            self._kept = [(min(each[0] for each in self._kept), max(each[1] for each in self._kept))]

    def meet(self, first: int, last: int) -> bool:
        """Whether one of these ranks is in there."""
        if not self._is_sorted:
            self._sort()
        at = bisect_right(self._firsts, last) - 1
        return at >= 0 and self._kept[at][1] >= first

    def clear(self) -> None:
        """Nothing has moved since."""
        self._kept, self._firsts, self._is_sorted = [], [], True

    def _sort(self) -> None:
        """Those which meet become one, so that the last that begins before a point is the only one to look at."""
        joined: list[tuple[int, int]] = []
        for first, last in sorted(self._kept):
            if joined and first <= joined[-1][1]:
                joined[-1] = joined[-1][0], max(last, joined[-1][1])
            else:
                joined.append((first, last))
        self._kept, self._firsts, self._is_sorted = joined, [first for first, _ in joined], True


def span_of(row: RankLine, total: int, ties: Ties) -> tuple[int, int] | None:
    """The ranks at which a player's move may have changed who stands there, or where they stand; None: nowhere."""
    ranks = [rank for rank in (row.old_rank, row.new_rank) if rank is not None]
    if not ranks:
        return None
    if ties == "dense" or row.new_rank is None or (ties == "shared" and row.new_rank >= (row.old_rank or END)):
        # A value more or less moves everyone behind it; so does one who goes, and may not be the only one; and whoever
        # drops to a rank that others share was ahead of them.
        return min(ranks), END
    return min(ranks), max(*ranks, total + 1) if len(ranks) == 1 else max(ranks)
