"""Waiting for the outcome of one's own attempt, which comes by the feed."""

import asyncio
import time
from collections.abc import Mapping
from typing import NamedTuple, TypeAlias

from shared.rank_changes import OutcomeLine, RankChanges, RankLine

FORGET_LATE = 10.0
"""Seconds after which a missing outcome stops counting as a sign that the projector lags."""


Rows: TypeAlias = Mapping[tuple[str, str], Mapping[str, RankLine]]
"""Board and season → player → where they stand."""


def rows_of(changes: RankChanges) -> Rows:
    """The rows of a record of the feed."""
    return {(board.board_id, board.season): {row.player_id: row for row in board.rows} for board in changes.boards}


class Outcome(NamedTuple):
    """An outcome, with the rows of the batch that it came with."""

    line: OutcomeLine
    rows: Rows

    def row(self, board_id: str, season: str) -> RankLine | None:
        """Where the player stands on a board after the batch; None when the feed does not say."""
        return self.rows.get((board_id, season), {}).get(self.line.player_id)


class Outcomes:
    """The attempts of this process that somebody waits for. At most `limit` of them."""

    def __init__(self, limit: int = 5_000) -> None:
        self._limit = limit
        self._waiting: dict[str, asyncio.Future[Outcome]] = {}
        self._late: tuple[str, float] | None = None

    @property
    def late(self) -> bool:
        """Whether the projector is so far behind that waiting is in vain.

        True from an attempt whose outcome did not come in time until that outcome comes, or a projector says that it
        has begun anew: the outcome may have died with the one before.
        """
        if self._late is not None and time.monotonic() - self._late[1] > FORGET_LATE:
            self._late = None
        return self._late is not None

    @property
    def awaited(self) -> int:
        """How many attempts somebody waits for."""
        return len(self._waiting)

    @property
    def full(self) -> bool:
        """Whether no more attempts may wait."""
        return self.awaited >= self._limit

    def expect(self, attempt: str) -> "asyncio.Future[Outcome]":
        """The future of an attempt's outcome; register it before the append, then `forget` it."""
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._waiting[attempt] = future
        return future

    def forget(self, attempt: str, *, late: bool = False) -> None:
        """Nobody waits any more; `late` because the outcome did not come in time."""
        self._waiting.pop(attempt, None)
        if late and self._late is None:
            self._late = attempt, time.monotonic()

    def receive(self, changes: RankChanges) -> None:
        """Hand out the outcomes of one record of the feed."""
        if changes.resync:
            self._late = None
        rows = rows_of(changes)
        for line in changes.outcomes:
            future = self._waiting.pop(line.attempt, None)
            if future is not None and not future.done():
                future.set_result(Outcome(line, rows))
            if self._late is not None and line.attempt == self._late[0]:
                self._late = None
